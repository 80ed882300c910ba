#!/usr/bin/env bash
# Gets what the tests of `panto serve --rfb` need from PyPI: vncdotool (MIT), a VNC client for
# scripts, in a virtual environment of its own.
#
#     tests/rfb/fetch.sh DIR
#
# DIR is `vncdotool` in Cargo's target directory; test.sh knows.
set -euo pipefail

version=1.4.2

dir=${1:?usage: $0 DIR}
if [[ "$("$dir/bin/pip" list --format=freeze 2>/dev/null)" != *"vncdotool==$version"* ]]; then
    python3 -m venv --clear "$dir"
    "$dir/bin/pip" install --quiet --disable-pip-version-check "vncdotool==$version"
fi
