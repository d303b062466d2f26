#!/usr/bin/env bash
# Installs what is missing, builds mcompress, quantizes the digits model to int8 and compares it with the original: on a fresh
# Debian 12 this is the only command needed. Nothing is written outside build/.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-deps.sh --for demo
cmake --preset release --log-level=NOTICE >/dev/null
cmake --build build/release --parallel "$(nproc)"

digits=examples/digits
out=build/demo
images=(--color gray --scale 1/255 --mean 0.5 --std 0.25)
mkdir -p "$out"
show() { printf '\n$ %s\n' "$*"; "$@"; }

show build/release/bin/mcompress quantize "$digits/digits.onnx" --data "$digits/calib" "${images[@]}" -o "$out/digits.int8.onnx" --force
show build/release/bin/mcompress validate "$digits/digits.onnx" "$out/digits.int8.onnx" --data "$digits/eval" "${images[@]}" \
    --labels "$digits/eval.labels.txt" --min-agreement 98

printf '\n%-32s %8s bytes\n' "$digits/digits.onnx" "$(stat -c %s "$digits/digits.onnx")" "$out/digits.int8.onnx" "$(stat -c %s "$out/digits.int8.onnx")"
