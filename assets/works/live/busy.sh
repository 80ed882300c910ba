#!/bin/sh
# A terminal that shows what is typed, large pictures that take turns, and above them a film:
#   sh busy.sh
# Without a window manager the order of the windows is that in which they are shown.
sh terminal.sh &
for name in alpine-lake canyon northern-lake nebula; do
    ffmpeg -nostdin -loglevel error -i "../../demo/$name.png" -vf scale=900:600:flags=bicubic \
        "$HOME/$name.png" || exit 1
done
sh film.sh make 16 20 || exit 1
# Each for three seconds; the last one stays.
(
    cd "$HOME" || exit 1
    exec mpv --no-config --vo=x11 --no-audio --osc=no --osd-level=0 --no-input-default-bindings --no-terminal \
        --x11-name=pictures --image-display-duration=3 --keep-open=yes --no-border --cursor-autohide=no \
        --stop-screensaver=no --geometry=900x600+380+200 \
        alpine-lake.png canyon.png northern-lake.png nebula.png alpine-lake.png
) &
sleep 1
exec sh film.sh show 640 0
