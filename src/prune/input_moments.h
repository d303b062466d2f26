// First and second moments of what goes into a layer, in the dense graph and in the pruned one.
#pragma once

#include <vector>

#include "tune/layer_samples.h"

namespace mcompress {

/// Whether moments are about the means, which a bias can take up, or about 0.
enum class Centering { AboutMeans, AboutZero };

/// Of one group; x is a row of the dense graph's input, x' the same row in the pruned one.
struct InputMoments {
    std::vector<double> mean_dense, mean_pruned;
    std::vector<double> pruned;  // E[x' x'^T], [inputs, inputs]
    std::vector<double> cross;   // E[x x'^T]
    std::vector<double> energy;  // E[x'^2] about 0
};

InputMoments input_moments(const Layer& layer, const LayerRows& dense, const LayerRows& pruned, std::int64_t group, Centering centering);

}  // namespace mcompress
