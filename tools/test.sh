#!/usr/bin/env bash
# Installs what is missing, builds the preset ci and runs the tests: on a fresh Debian 12 this is the only command needed.
#
#   tools/test.sh                    every test that is not labelled fuzz, accuracy, bench or interop
#   tools/test.sh -L fuzz            arguments go to ctest
#   tools/test.sh -L interop         installs ONNX Runtime from npm first (below build/), unless ORT_NODE names it; without the registry those
#                                    tests are skipped, loudly
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-deps.sh --for test
cmake --preset ci
cmake --build build/ci --parallel "$(nproc)"

case " $* " in
*interop*)
    if [ -z "${ORT_NODE:-}" ]; then
        status=0
        ORT_NODE=$(tools/install-onnxruntime.sh) || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 75 ] || exit "$status"
        [ "$status" -eq 0 ] || printf '\n*** INTEROP NOT RUN: without the npm registry there is no ONNX Runtime to judge what is emitted. ***\n\n' >&2
        export ORT_NODE
    fi ;;
esac

[ $# -gt 0 ] || set -- --label-exclude '^(fuzz|accuracy|bench|interop)$'
exec ctest --test-dir build/ci --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
