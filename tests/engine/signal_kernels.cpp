// Fourier transforms and windows against their formulas in double precision.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "engine/reference/fourier.h"
#include "single_node.h"

using namespace mcompress;
using namespace mcompress::test;

namespace {

using Complex = std::complex<double>;
using reference::FourierPlan;

/// Σ_n x[n] e^(sign · 2πi kn/N), angles reduced to one turn first.
std::vector<Complex> slow_transform(const std::vector<Complex>& x, double sign) {
    std::vector<Complex> result(x.size());
    for (std::size_t k = 0; k < x.size(); ++k)
        for (std::size_t n = 0; n < x.size(); ++n)
            result[k] += x[n] * std::polar(1.0, sign * 2.0 * std::numbers::pi * static_cast<double>(k * n % x.size()) /
                                                    static_cast<double>(x.size()));
    return result;
}

std::vector<Complex> wave(std::size_t length, double imaginary = 1.0) {
    std::vector<Complex> x(length);
    for (std::size_t n = 0; n < length; ++n)
        x[n] = {static_cast<double>(n * n % 17) - 8.0, imaginary * (static_cast<double>(n * 5 % 11) - 4.0)};
    return x;
}

Tensor real_parts(const std::vector<Complex>& x, Shape shape) {
    std::vector<float> values;
    for (const Complex& number : x) values.push_back(static_cast<float>(number.real()));
    return Tensor::from_values<float>(std::move(shape), values);
}

Tensor both_parts(const std::vector<Complex>& x, Shape shape) {
    std::vector<float> values;
    for (const Complex& number : x) {
        values.push_back(static_cast<float>(number.real()));
        values.push_back(static_cast<float>(number.imag()));
    }
    return Tensor::from_values<float>(std::move(shape), values);
}

std::vector<double> flat(const std::vector<Complex>& x, double factor = 1.0) {
    std::vector<double> values;
    for (const Complex& number : x) {
        values.push_back(number.real() * factor);
        values.push_back(number.imag() * factor);
    }
    return values;
}

}  // namespace

TEST_CASE("a plan of any length equals the sum") {
    for (const std::size_t length : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 30, 61, 67, 74, 97, 100, 128, 134, 360, 400, 521, 1024}) {
        for (const auto direction : {FourierPlan::Direction::Forward, FourierPlan::Direction::Inverse}) {
            const std::vector<Complex> x = wave(length);
            const auto expected = slow_transform(x, direction == FourierPlan::Direction::Forward ? -1.0 : 1.0);
            std::vector<Complex> found(length);
            FourierPlan(length, direction).run(x, found);
            double worst = 0.0;
            for (std::size_t k = 0; k < length; ++k) worst = std::max(worst, std::abs(found[k] - expected[k]));
            INFO("length " << length);
            CHECK(worst <= 1e-13 * static_cast<double>(length) * 10.0);
        }
    }
}

TEST_CASE("DFT of real and complex numbers, forward and inverse") {
    const auto x = wave(10);
    check_near(run_node({.type = "DFT", .inputs = {both_parts(x, {1, 10, 2})}})[0], {1, 10, 2}, flat(slow_transform(x, -1.0)));
    check_near(run_node({.type = "DFT", .inputs = {both_parts(x, {1, 10, 2})}, .attributes = {integer("inverse", 1)}})[0], {1, 10, 2},
               flat(slow_transform(x, 1.0), 0.1));
    const auto real = wave(10, 0.0);
    check_near(run_node({.type = "DFT", .inputs = {real_parts(real, {1, 10, 1})}, .attributes = {integer("axis", 1)}, .opset = 17})[0],
               {1, 10, 2}, flat(slow_transform(real, -1.0)));
}

TEST_CASE("DFT along an axis given as input 2") {
    const auto x = wave(12);
    const Tensor signal = both_parts(x, {4, 3, 2}), axis = Tensor::scalar<std::int64_t>(0);
    std::vector<double> expected(24);
    for (std::size_t column = 0; column < 3; ++column) {
        const auto part = slow_transform({x[column], x[3 + column], x[6 + column], x[9 + column]}, -1.0);
        for (std::size_t k = 0; k < 4; ++k) {
            expected[(k * 3 + column) * 2] = part[k].real();
            expected[(k * 3 + column) * 2 + 1] = part[k].imag();
        }
    }
    check_near(run_node({.type = "DFT", .inputs = {signal, {}, axis}})[0], {4, 3, 2}, expected);
    check_near(run_node({.type = "DFT", .inputs = {signal}, .attributes = {integer("axis", -3)}, .opset = 19})[0], {4, 3, 2}, expected);
    CHECK_THROWS_AS(run_node({.type = "DFT", .inputs = {signal, {}, Tensor::scalar<std::int64_t>(-1)}}), Error);
    CHECK_THROWS_AS(run_node({.type = "DFT", .inputs = {signal, {}, Tensor::scalar<std::int64_t>(3)}}), Error);
}

TEST_CASE("DFT cuts or pads to its length") {
    auto x = wave(6, 0.0);
    const Tensor signal = real_parts(x, {1, 6, 1});
    x.resize(4);
    check_near(run_node({.type = "DFT", .inputs = {signal, Tensor::scalar<std::int64_t>(4)}})[0], {1, 4, 2}, flat(slow_transform(x, -1.0)));
    x = wave(6, 0.0);
    x.resize(9);
    const auto all = slow_transform(x, -1.0);
    const std::vector<Complex> half(all.begin(), all.begin() + 5);
    check_near(run_node({.type = "DFT", .inputs = {signal, Tensor::scalar<std::int32_t>(9)}, .attributes = {integer("onesided", 1)}})[0],
               {1, 5, 2}, flat(half));
    for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{-4}, std::int64_t{1} << 50})
        CHECK_THROWS_AS(run_node({.type = "DFT", .inputs = {signal, Tensor::scalar<std::int64_t>(bad)}}), Error);
}

TEST_CASE("half a spectrum comes back as real numbers") {
    for (const std::size_t length : {8, 9, 134, 67}) {
        const auto x = wave(length, 0.0);
        const auto points = static_cast<std::int64_t>(length);
        const auto spectrum = run_node({.type = "DFT", .inputs = {real_parts(x, {points, 1})}, .attributes = {integer("onesided", 1)}})[0];
        CHECK(spectrum.shape() == Shape{points / 2 + 1, 2});
        const auto back = run_node({.type = "DFT",
                                    .inputs = {spectrum, Tensor::scalar<std::int64_t>(points)},
                                    .attributes = {integer("onesided", 1), integer("inverse", 1)}})[0];
        std::vector<double> expected;
        for (const Complex& number : x) expected.push_back(number.real());
        check_near(back, {points, 1}, expected, 1e-5);
    }
    const Tensor half(DType::Float32, {5, 2});
    CHECK(run_node({.type = "DFT", .inputs = {half}, .attributes = {integer("onesided", 1), integer("inverse", 1)}})[0].shape() ==
          Shape{8, 1});
    CHECK_THROWS_AS(run_node({.type = "DFT", .inputs = {half}, .attributes = {integer("onesided", 1)}}), Error);
}

TEST_CASE("DFT does not depend on the number of threads") {
    const Tensor signal = both_parts(wave(400 * 300), {300, 400, 2});
    const auto run = [&](int threads) { return run_node({.type = "DFT", .inputs = {signal}, .threads = threads})[0]; };
    CHECK(run(1).equals(run(4)));
}

TEST_CASE("STFT transforms windowed frames") {
    const auto x = wave(32, 0.0);
    const Tensor signal = real_parts(x, {1, 32, 1}), step = Tensor::scalar<std::int64_t>(8), length = Tensor::scalar<std::int64_t>(16);
    const Tensor window = run_node({.type = "HannWindow", .inputs = {length}})[0];
    std::vector<Complex> half, full;
    for (std::size_t frame = 0; frame < 3; ++frame) {
        std::vector<Complex> part(x.begin() + static_cast<std::ptrdiff_t>(frame * 8),
                                  x.begin() + static_cast<std::ptrdiff_t>(frame * 8 + 16));
        for (std::size_t n = 0; n < 16; ++n) part[n] *= static_cast<double>(window.data<float>()[n]);
        const auto spectrum = slow_transform(part, -1.0);
        half.insert(half.end(), spectrum.begin(), spectrum.begin() + 9);
        full.insert(full.end(), spectrum.begin(), spectrum.end());
    }
    check_near(run_node({.type = "STFT", .inputs = {signal, step, window, length}})[0], {1, 3, 9, 2}, flat(half));
    check_near(run_node({.type = "STFT", .inputs = {signal, step, window}, .attributes = {integer("onesided", 0)}})[0], {1, 3, 16, 2},
               flat(full));
    CHECK(run_node({.type = "STFT", .inputs = {signal, step, {}, Tensor::scalar<std::int64_t>(33)}})[0].shape() == Shape{1, 0, 17, 2});
    CHECK_THROWS_AS(run_node({.type = "STFT", .inputs = {signal, Tensor::scalar<std::int64_t>(0), window}}), Error);
    CHECK_THROWS_AS(run_node({.type = "STFT", .inputs = {signal, step, window, Tensor::scalar<std::int64_t>(8)}}), Error);
    CHECK_THROWS_AS(run_node({.type = "STFT", .inputs = {Tensor(DType::Float32, {1, 32, 2}), step, window}}), Error);
}

TEST_CASE("windows are sums of cosines") {
    struct Row {
        const char* type;
        double c0, c1, c2;
    };
    for (const Row& row :
         {Row{"HannWindow", 0.5, 0.5, 0.0}, Row{"HammingWindow", 25.0 / 46.0, 21.0 / 46.0, 0.0}, Row{"BlackmanWindow", 0.42, 0.5, 0.08}})
        for (const std::int64_t periodic : {0, 1}) {
            std::vector<double> expected;
            for (int n = 0; n < 7; ++n) {
                const double angle = 2.0 * std::numbers::pi * n / (periodic ? 7.0 : 6.0);
                expected.push_back(row.c0 - row.c1 * std::cos(angle) + row.c2 * std::cos(2.0 * angle));
            }
            const auto run = [&](std::int64_t type) {
                return run_node({.type = row.type,
                                 .inputs = {Tensor::scalar<std::int32_t>(7)},
                                 .attributes = {integer("periodic", periodic), integer("output_datatype", type)}})[0];
            };
            check_near(run(1), {7}, expected);
            check_near(run(11), {7}, expected, 1e-15);
            check_near(run(10), {7}, expected, 1e-3);
        }
    CHECK_THROWS_AS(run_node({.type = "HannWindow", .inputs = {Tensor::scalar<std::int64_t>(-1)}}), Error);
    CHECK_THROWS_AS(run_node({.type = "HannWindow", .inputs = {Tensor::scalar<std::int64_t>(std::int64_t{1} << 60)}}), Error);
}

TEST_CASE("MelWeightMatrix has triangles that meet") {
    const auto run = [](float low, float high) {
        return run_node({.type = "MelWeightMatrix",
                         .inputs = {Tensor::scalar<std::int64_t>(8), Tensor::scalar<std::int64_t>(256), Tensor::scalar<std::int64_t>(8192),
                                    Tensor::scalar(low), Tensor::scalar(high)}})[0];
    };
    const Tensor matrix = run(0.0f, 4096.0f);
    REQUIRE(matrix.shape() == Shape{129, 8});
    for (int band = 0; band < 8; ++band) {
        float peak = 0.0f;
        for (int bin = 0; bin < 129; ++bin) peak = std::max(peak, matrix.data<float>()[bin * 8 + band]);
        CHECK(peak == 1.0f);
    }
    CHECK_THROWS_AS(run(0.0f, 100000.0f), Error);
    CHECK_THROWS_AS(run(4000.0f, 10.0f), Error);
}
