#!/bin/sh
# A terminal in the corner of the screen that shows what is typed, below some lines and with no cursor, so that each
# key changes the pixels of its own cell and no others:
#   sh terminal.sh
exec xterm -geometry 40x48+0+0 -fn 9x15 -fg black -bg white -b 4 -bw 0 +sb +u8 \
    -e sh -c 'printf "\033[?25l"; head -n 8 ../letter.txt | cut -c 1-40; exec cat'
