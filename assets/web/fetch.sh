#!/usr/bin/env bash
# Gets noVNC (MPL-2.0, https://novnc.com), the VNC viewer in JavaScript that `panto serve --web`
# shows its page with. It is not part of Panto.
#
#     assets/web/fetch.sh [DIR]
#
# DIR is where the server looks for it: $XDG_DATA_HOME/panto/web, or what --web-assets names.
set -euo pipefail

version=1.7.0
integrity=ucEJOx4T2avIRCleodk7YobZj5O2Ga2AeLfQ69A/yjG9HHba2+PDgwSkN3FttrmG+70ZGx21sElNFouK13RzyA==

dir=${1:-${XDG_DATA_HOME:-$HOME/.local/share}/panto/web}
"$(dirname "$0")/pack.sh" "@novnc/novnc@$version" "$integrity" "$dir" \
    core vendor LICENSE.txt AUTHORS docs/LICENSE.MPL-2.0
echo "noVNC $version is in $dir"
