#include "factorize/low_rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/check.h"
#include "tensor/linalg.h"
#include "tensor/linalg_symmetric.h"

namespace mcompress {

namespace {

constexpr double kDamping = 1e-6;

Matrix eigenvectors_of(linalg::SymmetricEigen eigen, std::int64_t n) {
    Matrix rows;
    rows.rows = rows.columns = n;
    rows.values = std::move(eigen.vectors);
    return rows;
}

/// tails[r]: the sum of the values from r on, over the sum of all; values below 0 are rounding.
std::vector<double> tails_of(std::span<const double> values, double whole) {
    std::vector<double> tails(values.size() + 1, 0.0);
    for (std::size_t i = values.size(); i-- > 0;) tails[i] = tails[i + 1] + std::max(0.0, values[i]);
    for (double& tail : tails) tail = whole > 0.0 ? tail / whole : 0.0;
    return tails;
}

/// Solves x a = b for symmetric a, row by row of b.
Matrix solve_right(const Matrix& b, const Matrix& a) {
    Matrix columns = transpose(b);
    // With more damping where a is singular: what its inputs never did is not to be used.
    for (double damping = kDamping; damping < 1.0; damping *= 100.0)
        if (linalg::cholesky_solve(a.values, a.rows, damping, columns.values, columns.columns) == linalg::Factorization::Done)
            return transpose(columns);
    return Matrix(b.rows, b.columns);
}

Matrix spread(const Matrix& weight, const Matrix& gram) { return product_transposed(product(weight, gram), weight); }

/// [outputs * width, channels * height] of [outputs, channels * height * width].
Matrix spatial_unfolding(const LayerAlgebra& layer) {
    Matrix result(layer.weight.rows * layer.width, layer.channels * layer.height);
    for (std::int64_t o = 0; o < layer.weight.rows; ++o)
        for (std::int64_t ci = 0; ci < result.columns; ++ci)
            for (std::int64_t j = 0; j < layer.width; ++j) result(o * layer.width + j, ci) = layer.weight(o, ci * layer.width + j);
    return result;
}

/// [outputs * taps, channels].
Matrix channel_unfolding(const LayerAlgebra& layer) {
    const std::int64_t taps = layer.height * layer.width;
    Matrix result(layer.weight.rows * taps, layer.channels);
    for (std::int64_t o = 0; o < layer.weight.rows; ++o)
        for (std::int64_t c = 0; c < layer.channels; ++c)
            for (std::int64_t t = 0; t < taps; ++t) result(o * taps + t, c) = layer.weight(o, c * taps + t);
    return result;
}

/// Moments of what lies at one tap of the window, averaged over the taps: rows come in groups of `taps`, of which equal ones meet.
Matrix gram_over_taps(const Matrix& gram, std::int64_t taps) {
    Matrix result(gram.rows / taps, gram.columns / taps);
    for (std::int64_t a = 0; a < result.rows; ++a)
        for (std::int64_t b = 0; b < result.columns; ++b) {
            double sum = 0.0;
            for (std::int64_t t = 0; t < taps; ++t) sum += gram(a * taps + t, b * taps + t);
            result(a, b) = sum / static_cast<double>(taps);
        }
    return result;
}

/// Reduced-rank regression of W x on z = F x: `best` = left right with right's rows the directions of the outputs that z explains best.
struct Regression {
    Matrix best;     // [m, q]
    Matrix outputs;  // [m, m], rows are directions, the strongest first
    std::vector<double> strengths;
};

Regression regress(const LayerAlgebra& layer, const Matrix& front) {
    const Matrix moments = product(front, layer.gram);
    const Matrix z = product_transposed(moments, front), cross = product_transposed(layer.weight, moments);
    Regression result;
    result.best = solve_right(cross, z);
    linalg::SymmetricEigen eigen = linalg::symmetric_eigen(spread(result.best, z).values, layer.weight.rows);
    result.strengths = eigen.values;
    result.outputs = eigenvectors_of(std::move(eigen), layer.weight.rows);
    return result;
}

Matrix spatial_front(const LayerAlgebra& layer, const Matrix& rows) {
    Matrix front(rows.rows * layer.width, layer.weight.columns);
    for (std::int64_t k = 0; k < rows.rows; ++k)
        for (std::int64_t ci = 0; ci < rows.columns; ++ci)
            for (std::int64_t j = 0; j < layer.width; ++j) front(k * layer.width + j, ci * layer.width + j) = rows(k, ci);
    return front;
}

Matrix channel_front(const LayerAlgebra& layer, const Matrix& channels) {
    const std::int64_t taps = layer.height * layer.width;
    Matrix front(channels.rows * taps, layer.weight.columns);
    for (std::int64_t k = 0; k < channels.rows; ++k)
        for (std::int64_t c = 0; c < layer.channels; ++c)
            for (std::int64_t t = 0; t < taps; ++t) front(k * taps + t, c * taps + t) = channels(k, c);
    return front;
}

}  // namespace

Decomposition decompose(const Matrix& weight, const Matrix& gram) {
    const std::int64_t m = weight.rows, n = weight.columns;
    MCOMPRESS_CHECK(gram.rows == n && gram.columns == n);
    Decomposition result;
    if (m <= n) {
        const Matrix outputs = spread(weight, gram);
        linalg::SymmetricEigen eigen = linalg::symmetric_eigen(outputs.values, m);
        result.dropped = tails_of(eigen.values, trace(outputs));
        const Matrix directions = eigenvectors_of(std::move(eigen), m);
        result.left = transpose(directions);
        result.right = product(directions, weight);
        return result;
    }
    linalg::SymmetricEigen inner = linalg::symmetric_eigen(gram.values, n);
    Matrix root(n, n), inverse(n, n);  // S = Q D^(1/2), and S^-1
    const double least = kDamping * std::max(0.0, trace(gram)) / static_cast<double>(std::max<std::int64_t>(1, n));
    for (std::int64_t k = 0; k < n; ++k) {
        const double value = std::sqrt(std::max({inner.values[static_cast<std::size_t>(k)], least, 1e-300}));
        for (std::int64_t i = 0; i < n; ++i) {
            const double element = inner.vectors[static_cast<std::size_t>(k * n + i)];
            root(i, k) = element * value;
            inverse(k, i) = element / value;
        }
    }
    const Matrix whitened = product(weight, root);
    const Matrix square = product(transpose(whitened), whitened);
    linalg::SymmetricEigen eigen = linalg::symmetric_eigen(square.values, n);
    result.dropped = tails_of(eigen.values, trace(square));
    const Matrix directions = eigenvectors_of(std::move(eigen), n);
    result.left = product_transposed(whitened, directions);
    result.right = product(directions, inverse);
    return result;
}

LowRankForms::LowRankForms(LayerAlgebra layer, std::int64_t step) : layer_(std::move(layer)) {
    signal_ = trace(spread(layer_.weight, layer_.gram));
    add_products(step);
    if (layer_.height > 1 && layer_.width > 1) add_spatial(step);
    if (layer_.height * layer_.width > 1) add_tucker(step);
}

void LowRankForms::add_products(std::int64_t step) {
    product_ = decompose(layer_.weight, layer_.gram);
    const std::vector<double> judged_errors = judged(product_.left, product_.right);
    for (std::int64_t rank = step; rank < product_.right.rows; rank += step) {
        const double error = product_.dropped[static_cast<std::size_t>(rank)];
        forms_.push_back(
            {FactorForm::Product, rank, 0, error, judged_errors.empty() ? error : judged_errors[static_cast<std::size_t>(rank)]});
    }
}

void LowRankForms::add_spatial(std::int64_t step) {
    spatial_ = decompose(spatial_unfolding(layer_), gram_over_taps(layer_.gram, layer_.width));
    for (std::int64_t rank = step; rank < spatial_.right.rows; rank += step) {
        const Matrix front = spatial_front(layer_, first_rows(spatial_.right, rank));
        const Regression fit = regress(layer_, front);
        const double kept = std::accumulate(fit.strengths.begin(), fit.strengths.end(), 0.0);
        const double error = signal_ > 0.0 ? std::max(0.0, 1.0 - kept / signal_) : 0.0;
        const std::vector<double> judged_errors = judged(transpose(fit.outputs), product(product(fit.outputs, fit.best), front));
        forms_.push_back({FactorForm::Spatial, rank, 0, error, judged_errors.empty() ? error : judged_errors.back()});
    }
}

void LowRankForms::add_tucker(std::int64_t step) {
    channel_ = decompose(channel_unfolding(layer_), gram_over_taps(layer_.gram, layer_.height * layer_.width));
    for (std::int64_t inner = step; inner < layer_.channels; inner += step) {
        const Matrix front = channel_front(layer_, first_rows(channel_.right, inner));
        const Regression fit = regress(layer_, front);
        const std::vector<double> tails = tails_of(fit.strengths, 1.0);
        const std::vector<double> judged_errors = judged(transpose(fit.outputs), product(product(fit.outputs, fit.best), front));
        for (std::int64_t rank = step; rank < layer_.weight.rows; rank += step) {
            const double kept = tails[0] - tails[static_cast<std::size_t>(rank)];
            const double error = signal_ > 0.0 ? std::max(0.0, 1.0 - kept / signal_) : 0.0;
            forms_.push_back(
                {FactorForm::Tucker, rank, inner, error, judged_errors.empty() ? error : judged_errors[static_cast<std::size_t>(rank)]});
        }
    }
}

std::vector<double> LowRankForms::judged(const Matrix& left, const Matrix& right) const {
    if (layer_.judged_by.rows == 0) return {};
    return errors_of_terms(layer_.weight, left, right, layer_.judged_by);
}

std::vector<Matrix> LowRankForms::factors(const LowRankForm& form) const {
    if (form.form == FactorForm::Product) {
        const Matrix columns = first_rows(transpose(product_.left), form.rank);
        return {first_rows(product_.right, form.rank), transpose(columns)};
    }
    if (form.form == FactorForm::Spatial) {
        Matrix rows = first_rows(spatial_.right, form.rank);
        Matrix last = regress(layer_, spatial_front(layer_, rows)).best;
        return {std::move(rows), std::move(last)};
    }
    Matrix channels = first_rows(channel_.right, form.inner_rank);
    const Regression fit = regress(layer_, channel_front(layer_, channels));
    const Matrix outputs = first_rows(fit.outputs, form.rank);
    return {std::move(channels), product(outputs, fit.best), transpose(outputs)};
}

std::vector<double> errors_of_terms(const Matrix& weight, const Matrix& left, const Matrix& right, const Matrix& moments) {
    const Matrix seen = product(right, moments), crossed = product_transposed(seen, weight), results = product_transposed(seen, right);
    const double power = trace(spread(weight, moments));
    std::vector<double> errors{1.0};
    for (std::int64_t term = 0; term < right.rows; ++term) {
        double shared = 0.0, own = 0.0;
        for (std::int64_t output = 0; output < left.rows; ++output) {
            shared += left(output, term) * crossed(term, output);
            own += left(output, term) * left(output, term);
        }
        errors.push_back(power > 0.0 ? errors.back() - (2.0 * shared - own * results(term, term)) / power : 0.0);
    }
    return errors;
}

Matrix front_map(const LayerAlgebra& layer, FactorForm form, const std::vector<Matrix>& factors) {
    if (form == FactorForm::Product) return factors[0];
    if (form == FactorForm::Spatial) return spatial_front(layer, factors[0]);
    return product(factors[1], channel_front(layer, factors[0]));
}

Matrix regression_of(const Matrix& cross, const Matrix& moments) { return solve_right(cross, moments); }

}  // namespace mcompress
