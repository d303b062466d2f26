// What types prove about shapes.
#pragma once

#include "ir/type.h"

namespace mcompress {

/// Both extents are known and equal, or both are the same symbol. Two unknown dimensions prove nothing.
bool is_same_dim(const Dim& a, const Dim& b);

/// Both ranks are known and every dimension is_same_dim().
bool is_same_shape(const ValueType& a, const ValueType& b);

/// As is_same_shape for two tensors of which it is known that they hold the same number of elements: one dimension may be open, since it
/// follows from the others.
bool is_same_shape_given_count(const ValueType& a, const ValueType& b);

}  // namespace mcompress
