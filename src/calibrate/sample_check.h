// Is a sample fit to calibrate on?
#pragma once

#include <cstddef>

#include "data/dataset.h"
#include "ir/graph.h"

namespace mcompress {

/// N when the graph's first input with a known leading extent wants N > 1 and the sample's leading extent is 1; otherwise 1.
std::size_t samples_per_run(const Graph& graph, const Sample& sample);

/// Throws kDataNotFinite naming the input when a value is NaN or infinite.
void check_finite(const Sample& sample);

/// Logs shape, range and mean of each tensor, so that a wrong normalisation is seen at once, and warns when a tensor is constant.
void describe_first_sample(const Graph& graph, const Sample& sample);

}  // namespace mcompress
