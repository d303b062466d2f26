// GELU as exporters write it out where the opset has no such operator.
#pragma once

#include <optional>
#include <vector>

#include "engine/onednn/attributes.h"
#include "engine/shape_propagation.h"

namespace mcompress::onednn {

struct WrittenGelu {
    std::vector<const Node*> nodes;  // in order; the last one gives the result
    EltwisePostOp operation;
};

/// x/2 · (1 + erf(x/√2)) (Hendrycks and Gimpel 2016) of `x`, with the factors in any order: (x·(erf + 1))·½, x·((erf + 1)·½) or (x·½)·(erf + 1).
/// Nothing when x has other readers, or something inside has.
std::optional<WrittenGelu> match_gelu(const PropagatedValues& values, const Value& x);

}  // namespace mcompress::onednn
