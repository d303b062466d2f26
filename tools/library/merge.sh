#!/usr/bin/env bash
# Makes a static library of objects and archives in which only the names of the public interface can be seen.
#
#   merge.sh LINKER NM OBJCOPY AR OUTPUT.a INPUT...
set -euo pipefail
linker=$1 nm=$2 objcopy=$3 ar=$4 output=$5
shift 5
merged=${output%.a}.o
# Section groups are folded: a group whose names are hidden here must not be dropped in favour of a caller's copy of it.
"$linker" -r --force-group-allocation -o "$merged" --start-group "$@" --end-group
# Unique symbols (static members of templates, inline variables) cannot be made local before they are weak.
"$nm" --defined-only "$merged" | awk '$2 == "u" { print $3 }' >"$merged.unique"
"$objcopy" --weaken-symbols="$merged.unique" "$merged"
"$objcopy" --wildcard --keep-global-symbol='_ZN9mcompress2v1*' --keep-global-symbol='_ZNK9mcompress2v1*' --keep-global-symbol='_ZT?N9mcompress2v1*' "$merged"
rm -f "$output" "$merged.unique"
"$ar" qcs "$output" "$merged"
