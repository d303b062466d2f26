// Sums of products X^T X of what layers read, over samples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "ir/graph.h"

namespace mcompress {

struct InputProducts {
    std::int64_t inner = 0;        // the value's last extent
    std::int64_t rows = 0;         // that were looked at
    std::vector<double> products;  // [inner, inner]; empty when no sample reached the value
};

/// One entry a value, in their order; values of bodies are looked at each time a body runs. Of a sample's rows at most 2048, evenly spaced, count. The same
/// for any number of threads.
std::vector<InputProducts> collect_input_products(const Graph& graph, const Engine& engine, const Dataset& data,
                                                  std::span<const Value* const> values, int threads);

}  // namespace mcompress
