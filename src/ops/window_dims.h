// Sliding windows over dimensions that may be symbols or unknown.
#pragma once

#include "ir/type.h"
#include "ops/window.h"

namespace mcompress {

/// The output dimension of a convolution or pool along one axis. A symbol is kept where the window keeps the extent whatever it is.
Dim window_dim(const WindowAttrs& attrs, int axis, const Dim& input, const Dim& kernel);
/// The same for a transposed convolution.
Dim transposed_window_dim(const TransposedWindowAttrs& attrs, int axis, const Dim& input, const Dim& kernel);

}  // namespace mcompress
