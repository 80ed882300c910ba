#!/bin/sh
# Runs a command with none of its user's settings, so that it looks the same everywhere:
#   sh private.sh COMMAND [ARGUMENT]...
# Its home is a new directory that goes away with it; config/ beside this file is its
# configuration. There is no session bus, no accessibility bus and no settings daemon.
home=$(mktemp -d) || exit 1
child=
# Programs write into their home until they have ended.
trap 'trap "" HUP INT TERM; wait; rm -rf "$home"' EXIT
trap 'trap "" HUP INT TERM; kill $child; exit 143' HUP INT TERM
mkdir -p "$home/config" "$home/run" || exit 1
chmod 700 "$home/run"
cp -R "$(dirname "$0")/config/." "$home/config" || exit 1
# In the background, because a shell heeds signals only between commands.
env -i \
    PATH="$PATH" DISPLAY="$DISPLAY" XAUTHORITY="${XAUTHORITY:-$HOME/.Xauthority}" \
    HOME="$home" XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" \
    XDG_CACHE_HOME="$home/cache" XDG_RUNTIME_DIR="$home/run" XDG_SESSION_TYPE=x11 \
    LC_ALL=C.UTF-8 LANG=C.UTF-8 TZ=UTC GDK_BACKEND=x11 \
    GSETTINGS_BACKEND=memory GIO_USE_VFS=local NO_AT_BRIDGE=1 GTK_A11Y=none \
    DBUS_SESSION_BUS_ADDRESS="unix:path=$home/run/none" DBUS_SYSTEM_BUS_ADDRESS="unix:path=$home/run/none" \
    "$@" &
child=$!
wait $child
