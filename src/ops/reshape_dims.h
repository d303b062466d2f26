// The output dimensions of Reshape when input and target may hold symbols.
#pragma once

#include "ops/integer_values.h"
#include "ops/op_info.h"
#include "ops/shape.h"

namespace mcompress {

/// A 0 copies the input's dimension, a -1 takes what is left: symbols that stand on both sides cancel out.
Dims reshape_dims(const InferContext& context, const ReshapeAttrs& attrs, const std::optional<Dims>& input,
                  const std::vector<IntegerValue>& target);

}  // namespace mcompress
