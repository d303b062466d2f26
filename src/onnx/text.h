// ONNX's text syntax → Model, through libonnx's parser. For tests and examples.
#pragma once

#include <memory>
#include <string_view>

#include "ir/model.h"

namespace mcompress {

/// Parses a whole model ("<ir_version: 8, opset_import: ["" : 13]> agraph (float[N] x) => (float[N] y) { … }"). libonnx 1.12's parser has no
/// initializers: constants are written as Constant nodes. Throws kModelInvalid with the parser's message.
std::unique_ptr<Model> parse_model(std::string_view text);

}  // namespace mcompress
