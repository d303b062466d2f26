// A model without its weights: what protobuf parses, while the weights stay where they are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mcompress {

/// A serialized message in which the raw_data of every tensor that the IR interprets (initializers and tensor attributes of the main graph
/// and of its bodies; not of functions, training graphs and sparse tensors) is replaced by its index into `raw`: eight bytes, little-endian.
struct ReducedMessage {
    std::string bytes;
    std::vector<std::span<const std::byte>> raw;
};

/// Walks the wire format of a whole ModelProto without recursion, before anything is allocated for it. Throws kNotOnnx, kModelTruncated
/// (with the offset), kNestingTooDeep, kModelInvalid when there is no graph, and kTooLarge when it has more nodes or would take more memory than the limits of the
/// process allow.
ReducedMessage reduce_model(std::span<const std::byte> bytes);

/// As above for a TensorProto.
ReducedMessage reduce_tensor(std::span<const std::byte> bytes);

}  // namespace mcompress
