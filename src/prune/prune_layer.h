// One layer: which weights go, and how the others make up for them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "prune/criterion.h"
#include "prune/layer_judge.h"
#include "prune/mask.h"

namespace mcompress {

/// Bare: what stays is what it was, whatever the criterion would make of it. None: the criterion's weights. Full: weights, biases and scales are fitted to the dense
/// model where that lowers the error on held-out samples.
enum class Repair { Bare, None, Full };

struct RepairRow {
    Repair repair;
    std::string_view name;
};

std::span<const RepairRow> all_repairs();
std::string_view repair_name(Repair repair);

struct LayerTask {
    Criterion criterion = Criterion::Magnitude;
    Pattern pattern;
    std::int64_t zeros = 0;
    Repair repair = Repair::None;
    std::uint64_t number = 0;  // of the layer
    int threads = 1;
};

struct PrunedLayer {
    LayerWeights weights;
    Mask mask;
    std::string_view repair = "none";  // what was kept of it
    double error_before = 0.0;         // on held-out samples, relative, without repair; 0 without samples
    double error_after = 0.0;
};

WeightGrid grid_of(const Layer& layer);
/// That of some of a layer's outputs.
WeightGrid part_grid(const Layer& whole, const Layer& part);
LayerWeights exact_weights(const Layer& layer);

/// Without samples: criteria that need none. The repair is none.
PrunedLayer prune_layer(const Layer& layer, const LayerTask& task);

/// With rows of the layer's input in the dense graph and in the one pruned up to this layer. Without repair the criterion sees the dense rows only; with it
/// candidates are, each with the bias that keeps the mean: the criterion's weights; these with every output scaled to be nearest to what it was (what batch
/// normalization's statistics would do); and least squares under the mask against the dense layer, damped as suits the held-out rows; then, where the activation behind the layer cuts
/// results off, the same in rounds against the nearest results that it takes for the dense layer's.
PrunedLayer prune_layer(const Layer& layer, const SplitRows& dense, const SplitRows& pruned, const LayerTask& task);

}  // namespace mcompress
