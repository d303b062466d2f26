// Whether the effects of sources add up, which rankings and predictions rely on.
#pragma once

#include <cstddef>
#include <vector>

#include "search/findings.h"
#include "search/sensitivity.h"

namespace mcompress {

/// Measures `count` random halves of the sources (the same in every run) and compares with the sums of their single effects.
Additivity check_additivity(const Engine& engine, const Graph& reference, const Graph& quantized, const std::vector<RankedSource>& ranking,
                            EffectMetric metric, const Dataset& data, std::size_t count, int threads);

}  // namespace mcompress
