// What the numbers in a model's weights and quantizers say: not finite, lost to rounding, zero where that has no use.
#pragma once

#include <vector>

#include "ir/finding.h"
#include "ir/graph.h"

namespace mcompress {

/// Looks at every constant of the graph and its bodies, piece by piece, so that memory does not grow with their size. The same for any number of threads.
/// NaN and infinity in the weights of products are errors (kNotFinite); everything else is a warning.
std::vector<Finding> verify_values(const Graph& graph, int threads);

}  // namespace mcompress
