#include "factorize/last_factor.h"

#include "support/check.h"
#include "tensor/linalg.h"

namespace mcompress {

namespace {

constexpr double kDampings[] = {0.01, 0.1, 1.0};

/// rows [count, n] times map^T: [count, map.rows].
std::vector<float> mapped(const LayerRows& rows, const Matrix& map) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(rows.values.size()) == rows.count * map.columns);
    std::vector<float> result(static_cast<std::size_t>(rows.count * map.rows));
    linalg::gemm({rows.values}, {floats_of(map), linalg::Transpose::Yes}, result, {rows.count, map.rows, map.columns});
    return result;
}

/// What a last factor is to give for the rows.
std::vector<float> wanted_of(const Matrix& weight, const LayerRows& exact, const LayerRows& compressed) {
    std::vector<float> wanted = mapped(exact, weight);
    if (exact.residual.empty() || exact.residual.size() != compressed.residual.size()) return wanted;
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += exact.residual[i] - compressed.residual[i];
    return wanted;
}

std::vector<double> mean_of(std::span<const float> rows, std::int64_t width) {
    return linalg::column_means(rows, static_cast<std::int64_t>(rows.size()) / width, width);
}

void subtract(std::vector<float>& rows, std::span<const double> mean) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(static_cast<double>(rows[i]) - mean[i % mean.size()]);
}

}  // namespace

LastFactor with_bias(Matrix factor, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                     BiasUse bias) {
    LastFactor last{std::move(factor), {}};
    if (bias == BiasUse::None || exact.count == 0) return last;
    last.shift = mean_of(wanted_of(weight, exact, compressed), weight.rows);
    const std::vector<double> z = mean_of(mapped(compressed, front), front.rows);
    for (std::int64_t o = 0; o < weight.rows; ++o)
        for (std::int64_t k = 0; k < front.rows; ++k)
            last.shift[static_cast<std::size_t>(o)] -= last.factor(o, k) * z[static_cast<std::size_t>(k)];
    return last;
}

LastFactor fit_last(const Matrix& start, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                    BiasUse bias, double damping) {
    std::vector<float> y = wanted_of(weight, exact, compressed), z = mapped(compressed, front);
    if (bias == BiasUse::Mean) {
        subtract(y, mean_of(y, weight.rows));
        subtract(z, mean_of(z, front.rows));
    }
    Matrix cross(weight.rows, front.rows), moments(front.rows, front.rows);
    linalg::accumulate_cross(y, z, exact.count, weight.rows, front.rows, cross.values);
    linalg::accumulate_gram(z, exact.count, front.rows, moments.values);
    const Matrix given = product(start, moments);
    for (std::size_t i = 0; i < cross.values.size(); ++i) cross.values[i] -= given.values[i];
    for (std::int64_t k = 0; k < front.rows; ++k) moments(k, k) *= 1.0 + damping;
    Matrix factor = regression_of(cross, moments);
    for (std::size_t i = 0; i < factor.values.size(); ++i) factor.values[i] += start.values[i];
    return with_bias(std::move(factor), weight, front, exact, compressed, bias);
}

double error_of(const LastFactor& last, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                BiasUse bias) {
    const std::vector<float> y = wanted_of(weight, exact, compressed), z = mapped(compressed, front);
    std::vector<float> found(y.size());
    linalg::gemm({z}, {floats_of(last.factor), linalg::Transpose::Yes}, found, {exact.count, weight.rows, front.rows});
    const std::vector<double> mean =
        bias == BiasUse::Mean ? mean_of(y, weight.rows) : std::vector<double>(static_cast<std::size_t>(weight.rows), 0.0);
    double noise = 0.0, signal = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t output = i % mean.size();
        const double wanted = static_cast<double>(y[i]);
        const double error = wanted - static_cast<double>(found[i]) - (last.shift.empty() ? 0.0 : last.shift[output]);
        noise += error * error;
        signal += (wanted - mean[output]) * (wanted - mean[output]);
    }
    return signal > 0.0 ? noise / signal : 0.0;
}

bool fit_better(const Matrix& weight, const Matrix& front, const SplitRows& exact, const SplitRows& compressed, BiasUse bias,
                LastFactor& best, double& error) {
    const Matrix start = best.factor;
    bool is_better = false;
    for (const double damping : kDampings) {
        LastFactor fitted = fit_last(start, weight, front, exact.fit, compressed.fit, bias, damping);
        const double found = error_of(fitted, weight, front, exact.held_out, compressed.held_out, bias);
        if (!(found < error)) continue;
        error = found;
        best = std::move(fitted);
        is_better = true;
    }
    return is_better;
}

}  // namespace mcompress
