#!/bin/sh
# The film alone, paused before its first picture:
#   sh film-alone.sh GRAIN
sh film.sh make 8 "$1" && exec sh film.sh show 320 220 --pause
