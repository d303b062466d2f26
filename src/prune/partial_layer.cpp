#include "prune/partial_layer.h"

#include <algorithm>

namespace mcompress {

PartialLayer::PartialLayer(const Layer& whole, const LayerWeights& weights, std::int64_t most) : layer(whole) {
    layer.outputs = std::min(whole.outputs, most);
    const auto inputs = static_cast<std::ptrdiff_t>(whole.inputs);
    for (std::int64_t group = 0; group < whole.groups; ++group)
        for (std::int64_t at = 0; at < layer.outputs; ++at) {
            const std::int64_t row = group * whole.outputs + at * whole.outputs / layer.outputs;
            const auto begin = weights.matrix.begin() + static_cast<std::ptrdiff_t>(row) * inputs;
            rows.push_back(static_cast<std::size_t>(row));
            exact.matrix.insert(exact.matrix.end(), begin, begin + inputs);
            exact.bias.push_back(weights.bias[static_cast<std::size_t>(row)]);
        }
}

Mask PartialLayer::mask_of(const Mask& whole) const {
    Mask part;
    const auto inputs = static_cast<std::ptrdiff_t>(layer.inputs);
    for (const std::size_t row : rows) {
        const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(row) * inputs;
        part.insert(part.end(), begin, begin + inputs);
    }
    return part;
}

}  // namespace mcompress
