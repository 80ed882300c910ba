#!/bin/sh
# mpv with a film that is computed, in its own size, paused before its first picture.
exec mpv --no-config --vo=x11 --no-audio --osc=no --osd-level=0 --no-input-default-bindings \
    --input-conf=film.conf --no-terminal --pause --keep-open=yes --end=4 \
    --geometry=+512+328 --no-border --cursor-autohide=no --stop-screensaver=no \
    "av://lavfi:testsrc2=size=256x144:rate=24"
