#!/bin/sh
# Records the traces anew from the work files in assets/works:
#   assets/traces/make.sh [NAME]...
# All of them without a name. It installs nothing, but names the packages that are missing.
# PANTO is the program to record with; without it, what `cargo build` makes.
set -eu
traces=$(cd "$(dirname "$0")" && pwd)
works=$traces/../works
panto=${PANTO:-$traces/../../target/debug/panto}
[ $# -gt 0 ] || set -- $(cd "$works" && ls *.work | sed 's/\.work$//')

if [ ! -x "$panto" ]; then
    echo "there is no $panto; run cargo build, or name another in PANTO" >&2
    exit 1
fi
for name; do
    if [ ! -f "$works/$name.work" ]; then
        echo "there is no work file for $name; there are: $(cd "$works" && echo *.work)" >&2
        exit 1
    fi
done
if command -v dpkg-query > /dev/null; then
    missing=
    for package in xvfb $(for name; do sed -n 's/^needs //p' "$works/$name.work"; done | tr ' ' '\n' | sort -u); do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) || state=absent
        [ "$state" = installed ] || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        echo "packages are missing; install them with: apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
fi
for name; do
    # The flat screen is the harder case, and what most captures give; one shows the other.
    case $name in windows) surfaces=auto ;; *) surfaces=no ;; esac
    # A recording that fails leaves the old trace as it is.
    "$panto" record "$traces/$name.trace.new" --work "$works/$name.work" --windows $surfaces --compress 19
    mv "$traces/$name.trace.new" "$traces/$name.trace"
done
