#!/bin/sh
# SciTE with one file, which is not saved, and with settings that do not depend on a screen:
#   sh editor.sh FILE
# Its cursor does not blink, so that the screen comes to rest and ends twice the same.
exec scite -position.left=0 -position.top=0 -position.width=1000 -position.height=700 \
    -font.base=font:'!DejaVu Sans Mono,size:12' -font.monospace=font:'!DejaVu Sans Mono,size:12' \
    -caret.period=0 -check.if.already.open=0 -load.on.activate=0 \
    "$1"
