#!/usr/bin/env bash
# Installs a build into a staging folder, builds the example program against it with find_package and with pkg-config, runs both, and looks into the packages.
#
#   tests/package/check.sh BUILD SOURCE
set -euo pipefail
build=$1 source=$2
digits=$source/examples/digits
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "check: $*" >&2; exit 1; }

stage=$scratch/stage
cmake --install "$build" --prefix "$stage" >/dev/null
library=$(find "$stage" -name libmcompress.a)
for file in bin/mcompress share/man/man1/mcompress.1 share/man/man1/mcompress-quantize.1 share/bash-completion/completions/mcompress \
    share/zsh/vendor-completions/_mcompress share/fish/vendor_completions.d/mcompress.fish share/doc/mcompress/copyright share/doc/mcompress/README.md \
    share/doc/mcompress/docs/commands.md; do
    [ -s "$stage/$file" ] || fail "$file is not installed"
done
[ "$(cd "$stage/include" && find . -type f)" = ./mcompress/mcompress.h ] || fail "headers: $(cd "$stage/include" && find . -type f)"
hidden=$(nm -g --defined-only --demangle "$library" 2>/dev/null | grep -E '^[0-9a-f]+ ' | grep -v ' mcompress::v1::' | grep -vE ' (vtable|typeinfo|typeinfo name) for mcompress::v1::' || true)
[ -z "$hidden" ] || fail "internal symbols can be seen: $(head -3 <<<"$hidden")"

use() {  # a built consumer
    mkdir "$scratch/$1"
    "$2" "$digits/digits.onnx" "$digits/eval" "$digits/eval.labels.txt" "$scratch/$1" >"$scratch/$1.log" 2>&1 || { cat "$scratch/$1.log" >&2; fail "the consumer of $1"; }
    grep -q '^consumer: done$' "$scratch/$1.log" || fail "the consumer of $1 did not end"
    "$stage/bin/mcompress" -q optimize "$digits/digits.onnx" -o "$scratch/$1/program.onnx" >/dev/null
    cmp "$scratch/$1/program.onnx" "$scratch/$1/optimized.onnx"  # library and program give the same bytes
}
# Installed files are all that a consumer has: it is built elsewhere.
cp -r "$source/examples/consumer" "$scratch/source"
cmake -S "$scratch/source" -B "$scratch/with-cmake" -DCMAKE_PREFIX_PATH="$stage" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >/dev/null
cmake --build "$scratch/with-cmake" >/dev/null
use find_package "$scratch/with-cmake/consumer"
PKG_CONFIG_PATH=$(dirname "$(find "$stage" -name mcompress.pc)"); export PKG_CONFIG_PATH
# shellcheck disable=SC2046
"${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror "$scratch/source/main.cpp" -o "$scratch/with-pkg-config" $(pkg-config --cflags --libs mcompress)
use pkg-config "$scratch/with-pkg-config"

(cd "$scratch" && cpack --config "$build/CPackConfig.cmake" -B "$scratch/packages" >"$scratch/cpack.log" 2>&1) || { cat "$scratch/cpack.log" >&2; fail "cpack"; }
archive=$(find "$scratch/packages" -maxdepth 1 -name '*.tar.gz')
listing=$(tar -tzf "$archive")
grep -q '/bin/mcompress$' <<<"$listing" || fail "no program in $archive: $(head -5 <<<"$listing")"
program=$(find "$scratch/packages" -maxdepth 1 -name 'mcompress_*.deb')
[ -n "$program" ] && [ -n "$(find "$scratch/packages" -maxdepth 1 -name 'libmcompress-dev_*.deb')" ] || fail "packages: $(ls "$scratch/packages")"
depends=$(dpkg-deb -f "$program" Depends)
for library in libdnnl libprotobuf libonnx libc6 libstdc++6 libzip libjpeg62-turbo; do
    grep -q "$library" <<<"$depends" || fail "the package does not depend on $library: $depends"
done
dpkg-deb -x "$program" "$scratch/unpacked"
[ "$("$scratch/unpacked/usr/bin/mcompress" --version)" = "$("$stage/bin/mcompress" --version)" ] || fail "the packaged program"
[ ! -e "$scratch/unpacked/usr/include" ] || fail "headers in the program's package"
echo "check: done; Depends: $depends"
