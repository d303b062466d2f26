#!/usr/bin/env bash
# Installs what is missing, builds the preset ci and runs the tests: on a fresh Debian 12 this is the only command needed.
#
#   tools/test.sh                    every test that is not labelled fuzz, accuracy, bench or interop
#   tools/test.sh -L fuzz            arguments go to ctest
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-deps.sh --for test
cmake --preset ci
cmake --build build/ci --parallel "$(nproc)"

[ $# -gt 0 ] || set -- --label-exclude '^(fuzz|accuracy|bench|interop)$'
exec ctest --test-dir build/ci --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
