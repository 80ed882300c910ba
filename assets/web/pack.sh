#!/usr/bin/env bash
# Unpacks one package of npm, exactly the one that is meant.
#
#     assets/web/pack.sh NAME@VERSION SHA512 DIR [PART]...
#
# SHA512 is the package's integrity in base64, without "sha512-". Of the package only the PARTs
# (files and folders) go to DIR, or everything. DIR is replaced whole, or left as it was.
set -euo pipefail

(($# >= 3)) || { echo "usage: $0 NAME@VERSION SHA512 DIR [PART]..." >&2; exit 2; }
package=$1 integrity=$2 dir=$3
shift 3

if ! command -v npm >/dev/null; then
    echo "$0: there is no npm; on Debian: apt install npm" >&2
    exit 1
fi
# Left by an earlier run; what is pinned says whether it is the same.
if [[ -f $dir/.integrity && $(<"$dir/.integrity") == "$package $integrity" ]]; then
    exit 0
fi
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! (cd "$work" && npm pack --silent --ignore-scripts "$package" >/dev/null); then
    echo "$0: npm cannot get $package; this says why: npm pack $package" >&2
    exit 1
fi
archives=("$work"/*.tgz)
found=$(sha512sum <"${archives[0]}" | cut -d' ' -f1)
if [[ $found != "$(base64 -d <<<"$integrity" | od -An -v -tx1 | tr -d ' \n')" ]]; then
    echo "$0: $package is not what it was, and was not unpacked; its SHA-512 is $found" >&2
    exit 1
fi
mkdir "$work/new"
tar -xzf "${archives[0]}" -C "$work/new" --strip-components=1 "${@/#/package/}"
echo "$package $integrity" >"$work/new/.integrity"
chmod 755 "$work/new"
rm -rf "$dir"
mv "$work/new" "$dir"
