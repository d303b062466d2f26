// The sum behind a layer: what else goes into it.
#pragma once

#include <optional>

#include "tune/layer.h"

namespace mcompress {

/// The other operand of an Add that reads a layer's results, and nothing else does.
struct Residual {
    const Value* value = nullptr;  // in the float graph; it has the results' shape and is known before the layer runs
    PassedRange passed;            // behind the sum
};

/// Nothing when no such sum lies behind the layer.
std::optional<Residual> residual_of(const Layer& layer);

}  // namespace mcompress
