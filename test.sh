#!/usr/bin/env bash
# Everything that is tested, on a Debian machine that has Rust and nothing else:
# installs what the tests need, builds, runs all tests.
#
#     ./test.sh
#
# The last line is the sum: "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"

# A C compiler for zstd and AWS-LC; X servers, a window manager and programs to look at;
# what the viewer's window loads when it opens, and a Vulkan driver that needs no GPU;
# a browser for the report and for --web, and a packet capture for counts; other remote displays,
# and what VNC servers show and copy.
packages=(
    gcc libc6-dev
    xvfb xauth openbox xterm xclip
    x11-apps x11-utils x11-xserver-utils x11-xkb-utils gtk-3-examples fonts-dejavu-core
    libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0
    libvulkan1 mesa-vulkan-drivers
    chromium tcpdump
    tigervnc-standalone-server tigervnc-viewer tigervnc-tools gvncviewer vncsnapshot python3-venv tshark
    nxagent nxproxy freerdp2-shadow-x11 freerdp2-x11
    xpra python3-gi-cairo python3-lz4 python3-pil xfonts-base
    x11vnc wayvnc sway foot grim wl-clipboard openssl
)

# Node may come from elsewhere, and then brings an npm that Debian's does not go with.
command -v npm >/dev/null || packages+=(nodejs npm)

install_missing() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "test.sh: this is no Debian; the tests need what these Debian packages hold: ${packages[*]}" >&2
        return
    fi
    local missing=() package root=()
    for package in "${packages[@]}"; do
        if [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed* ]]; then
            missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        root=(sudo)
        if ! command -v sudo >/dev/null; then
            echo "test.sh: packages are missing, and only root can install them:" >&2
            echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
            exit 1
        fi
    fi
    echo "test.sh: installing ${missing[*]}"
    if ! { "${root[@]}" apt-get update &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --no-install-recommends "${missing[@]}"; }; then
        echo "test.sh: these packages could not be installed; without them tests would fail: ${missing[*]}" >&2
        exit 1
    fi
}

if ! command -v cargo >/dev/null; then
    echo "test.sh: there is no cargo; get Rust from https://rustup.rs" >&2
    exit 1
fi
install_missing

# noVNC, and what steers Chromium; beside what Cargo builds, so that the tests find it.
tests/web/fetch.sh "${CARGO_TARGET_DIR:-target}/browser" ||
    echo "test.sh: npm did not bring what the tests of --web need; they will fail" >&2
# A VNC client for scripts, likewise.
tests/rfb/fetch.sh "${CARGO_TARGET_DIR:-target}/vncdotool" ||
    echo "test.sh: pip did not bring what a test of --rfb needs; it will fail" >&2

# The same packages, features and profile in each command: everything is compiled once.
# The first also makes the binary `panto`, which the tests in tests/ start.
select=(--workspace --locked --all-features)
cargo build "${select[@]}" --bins --tests

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
run() {
    cargo test "${select[@]}" --no-fail-fast "$@" 2>&1 | tee -a "$log" || failed=1
}
# Examples in the documentation first, so that the last results are those of real tests.
run --doc
run --tests

# libtest says "test result: …" for each program. The viewer's window needs the main thread,
# so its tests run without libtest and say "test NAME ... ok" only.
awk -v status="$failed" '
    function close_program() {
        if (!counted) { passed += ok; failures += bad }
        ok = bad = counted = 0
    }
    /^ +(Running|Doc-tests) / { close_program() }
    /^test .* \.\.\. / { if (/ok$/) ok++; else bad++ }
    /^test result: / {
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^passed/) passed += $(i - 1)
            if ($i ~ /^failed/) failures += $(i - 1)
            if ($i ~ /^ignored/) ignored += $(i - 1)
        }
        counted = 1
    }
    END {
        close_program()
        # A program that crashed told no result.
        if (status && !failures) failures = 1
        if (ignored) printf "%d ignored\n", ignored
        printf "%d passed, %d failed\n", passed, failures
        exit failures > 0 || passed == 0
    }' "$log"
