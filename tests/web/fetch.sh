#!/usr/bin/env bash
# Gets what the tests of `panto serve --web` need from npm: noVNC, and playwright-core
# (Apache-2.0), which steers Chromium.
#
#     tests/web/fetch.sh DIR
#
# DIR is `browser` in Cargo's target directory; test.sh knows.
set -euo pipefail

version=1.65.1
integrity=hqPpz7blSMPxWVdoeE1yiBSzXsKiVOd2k+kjCvmUywD2GPO2Dd9HfcWnq9NN0GHbNZDFgZ9JfBFr+X5/BLo0qw==

dir=${1:?usage: $0 DIR}
root=$(dirname "$0")/../..
"$root/assets/web/fetch.sh" "$dir/novnc"
"$root/assets/web/pack.sh" "playwright-core@$version" "$integrity" "$dir/node_modules/playwright-core"
