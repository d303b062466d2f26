#!/usr/bin/env bash
# Runs clang-tidy (14, Debian's package clang-tidy) with .clang-tidy over the sources; exit 1 on any finding.
#
#   tools/tidy.sh [FILE.cpp…]     all of src and tools/mcompress without files
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy >/dev/null || { echo "tidy: install the Debian package clang-tidy" >&2; exit 77; }
[ -f build/dev/compile_commands.json ] || cmake --preset dev --log-level=NOTICE >/dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(find src tools/mcompress -name '*.cpp' -type f | LC_ALL=C sort)
# A finding in a header comes again with every file that includes it: each line once is enough.
findings=$(printf '%s\0' "${files[@]}" | { xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/dev --quiet 2>/dev/null || true; } |
    { grep -E '(error|warning):' || true; } | LC_ALL=C sort -u)
[ -z "$findings" ] || { printf '%s\n' "$findings"; exit 1; }
echo "tidy: nothing found in ${#files[@]} files"
