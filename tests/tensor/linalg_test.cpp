// Products, Gram matrices, Cholesky solutions and factors against plain loops in double precision.
#include "tensor/linalg.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

#include "catch.h"
#include "support/error.h"
#include "tensor/linalg_backend.h"

using namespace mcompress;
using namespace mcompress::linalg;

namespace {

std::vector<float> random_floats(std::mt19937& random, std::int64_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(random);
    return values;
}

double at(const std::vector<float>& values, std::int64_t rows, std::int64_t columns, Transpose transpose, std::int64_t i, std::int64_t j) {
    return transpose == Transpose::Yes ? values[static_cast<std::size_t>(j * rows + i)] : values[static_cast<std::size_t>(i * columns + j)];
}

/// x^T y by the definition.
std::vector<double> cross_of(const std::vector<float>& x, const std::vector<float>& y, std::int64_t rows, std::int64_t p, std::int64_t q) {
    std::vector<double> sums(static_cast<std::size_t>(p * q));
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < p; ++i) {
            for (std::int64_t j = 0; j < q; ++j) sums[i * q + j] += static_cast<double>(x[r * p + i]) * static_cast<double>(y[r * q + j]);
        }
    }
    return sums;
}

double greatest_difference(std::span<const double> a, std::span<const double> b) {
    REQUIRE(a.size() == b.size());
    double greatest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) greatest = std::max(greatest, std::abs(a[i] - b[i]));
    return greatest;
}

/// A well conditioned symmetric positive definite matrix.
std::vector<double> random_gram(std::mt19937& random, std::int64_t n) {
    const std::int64_t rows = 2 * n + 5;
    std::vector<double> gram(static_cast<std::size_t>(n * n));
    accumulate_gram(random_floats(random, rows * n), rows, n, gram);
    return gram;
}

std::vector<double> damped(std::vector<double> a, std::int64_t n, double damping) {
    double trace = 0.0;
    for (std::int64_t i = 0; i < n; ++i) trace += a[i * n + i];
    for (std::int64_t i = 0; i < n; ++i) a[i * n + i] += damping * trace / static_cast<double>(n);
    return a;
}

}  // namespace

TEST_CASE("linalg: a product of every transposition is the sum of its definition, written or added") {
    std::mt19937 random(1);
    for (const auto& [m, n, k] :
         {Extents{1, 1, 1}, Extents{3, 5, 7}, Extents{65, 33, 129}, Extents{17, 200, 300}, Extents{4, 4, 0}, Extents{0, 3, 2}}) {
        for (const Transpose ta : {Transpose::No, Transpose::Yes}) {
            for (const Transpose tb : {Transpose::No, Transpose::Yes}) {
                const std::vector<float> a = random_floats(random, m * k);
                const std::vector<float> b = random_floats(random, k * n);
                const std::vector<float> before = random_floats(random, m * n);
                for (const Store store : {Store::Overwrite, Store::Add}) {
                    std::vector<float> c = before;
                    gemm({a, ta}, {b, tb}, c, {m, n, k}, store);
                    double greatest = 0.0;
                    for (std::int64_t i = 0; i < m; ++i) {
                        for (std::int64_t j = 0; j < n; ++j) {
                            double sum = store == Store::Add ? before[static_cast<std::size_t>(i * n + j)] : 0.0;
                            for (std::int64_t l = 0; l < k; ++l) sum += at(a, m, k, ta, i, l) * at(b, k, n, tb, l, j);
                            greatest = std::max(greatest, std::abs(sum - c[static_cast<std::size_t>(i * n + j)]));
                        }
                    }
                    CHECK(greatest < 1e-5 * (1.0 + std::sqrt(static_cast<double>(k))));
                }
            }
        }
    }
}

TEST_CASE("linalg: Gram and cross products over several blocks of rows and columns add to what was there") {
    std::mt19937 random(2);
    for (const auto& [rows, p, q] : {Extents{1, 1, 1}, Extents{7, 30, 11}, Extents{1100, 70, 13}, Extents{40, 520, 3}, Extents{0, 4, 4}}) {
        const std::vector<float> x = random_floats(random, rows * p);
        const std::vector<float> y = random_floats(random, rows * q);
        std::vector<double> c(static_cast<std::size_t>(p * q));
        accumulate_cross(x, y, rows, p, q, c);
        accumulate_cross(x, y, rows, p, q, c);
        std::vector<double> expected = cross_of(x, y, rows, p, q);
        for (double& value : expected) value *= 2.0;
        CHECK(greatest_difference(c, expected) < 1e-4 * (1.0 + std::sqrt(static_cast<double>(rows))));

        std::vector<double> gram(static_cast<std::size_t>(p * p));
        accumulate_gram(x, rows, p, gram);
        CHECK(greatest_difference(gram, cross_of(x, x, rows, p, p)) < 1e-4 * (1.0 + std::sqrt(static_cast<double>(rows))));
        for (std::int64_t i = 0; i < p; ++i) {
            for (std::int64_t j = 0; j < i; ++j) REQUIRE(gram[i * p + j] == gram[j * p + i]);
        }
    }
}

TEST_CASE("linalg: sums over a million rows do not drift as a float's would") {
    constexpr std::int64_t kRows = 1'000'000;
    const std::vector<float> ones(kRows, 0.1f);
    std::vector<double> gram(1);
    for (int i = 0; i < 20; ++i) accumulate_gram(ones, kRows, 1, gram);
    CHECK(gram[0] == Approx(20.0 * kRows * 0.1 * 0.1).epsilon(2e-5));
}

TEST_CASE("linalg: a Cholesky solution satisfies its equations, with damping taken from the mean of the diagonal") {
    std::mt19937 random(3);
    for (const std::int64_t n : {1, 2, 17, 130, 300}) {
        for (const double damping : {0.0, 0.01}) {
            const std::vector<double> a = random_gram(random, n);
            const std::vector<float> right = random_floats(random, n * 3);
            std::vector<double> x(right.begin(), right.end());
            REQUIRE(cholesky_solve(a, n, damping, x, 3) == Factorization::Done);
            const std::vector<double> matrix = damped(a, n, damping);
            double greatest = 0.0;
            for (std::int64_t i = 0; i < n; ++i) {
                for (std::int64_t c = 0; c < 3; ++c) {
                    double sum = 0.0;
                    for (std::int64_t j = 0; j < n; ++j) sum += matrix[i * n + j] * x[j * 3 + c];
                    greatest = std::max(greatest, std::abs(sum - static_cast<double>(right[i * 3 + c])));
                }
            }
            CHECK(greatest < 1e-9);
        }
    }
}

TEST_CASE("linalg: the upper factor U of the inverse gives U^T U a = 1 and is zero below its diagonal") {
    std::mt19937 random(4);
    for (const std::int64_t n : {1, 2, 5, 64, 65, 200, 333}) {
        const std::vector<double> a = random_gram(random, n);
        std::vector<double> u = a;
        REQUIRE(inverse_upper_cholesky(u, n, 0.01) == Factorization::Done);
        const std::vector<double> matrix = damped(a, n, 0.01);
        std::vector<double> u_a(u.size());
        std::vector<double> unit(u.size());
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t j = 0; j < i; ++j) REQUIRE(u[i * n + j] == 0.0);
            REQUIRE(u[i * n + i] > 0.0);
            for (std::int64_t l = i; l < n; ++l) {
                for (std::int64_t j = 0; j < n; ++j) u_a[i * n + j] += u[i * n + l] * matrix[l * n + j];
            }
        }
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t l = 0; l <= i; ++l) {
                for (std::int64_t j = 0; j < n; ++j) unit[i * n + j] += u[l * n + i] * u_a[l * n + j];
            }
        }
        for (std::int64_t i = 0; i < n; ++i) unit[i * n + i] -= 1.0;
        CHECK(greatest_difference(unit, std::vector<double>(unit.size())) < 1e-9);
    }
}

TEST_CASE("linalg: the inverse of a symmetric matrix times it is 1; threads change no bit of it, of a Gram matrix or of means") {
    std::mt19937 random(7);
    for (const std::int64_t n : {1, 2, 63, 64, 65, 200, 300}) {
        const std::vector<double> a = random_gram(random, n);
        std::vector<double> inverse = a, by_three = a, unit(a.size());
        REQUIRE(invert_symmetric(inverse, n) == Factorization::Done);
        REQUIRE(invert_symmetric(by_three, n, 3) == Factorization::Done);
        CHECK(inverse == by_three);
        multiply(inverse, a, unit, {n, n, n});
        for (std::int64_t i = 0; i < n; ++i) unit[i * n + i] -= 1.0;
        CHECK(greatest_difference(unit, std::vector<double>(unit.size())) < 1e-9);

        const std::vector<float> x = random_floats(random, 700 * n);
        std::vector<double> gram(a.size()), other(a.size());
        accumulate_gram(x, 700, n, gram);
        accumulate_gram(x, 700, n, other, 3);
        CHECK(gram == other);
        CHECK(column_means(x, 700, n) == column_means(x, 700, n, 3));
    }
}

TEST_CASE("linalg: products of doubles, and rows that are added with factors, are the sums of their definitions") {
    std::mt19937 random(8);
    for (const auto& [m, n, k] : {Extents{1, 1, 1}, Extents{3, 5, 7}, Extents{8, 130, 65}, Extents{9, 64, 0}}) {
        const std::vector<float> some = random_floats(random, m * k), others = random_floats(random, k * n);
        const std::vector<double> a(some.begin(), some.end()), b(others.begin(), others.end());
        std::vector<double> c(static_cast<std::size_t>(m * n), 1.0), expected(c.size(), 0.0);
        multiply(a, b, c, {m, n, k});
        for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t l = 0; l < k; ++l)
                for (std::int64_t j = 0; j < n; ++j) expected[i * n + j] += a[i * k + l] * b[l * n + j];
        CHECK(greatest_difference(c, expected) < 1e-10);
        std::vector<float> sum(static_cast<std::size_t>(n), 1.0F);
        combine_rows(others, std::span(some).first(static_cast<std::size_t>(k)), sum);
        CHECK(greatest_difference(std::vector<double>(sum.begin(), sum.end()), std::span(expected).first(sum.size())) < 1e-4);
    }
}

TEST_CASE("linalg: every instruction set this machine runs computes the same") {
    std::mt19937 random(6);
    constexpr std::int64_t kRows = 90;
    constexpr std::int64_t kSize = 150;
    const std::vector<float> x = random_floats(random, kRows * kSize);
    const std::vector<double> gram = random_gram(random, kSize);
    const std::vector<double> expected = cross_of(x, x, kRows, kSize, kSize);
    const auto first = runnable_backends().front();
    for (const Backend* const backend : runnable_backends()) {
        INFO(backend->name);
        std::vector<float> product(static_cast<std::size_t>(kSize * kSize));
        backend->cross(x.data(), kSize, x.data(), kSize, kRows, kSize, kSize, product.data());
        CHECK(greatest_difference(std::vector<double>(product.begin(), product.end()), expected) < 1e-4);
        backend->gemm(x.data(), true, x.data(), false, product.data(), kSize, kSize, kRows, false);
        CHECK(greatest_difference(std::vector<double>(product.begin(), product.end()), expected) < 1e-4);

        std::vector<double> lower = gram;
        std::vector<double> reference = gram;
        REQUIRE(backend->cholesky(lower.data(), kSize));
        REQUIRE(first->cholesky(reference.data(), kSize));
        CHECK(greatest_difference(lower, reference) < 1e-9);
        std::vector<double> square(gram.size()), same(gram.size());
        backend->multiply(gram.data(), gram.data(), square.data(), kSize, kSize, kSize);
        first->multiply(gram.data(), gram.data(), same.data(), kSize, kSize, kSize);
        CHECK(greatest_difference(square, same) < 1e-6);
        std::vector<float> combined(kSize), combined_first(kSize);
        backend->combine(x.data(), kSize, x.data(), kRows, combined.data(), kSize);
        first->combine(x.data(), kSize, x.data(), kRows, combined_first.data(), kSize);
        for (std::size_t i = 0; i < combined.size(); ++i) CHECK(combined[i] == Approx(combined_first[i]).margin(1e-4));
        std::vector<double> right(kSize, 1.0);
        std::vector<double> other = right;
        backend->solve(lower.data(), kSize, right.data(), 1);
        first->solve(reference.data(), kSize, other.data(), 1);
        CHECK(greatest_difference(right, other) < 1e-12);
        backend->invert_lower(lower.data(), kSize);
        first->invert_lower(reference.data(), kSize);
        CHECK(greatest_difference(lower, reference) < 1e-9);
    }
    CHECK(runnable_backends().back()->name == instruction_set());
}

TEST_CASE("linalg: a matrix without a Cholesky factor is reported and the right side is kept") {
    const std::vector<double> indefinite = {1.0, 2.0, 2.0, 1.0};
    const std::vector<double> zero(4);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const std::vector<double>& a :
         {indefinite, zero, std::vector<double>{nan, 0.0, 0.0, 1.0}, std::vector<double>{1.0, 0.0, nan, 1.0}}) {
        std::vector<double> b = {5.0, 6.0};
        CHECK(cholesky_solve(a, 2, 0.0, b, 1) == Factorization::NotPositiveDefinite);
        CHECK(b == std::vector<double>{5.0, 6.0});
        std::vector<double> u = a;
        CHECK(inverse_upper_cholesky(u, 2, 0.0) == Factorization::NotPositiveDefinite);
        std::vector<double> inverse = a;
        CHECK(invert_symmetric(inverse, 2) == Factorization::NotPositiveDefinite);
    }
    // A singular matrix has one once it is damped: one observed direction of four.
    std::vector<double> singular(16);
    accumulate_gram(std::vector<float>{1.0f, 2.0f, 3.0f, 4.0f}, 1, 4, singular);
    std::vector<double> b = {1.0, 1.0, 1.0, 1.0};
    CHECK(cholesky_solve(singular, 4, 0.01, b, 1) == Factorization::Done);
    CHECK(inverse_upper_cholesky(singular, 4, 0.01) == Factorization::Done);
}

TEST_CASE("linalg: a span of the wrong length is a programmer's error") {
    std::vector<double> gram(4);
    CHECK_THROWS_AS(accumulate_gram(std::vector<float>(5), 2, 2, gram), Error);
    std::vector<float> c(4);
    CHECK_THROWS_AS(gemm({std::vector<float>(4)}, {std::vector<float>(3)}, c, {2, 2, 2}), Error);
}

TEST_CASE("linalg: speed of products and factors", "[.][speed]") {
    std::mt19937 random(5);
    const auto seconds = [](const auto& work) {
        const auto start = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    std::printf("instruction set %s\n", std::string(instruction_set()).c_str());
    for (const std::int64_t n : {128, 512, 1152, 2304}) {
        const std::int64_t rows = 4096;
        const std::vector<float> x = random_floats(random, rows * n);
        const std::vector<float> w = random_floats(random, n * n);
        std::vector<float> y(static_cast<std::size_t>(rows * n));
        std::vector<double> gram(static_cast<std::size_t>(n * n));
        const double cube = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
        const double product = 2.0 * static_cast<double>(rows) * static_cast<double>(n) * static_cast<double>(n);
        const double gram_time = seconds([&] { accumulate_gram(x, rows, n, gram); });
        const double gemm_time = seconds([&] { gemm({x}, {w}, y, {rows, n, n}); });
        std::vector<double> u = gram;
        const double factor_time = seconds([&] { REQUIRE(inverse_upper_cholesky(u, n, 0.01) == Factorization::Done); });
        std::printf("n %5ld: gram %6.1f GFLOP/s (of half the products)  gemm %6.1f GFLOP/s  inverse factor %6.1f GFLOP/s, %.3f s\n",
                    static_cast<long>(n), 0.5 * product / gram_time * 1e-9, product / gemm_time * 1e-9,
                    2.0 * cube / 3.0 / factor_time * 1e-9, factor_time);
    }
}
