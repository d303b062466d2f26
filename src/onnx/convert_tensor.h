// TensorProto ↔ Tensor.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "onnx/external_data.h"
#include "onnx/proto.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Where the bytes of tensors come from.
struct TensorSource {
    /// What raw_data holds an index into (see reduce.h); without it raw_data holds the bytes themselves.
    const std::vector<std::span<const std::byte>>* raw = nullptr;
    std::shared_ptr<const void> owner;  // of the bytes above
    ExternalFiles* external = nullptr;  // null: external data is refused
};

/// Takes dimensions, type and contents out of the message: what remains is its name, documentation and fields unknown to the IR. The tensor
/// views the source where it can. Throws kTensorInvalid (saying what was expected and found) and kExternalData.
Tensor take_tensor(onnx::TensorProto& proto, const TensorSource& source);

/// Dimensions, type and contents (as raw_data or string_data) into the message, whose other fields stay.
void put_tensor(const Tensor& tensor, onnx::TensorProto& proto);

/// As above, without the contents.
void put_tensor_header(const Tensor& tensor, onnx::TensorProto& proto);

}  // namespace mcompress
