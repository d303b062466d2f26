#include "prune/input_moments.h"

#include <algorithm>

#include "tensor/linalg.h"

namespace mcompress {
namespace {

std::vector<double> mean_squares(std::span<const float> rows, std::int64_t count, std::size_t inputs) {
    std::vector<double> squares(inputs, 0.0);
    for (std::size_t at = 0; at < rows.size(); ++at) squares[at % inputs] += static_cast<double>(rows[at]) * static_cast<double>(rows[at]);
    for (double& square : squares) square /= static_cast<double>(std::max<std::int64_t>(1, count));
    return squares;
}

}  // namespace

void subtract_means(std::span<const double> means, std::vector<float>& rows) {
    for (std::size_t at = 0; at < rows.size(); ++at)
        rows[at] = static_cast<float>(static_cast<double>(rows[at]) - means[at % means.size()]);
}

std::vector<double> InputMoments::products() const {
    std::vector<double> products(mean.size() * mean.size(), 0.0);
    linalg::accumulate_gram(rows, count, static_cast<std::int64_t>(mean.size()), products);
    for (double& value : products) value /= static_cast<double>(std::max<std::int64_t>(1, count));
    return products;
}

InputMoments input_moments(const Layer& layer, const LayerRows& rows, std::int64_t group, Centering centering) {
    const std::span<const float> x = rows.of_group(layer, group);
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    InputMoments moments{.count = rows.count,
                         .rows = {x.begin(), x.end()},
                         .mean = linalg::column_means(x, rows.count, layer.inputs),
                         .energy = mean_squares(x, rows.count, inputs),
                         .spread = {}};
    if (centering == Centering::AboutMeans) subtract_means(moments.mean, moments.rows);
    moments.spread = centering == Centering::AboutMeans ? mean_squares(moments.rows, rows.count, inputs) : moments.energy;
    return moments;
}

}  // namespace mcompress
