#include "prune/residual_rows.h"

#include "support/check.h"

namespace mcompress {

bool have_residuals(const LayerRows& dense, const LayerRows& pruned) {
    return !dense.residual.empty() && dense.residual.size() == pruned.residual.size();
}

std::vector<float> residuals_of(const Layer& layer, const LayerRows& rows, std::int64_t group, std::span<const std::size_t> outputs) {
    const auto count = static_cast<std::size_t>(rows.count), own = static_cast<std::size_t>(layer.outputs);
    const std::size_t first = static_cast<std::size_t>(group) * own, width = count == 0 ? 0 : rows.residual.size() / count;
    std::vector<float> values(count * own);
    for (std::size_t at = 0; at < own; ++at) {
        const std::size_t column = outputs.empty() ? first + at : outputs[first + at];
        MCOMPRESS_CHECK(column < width);
        for (std::size_t row = 0; row < count; ++row) values[row * own + at] = rows.residual[row * width + column];
    }
    return values;
}

}  // namespace mcompress
