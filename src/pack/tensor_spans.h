// Where the elements of tensors lie in a serialized model.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <cstddef>

namespace mcompress {

/// Elements of `width` bytes (1, 2, 4 or 8), a whole number of them, at [offset, offset + size) of a file.
struct TensorSpan {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t width = 1;
    bool operator==(const TensorSpan&) const = default;
};

struct TensorSpans {
    std::vector<TensorSpan> inside;                          // of the model file
    std::map<std::string, std::vector<TensorSpan>> outside;  // of external data files, by their location as the model says it
};

/// Looks through the wire format for tensors of `smallest` bytes and more: initializers, sparse ones, attributes, bodies, functions. In ascending
/// order, without overlaps. What is no well-formed model is passed over: spans only say how to compress, not what.
TensorSpans find_tensor_spans(std::span<const std::byte> model, std::uint64_t smallest);

}  // namespace mcompress
