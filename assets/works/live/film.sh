#!/bin/sh
# A film of 640x360 that is computed, 24 pictures a second:
#   sh film.sh make SECONDS GRAIN
#   sh film.sh show X Y [OPTION]...
# It is made without loss, so that playing it costs little. With a GRAIN of more than 0 noise of that strength
# moves over it, as over what a camera takes. mpv shows it without a border; SPACE pauses and plays.
film=$HOME/film.nut
case $1 in
make)
    filter=format=yuv420p
    [ "$3" = 0 ] || filter=$filter,noise=alls=$3:allf=t
    exec ffmpeg -nostdin -loglevel error -f lavfi -i "mandelbrot=size=640x360:rate=24,$filter" \
        -t "$2" -c:v ffv1 -g 1 "$film"
    ;;
show)
    x=$2 y=$3
    shift 3
    exec mpv --no-config --vo=x11 --no-audio --osc=no --osd-level=0 --no-input-default-bindings \
        --input-conf=../film.conf --no-terminal --keep-open=yes --x11-name=film \
        --geometry="+$x+$y" --no-border --cursor-autohide=no --stop-screensaver=no "$@" "$film"
    ;;
esac
