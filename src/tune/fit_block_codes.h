// Finds the codes that weight-only quantization stores, on samples where the rounding wants some.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "ir/graph.h"
#include "quant/block_codes.h"
#include "quant/scheme.h"

namespace mcompress {

/// What became of one weight.
struct WeightFit {
    std::string weight;  // its name
    std::string node;    // the first that reads it
    std::int64_t inner = 0, columns = 0;
    std::int64_t bytes_before = 0, bytes_after = 0;
    WeightRounding rounding = WeightRounding::Nearest;  // the one that was kept
    double weight_sqnr_db = 0.0;
    // With samples: of the products with it, on samples nothing was fitted to.
    std::optional<double> output_sqnr_db = {};
    std::optional<double> output_sqnr_db_without = {};  // with the rounding that needs no samples
    std::string note = {};                              // why it is not the rounding that was asked for
};

struct BlockFit {
    BlockCodeTable codes;  // by WeightTarget::key()
    std::vector<WeightFit> weights;
};

/// The weights of weight_only_targets(). Gptq goes from the inputs of the graph to its outputs in rounds, each fitted to what the layers read once the rounds
/// before it are quantized: one round with Effort::Fast, at most 8 with Balanced, one for each value that layers read with Max; more where the products of
/// a round would not fit 512 MB. Its codes are kept where they lower the error of the outputs on held-out samples. `data` holds samples of the model's batch;
/// it may be null when the rounding is none that needs it. The same for any number of threads.
BlockFit fit_block_codes(const Graph& graph, const QuantizationScheme& scheme, const std::shared_ptr<const Dataset>& data, int threads,
                         const std::function<void(std::size_t done, std::size_t total)>& progress = {});

}  // namespace mcompress
