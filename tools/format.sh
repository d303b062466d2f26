#!/usr/bin/env bash
# Formats every C++ file of the project with .clang-format.
#
#   tools/format.sh             rewrite the files
#   tools/format.sh --check     change nothing, list what would change, exit 1 if anything would
#
# The result depends on clang-format's version: 14 (Debian 12) is the project's. --check exits 77 (skipped) with any other.
set -euo pipefail
cd "$(dirname "$0")/.."

format=$(command -v clang-format-14 || command -v clang-format || true)
[ -n "$format" ] || { echo "format: clang-format is not installed (tools/install-deps.sh)" >&2; exit 77; }
version=$("$format" --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
mapfile -t files < <(find src tools tests examples \( -name '*.cpp' -o -name '*.h' \) -type f 2>/dev/null | LC_ALL=C sort)
[ ${#files[@]} -gt 0 ] || exit 0

if [ "${1:-}" != --check ]; then
    [ "$version" = 14 ] || echo "format: this is clang-format $version; the project's is 14" >&2
    exec "$format" -i "${files[@]}"
fi
[ "$version" = 14 ] || { echo "format: not checked, needs clang-format 14, found $version"; exit 77; }
status=0
for file in "${files[@]}"; do
    "$format" "$file" | cmp -s - "$file" || { echo "format: $file"; status=1; }
done
[ $status -eq 0 ] || echo "format: run tools/format.sh"
exit $status
