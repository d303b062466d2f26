// What a tensor holds, added to a digest.
#pragma once

#include "tensor/tensor.h"

namespace mcompress {

/// Adds the elements as they are stored, strings one by one. `Digest` has add_bytes() and add_string().
template <typename Digest> void add_elements(Digest& digest, const Tensor& tensor) {
    if (tensor.dtype() == DType::String) {
        for (const std::string& text : tensor.strings()) digest.add_string(text);
    } else {
        digest.add_bytes(tensor.stored_bytes(), tensor.byte_size());
    }
}

}  // namespace mcompress
