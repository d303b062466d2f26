#include "prune/input_moments.h"

#include <algorithm>

#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kColumnsAtOnce = 64;

/// Of some columns of rows, without the mean: sums row by row.
void add_squares(std::span<const float> rows, std::size_t inputs, std::size_t begin, std::size_t end, std::vector<double>& squares) {
    for (std::size_t row = 0; row < rows.size(); row += inputs)
        for (std::size_t at = begin; at < end; ++at) {
            const double value = static_cast<double>(rows[row + at]);
            squares[at] += value * value;
        }
}

}  // namespace

void subtract_means(std::span<const double> means, std::size_t begin, std::size_t end, std::vector<float>& rows) {
    for (std::size_t row = 0; row < rows.size(); row += means.size())
        for (std::size_t at = begin; at < end; ++at) rows[row + at] = static_cast<float>(static_cast<double>(rows[row + at]) - means[at]);
}

void subtract_means(std::span<const double> means, std::vector<float>& rows, int threads) {
    parallel_chunks(means.size(), kColumnsAtOnce, threads,
                    [&](std::size_t, std::size_t begin, std::size_t end) { subtract_means(means, begin, end, rows); });
}

std::vector<double> InputMoments::products(int threads) const {
    std::vector<double> products(mean.size() * mean.size(), 0.0);
    linalg::accumulate_gram(rows, count, static_cast<std::int64_t>(mean.size()), products, threads);
    for (double& value : products) value /= static_cast<double>(std::max<std::int64_t>(1, count));
    return products;
}

InputMoments input_moments(const Layer& layer, const LayerRows& rows, std::int64_t group, Centering centering, int threads) {
    const std::span<const float> x = rows.of_group(layer, group);
    const auto inputs = static_cast<std::size_t>(layer.inputs);
    InputMoments moments{.count = rows.count,
                         .rows = {x.begin(), x.end()},
                         .mean = linalg::column_means(x, rows.count, layer.inputs, threads),
                         .energy = std::vector<double>(inputs, 0.0),
                         .spread = std::vector<double>(inputs, 0.0)};
    parallel_chunks(inputs, kColumnsAtOnce, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        add_squares(x, inputs, begin, end, moments.energy);
        if (centering == Centering::AboutZero) return;
        subtract_means(moments.mean, begin, end, moments.rows);
        add_squares(moments.rows, inputs, begin, end, moments.spread);
    });
    const double count = static_cast<double>(std::max<std::int64_t>(1, rows.count));
    for (double& value : moments.energy) value /= count;
    for (double& value : moments.spread) value /= count;
    if (centering == Centering::AboutZero) moments.spread = moments.energy;
    return moments;
}

}  // namespace mcompress
