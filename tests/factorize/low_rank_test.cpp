// Decompositions against the error they leave, computed directly, against plain ones, and against every choice of ranks.
#include "factorize/low_rank.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "factorize/rank_choice.h"
#include "tensor/linalg_symmetric.h"

using namespace mcompress;

namespace {

Matrix normal(std::int64_t rows, std::int64_t columns, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> distribution;
    Matrix result(rows, columns);
    for (double& value : result.values) value = distribution(random);
    return result;
}

Matrix unit(std::int64_t n) {
    Matrix result(n, n);
    for (std::int64_t i = 0; i < n; ++i) result(i, i) = 1.0;
    return result;
}

/// Inputs as behind a Relu: mixtures of few causes, not negative, channels of unlike scale.
class Inputs {
public:
    explicit Inputs(std::int64_t n) : n_(n), mixing_(normal(n, n / 4, 5)) {
        std::mt19937_64 random(6);
        std::normal_distribution<double> distribution;
        for (std::int64_t i = 0; i < n; ++i) scales_.push_back(std::exp(distribution(random)));
    }

    Matrix rows(std::int64_t count, unsigned seed) const {
        const Matrix causes = normal(count, n_ / 4, seed), noise = normal(count, n_, seed + 1);
        Matrix x = product_transposed(causes, mixing_);
        for (std::int64_t r = 0; r < count; ++r)
            for (std::int64_t i = 0; i < n_; ++i)
                x(r, i) = std::max(0.0, x(r, i) / std::sqrt(static_cast<double>(n_) / 4.0) + 0.1 * noise(r, i)) *
                          scales_[static_cast<std::size_t>(i)];
        return x;
    }

private:
    std::int64_t n_;
    Matrix mixing_;
    std::vector<double> scales_;
};

Matrix gram_of(const Matrix& x) {
    Matrix gram = product(transpose(x), x);
    for (double& value : gram.values) value /= static_cast<double>(x.rows);
    return gram;
}

/// E |(W - W') x|^2 over E |W x|^2, from the rows themselves.
double error_on(const Matrix& x, const Matrix& weight, const Matrix& other) {
    const Matrix wanted = product_transposed(x, weight), found = product_transposed(x, other);
    double noise = 0.0, signal = 0.0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
        noise += (wanted.values[i] - found.values[i]) * (wanted.values[i] - found.values[i]);
        signal += wanted.values[i] * wanted.values[i];
    }
    return noise / signal;
}

Matrix truncated(const Decomposition& parts, std::int64_t rank) {
    return product(transpose(first_rows(transpose(parts.left), rank)), first_rows(parts.right, rank));
}

}  // namespace

TEST_CASE("symmetric eigen: vectors give the matrix back, and values of a known matrix") {
    const Matrix half = normal(17, 17, 1), a = product_transposed(half, half);
    const linalg::SymmetricEigen eigen = linalg::symmetric_eigen(a.values, 17);
    for (std::int64_t r = 0; r < 17; ++r)
        for (std::int64_t c = 0; c < 17; ++c) {
            double sum = 0.0, dot = 0.0;
            for (std::size_t k = 0; k < 17; ++k) {
                sum += eigen.values[k] * eigen.vectors[k * 17 + static_cast<std::size_t>(r)] *
                       eigen.vectors[k * 17 + static_cast<std::size_t>(c)];
                dot += eigen.vectors[static_cast<std::size_t>(r) * 17 + k] * eigen.vectors[static_cast<std::size_t>(c) * 17 + k];
            }
            CHECK(sum == Approx(a(r, c)).margin(1e-9));
            CHECK(dot == Approx(r == c ? 1.0 : 0.0).margin(1e-12));
        }
    CHECK(std::is_sorted(eigen.values.rbegin(), eigen.values.rend()));
    const std::vector<double> two{2.0, 0.0, 1.0, 2.0};  // the lower triangle: [2 1; 1 2]
    CHECK(linalg::symmetric_eigen(two, 2).values[0] == Approx(3.0));
    CHECK(linalg::symmetric_eigen(two, 2).values[1] == Approx(1.0));
}

TEST_CASE("low rank: whitened at most 0.35 of plain at 80 % of the parameters, and the dropped energy is the error") {
    constexpr std::int64_t n = 256;
    const Inputs inputs(n);
    const Matrix fit = inputs.rows(8192, 10), held_out = inputs.rows(1024, 20), weight = normal(n, n, 3);
    const Decomposition whitened = decompose(weight, gram_of(fit)), plain = decompose(weight, unit(n));
    for (const double share : {0.8, 0.5}) {
        const auto rank = static_cast<std::int64_t>(share * n * n / (2 * n));
        const double better = error_on(held_out, weight, truncated(whitened, rank)),
                     worse = error_on(held_out, weight, truncated(plain, rank));
        INFO("share " << share << ": whitened " << std::sqrt(better) << ", plain " << std::sqrt(worse));
        CHECK(better <= 0.35 * worse);
        CHECK(std::sqrt(better) <= 0.35 * std::sqrt(worse));
        CHECK(error_on(fit, weight, truncated(whitened, rank)) == Approx(whitened.dropped[static_cast<std::size_t>(rank)]).epsilon(1e-6));
        CHECK(better == Approx(whitened.dropped[static_cast<std::size_t>(rank)]).epsilon(0.05));
    }
}

TEST_CASE("low rank: tall and wide weights, both ways to decompose") {
    for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{40, 24}, {24, 40}}) {
        const Matrix x = normal(500, n, 30), weight = normal(m, n, 31);
        const Decomposition parts = decompose(weight, gram_of(x));
        CHECK(parts.right.rows == std::min(m, n));
        for (const std::int64_t rank : {8, 16, 24})
            CHECK(error_on(x, weight, truncated(parts, rank)) ==
                  Approx(parts.dropped[static_cast<std::size_t>(rank)]).epsilon(1e-3).margin(1e-9));
    }
}

TEST_CASE("low rank: every form of a kernel has the error it says, and Product the least at its rank") {
    constexpr std::int64_t channels = 24, outputs = 32, taps = 9;
    const Matrix x = normal(3000, channels * taps, 40);
    LayerAlgebra layer{normal(outputs, channels * taps, 41), gram_of(x), channels, 3, 3};
    const Matrix others = normal(400, channels * taps, 42);
    layer.judged_by = gram_of(others);
    const LowRankForms forms(layer, 8);
    std::size_t seen[3] = {0, 0, 0};
    for (const LowRankForm& form : forms.forms()) {
        ++seen[static_cast<std::size_t>(form.form)];
        const std::vector<Matrix> factors = forms.factors(form);
        const Matrix whole = product(factors.back(), front_map(layer, form.form, factors));
        INFO(form_name(form.form) << " " << form.rank << " " << form.inner_rank);
        CHECK(error_on(x, layer.weight, whole) == Approx(form.error).epsilon(1e-3));
        CHECK(error_on(others, layer.weight, whole) == Approx(form.judged_error).epsilon(1e-3));
        if (form.form != FactorForm::Product)
            CHECK(factors.back().columns == (form.form == FactorForm::Spatial ? form.rank * 3 : form.rank));
        for (const LowRankForm& other : forms.forms())
            if (other.form == FactorForm::Product && form.form == FactorForm::Tucker && other.rank == form.rank)
                CHECK(other.error <= form.error + 1e-9);
    }
    CHECK(seen[0] == 3);
    CHECK(seen[1] > 0);
    CHECK(seen[2] == 2 * 3);
}

TEST_CASE("rank choice: by error the cheapest, by cost on the hulls") {
    const std::vector<LayerForms> layers{{100.0, {{0, 60.0, 0.1}, {1, 40.0, 0.2}, {2, 20.0, 0.9}, {3, 120.0, 0.0}}},
                                         {50.0, {{0, 30.0, 0.02}, {1, 10.0, 0.5}}}};
    CHECK(choose_by_error(layers, 0.25) == std::vector<std::optional<std::size_t>>{1, 0});
    CHECK(choose_by_error(layers, 0.01) == std::vector<std::optional<std::size_t>>{std::nullopt, std::nullopt});
    // 150 in all. The cheapest step first: layer 1 to 30 (0.001 each), then layer 0 to 60 (0.0025), to 40 (0.005), then layer 1 to 10 (0.024).
    CHECK(choose_by_cost(layers, 0.9) == std::vector<std::optional<std::size_t>>{std::nullopt, 0});
    CHECK(choose_by_cost(layers, 0.7) == std::vector<std::optional<std::size_t>>{0, 0});
    CHECK(choose_by_cost(layers, 0.5) == std::vector<std::optional<std::size_t>>{1, 0});
    CHECK(choose_by_cost(layers, 0.35) == std::vector<std::optional<std::size_t>>{1, 1});
    CHECK(choose_by_cost(layers, 0.1) == std::vector<std::optional<std::size_t>>{2, 1});
    // Beaten by what lies under the line between two others: never taken.
    const std::vector<LayerForms> dented{{100.0, {{0, 50.0, 0.9}, {1, 40.0, 0.5}}}};
    CHECK(choose_by_cost(dented, 0.6) == std::vector<std::optional<std::size_t>>{1});
}
