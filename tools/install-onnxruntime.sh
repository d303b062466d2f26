#!/usr/bin/env bash
# Installs ONNX Runtime for Node.js below a folder, from npm, and prints where it is: the independent judge of tests/interop.
#
#   tools/install-onnxruntime.sh [FOLDER]       build/onnxruntime when none is given; nothing is done when it is there already
#
# Exit code 75: the npm registry cannot be reached, and nothing is there. Node.js and npm are installed from Debian when they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.30.0
folder=${1:-build/onnxruntime}
package=$folder/node_modules/onnxruntime-node

if ! grep -qs "\"version\": \"$version\"" "$package/package.json"; then
    command -v node >/dev/null && command -v npm >/dev/null || tools/install-deps.sh --for interop >&2
    mkdir -p "$folder"
    # Its install script only fetches GPU libraries.
    if ! npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --no-package-lock --fetch-retries 2 --fetch-timeout 120000 \
        --loglevel error "onnxruntime-node@$version" >&2; then
        rm -rf "$package"
        npm ping --fetch-retries 0 --fetch-timeout 30000 >/dev/null 2>&1 && exit 1
        echo "install-onnxruntime: the npm registry cannot be reached" >&2
        exit 75
    fi
    # What it brings for other systems is most of its size.
    find "$package/bin" -mindepth 2 -maxdepth 2 -type d ! -name linux -exec rm -rf {} +
fi
node -e "require('$PWD/$package')" >&2
echo "$PWD/$package"
