// What a sum behind a layer adds to its results, at the layer's rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tune/layer_samples.h"

namespace mcompress {

/// Whether rows of both graphs have it.
bool have_residuals(const LayerRows& dense, const LayerRows& pruned);

/// Of one group, [count, outputs]. `outputs`: which of the rows' outputs those of the layer are; empty: all.
std::vector<float> residuals_of(const Layer& layer, const LayerRows& rows, std::int64_t group, std::span<const std::size_t> outputs);

}  // namespace mcompress
