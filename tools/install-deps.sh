#!/usr/bin/env bash
# Installs the Debian packages that mcompress needs, and nothing when all of them are there.
#
#   tools/install-deps.sh [--for demo|test|interop|fuzz]     demo: build and run the program; test (the default): the test tools too;
#                                                       interop: those, Node.js and npm; fuzz: those of test, clang with libFuzzer
#
# Needs Debian 12 or later, and root or sudo when something is missing.
set -euo pipefail

usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }
purpose=test
while [ $# -gt 0 ]; do
    case $1 in
    --for) purpose=${2:-}; shift 2 || { usage >&2; exit 2; } ;;
    --for=*) purpose=${1#--for=}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install-deps: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
    esac
done

build=(
    g++ cmake ninja-build ccache git pkg-config dpkg-dev file
    libonnx-dev libprotobuf-dev protobuf-compiler
    libdnnl-dev
    libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
    libeigen3-dev
    libjpeg62-turbo-dev libpng-dev libzip-dev zlib1g-dev
    libxxhash-dev
    libzstd-dev
)
tests=(catch2 libonnx-testdata python3 python3-numpy python3-pil clang-format strace time man-db groff locales)
interop=(nodejs npm)
fuzz=(clang libclang-rt-dev libomp-dev)

case $purpose in
demo) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${tests[@]}") ;;
interop) wanted=("${build[@]}" "${tests[@]}" "${interop[@]}") ;;
fuzz) wanted=("${build[@]}" "${tests[@]}" "${fuzz[@]}") ;;
*) echo "install-deps: --for takes demo, test, interop or fuzz, not '$purpose'" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null || { echo "install-deps: this is not a Debian system (no dpkg-query)" >&2; exit 1; }
missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    case $state in installed*) ;; *) missing+=("$package") ;; esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install-deps: run as root (no sudo here): apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo "${as_root[@]}")
fi
apt=("${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -qq)
echo "install-deps: installing ${#missing[@]} Debian packages: ${missing[*]}"
"${apt[@]}" update || echo "install-deps: the package lists could not all be refreshed, trying with what is there" >&2
# apt's package-by-package text is of use only when it fails.
log=$(mktemp); trap 'rm -f "$log"' EXIT
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit "$status"; }
echo "install-deps: done"
