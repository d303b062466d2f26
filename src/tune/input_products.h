// Sums of products X^T X of what layers read, over samples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "ir/graph.h"

namespace mcompress {

/// Of neighbouring columns.
struct ProductSegment {
    std::int64_t first = 0, width = 0;
    std::vector<double> products;  // [width, width]
};

struct InputProducts {
    std::int64_t inner = 0;                // the value's last extent
    std::int64_t rows = 0;                 // that were looked at
    std::vector<ProductSegment> segments;  // all columns; none when no sample reached the value
};

/// Columns taken together: all up to 4096, else equal parts of whole blocks, so that memory grows with the columns and not with their square (11,008 columns:
/// 0.3 GB instead of 1 GB). What ties columns of different parts is not looked at. Blocks longer than 4096 are not taken apart.
std::vector<ProductSegment> product_segments(std::int64_t inner, std::int64_t block);

/// One entry a value, in their order; values of bodies are looked at each time a body runs. Of a sample's rows at most 2048, evenly spaced, count. The same
/// for any number of threads.
std::vector<InputProducts> collect_input_products(const Graph& graph, const Engine& engine, const Dataset& data,
                                                  std::span<const Value* const> values, std::int64_t block, int threads);

}  // namespace mcompress
