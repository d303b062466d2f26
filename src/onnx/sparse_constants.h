// Constants in ONNX's coordinate format (sparse initializers): values other than 0 and their places.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace mcompress {

struct SparseCounts {
    int constants = 0;         // that changed form
    std::uint64_t dense = 0;   // their bytes one way
    std::uint64_t sparse = 0;  // and the other
};

/// Makes dense constants of all sparse ones, bodies included. Throws kTensorInvalid when one breaks a rule of the format, kTooLarge when it would take
/// more than ten thousand times its room.
SparseCounts expand_sparse_constants(Graph& graph);

/// Stores constants as values and int64 places where that takes less room than all elements: above 66.7 % zeros in float32, 80 % in float16, 88.9 % in
/// int8. An IR version of 6 or more is required.
SparseCounts store_sparse_constants(Graph& graph);

}  // namespace mcompress
