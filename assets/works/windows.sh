#!/bin/sh
# Two terminals with text that rests, the second one above the first:
#   openbox --startup 'sh windows.sh'
# The first one starts the second when it is shown itself (-wf), so that their order is the
# same in every run.
cd "$(dirname "$0")" || exit 1
exec xterm -wf -name Minutes -T Minutes -geometry 80x24+60+50 -fn 9x15 -fg black -bg white -b 4 +sb +u8 -e sh -c '
    cat letter.txt
    xterm -wf -name Files -T Files -geometry 80x30+420+260 -fn 9x15 -fg white -bg "#203040" -b 4 +sb +u8 -e perl session.pl &
    exec cat'
