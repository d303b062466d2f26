// Telling what a file is when it is not an ONNX model.
#pragma once

#include <cstddef>
#include <span>

namespace mcompress {

/// Throws kNotOnnx, naming the format, when the bytes begin like a format that is often taken for ONNX, or when there are none.
void refuse_other_formats(std::span<const std::byte> bytes);

/// Whether the first field can be one of ModelProto.
bool looks_like_model(std::span<const std::byte> bytes);

}  // namespace mcompress
