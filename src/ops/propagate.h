// Evaluation of what exporters compute from shapes: integer vectors of which each element is a number, a symbol or unknown.
#pragma once

#include <optional>
#include <span>

#include "ir/node.h"
#include "ops/integer_values.h"

namespace mcompress {

/// What is known of output 0. `integers[i]` is what is known of input i, or null; `inputs` and `output` are inferred types.
/// Nothing when the operator is not one of those exporters compute shapes with, or too little is known.
std::optional<IntegerValues> propagate_integers(const Node& node, std::span<const ValueType> inputs,
                                                std::span<const IntegerValues* const> integers, const ValueType& output);

}  // namespace mcompress
