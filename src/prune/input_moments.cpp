#include "prune/input_moments.h"

#include <algorithm>

#include "tensor/linalg.h"

namespace mcompress {

InputMoments input_moments(const Layer& layer, const LayerRows& dense, const LayerRows& pruned, std::int64_t group, Centering centering) {
    const std::span<const float> x = dense.of_group(layer, group), y = pruned.of_group(layer, group);
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    InputMoments moments{linalg::column_means(x, dense.count, layer.inputs),
                         linalg::column_means(y, pruned.count, layer.inputs),
                         std::vector<double>(inputs * inputs, 0.0),
                         std::vector<double>(inputs * inputs, 0.0),
                         {}};
    linalg::accumulate_gram(y, pruned.count, layer.inputs, moments.pruned);
    const bool is_same = &dense == &pruned;
    if (!is_same) linalg::accumulate_cross(x, y, dense.count, layer.inputs, layer.inputs, moments.cross);
    const double scale = 1.0 / static_cast<double>(std::max<std::int64_t>(1, pruned.count));
    for (double& value : moments.pruned) value *= scale;
    for (std::size_t at = 0; at < inputs; ++at) moments.energy.push_back(moments.pruned[at * inputs + at]);
    for (double& value : moments.cross) value *= scale;
    if (is_same) moments.cross = moments.pruned;
    if (centering == Centering::AboutZero) return moments;
    for (std::size_t row = 0; row < inputs; ++row)
        for (std::size_t column = 0; column < inputs; ++column) {
            moments.pruned[row * inputs + column] -= moments.mean_pruned[row] * moments.mean_pruned[column];
            moments.cross[row * inputs + column] -= moments.mean_dense[row] * moments.mean_pruned[column];
        }
    return moments;
}

}  // namespace mcompress
