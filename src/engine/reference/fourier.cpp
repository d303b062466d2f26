#include "engine/reference/fourier.h"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>

namespace mcompress::reference {

namespace {

/// Above it a butterfly of that many points costs more than Bluestein's detour.
constexpr std::size_t kLargestRadix = 61;

/// e^(sign · 2πi · numerator/denominator), exact on the axes.
FourierPlan::Complex root(std::size_t numerator, std::size_t denominator, double sign) {
    if (numerator == 0) return {1.0, 0.0};
    if (2 * numerator == denominator) return {-1.0, 0.0};
    if (4 * numerator == denominator) return {0.0, sign};
    if (4 * numerator == 3 * denominator) return {0.0, -sign};
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(numerator) / static_cast<double>(denominator);
    return {std::cos(angle), sign * std::sin(angle)};
}

/// Without the handling of NaN and infinity that std::complex's operator has.
FourierPlan::Complex times(const FourierPlan::Complex& a, const FourierPlan::Complex& b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Prime factors up to kLargestRadix, fours first; empty when a larger one is left.
std::vector<std::size_t> small_factors(std::size_t length) {
    std::vector<std::size_t> factors;
    while (length % 4 == 0) {
        factors.push_back(4);
        length /= 4;
    }
    for (std::size_t factor = 2; factor <= kLargestRadix; ++factor)
        while (length % factor == 0) {
            factors.push_back(factor);
            length /= factor;
        }
    if (length > 1) return {};
    if (factors.empty()) factors.push_back(1);
    return factors;
}

}  // namespace

FourierPlan::FourierPlan(std::size_t length, Direction direction) : length_(length), factors_(small_factors(length)) {
    const double sign = direction == Direction::Forward ? -1.0 : 1.0;
    if (factors_.empty()) {
        prepare_bluestein(direction);
        return;
    }
    roots_.resize(length);
    for (std::size_t j = 0; j < length; ++j) roots_[j] = root(j, length, sign);
}

void FourierPlan::run(std::span<const Complex> input, std::span<Complex> output) const {
    if (factors_.empty()) run_bluestein(input, output);
    else run_mixed(input.data(), 1, output.data(), length_, 0);
}

/// Transforms every radix-th number, shifted by 0 … radix - 1, then combines the parts.
void FourierPlan::run_mixed(const Complex* input, std::size_t step, Complex* output, std::size_t length, std::size_t factor) const {
    if (length == 1) {
        *output = *input;
        return;
    }
    const std::size_t radix = factors_[factor], part = length / radix;
    for (std::size_t r = 0; r < radix; ++r) run_mixed(input + r * step, step * radix, output + r * part, part, factor + 1);
    combine(output, length, radix);
}

/// output[k + q·part] = Σ_r w^(r (k + q·part)) · part r [k], w the length-th root.
void FourierPlan::combine(Complex* output, std::size_t length, std::size_t radix) const {
    const std::size_t part = length / radix, step = length_ / length, turn = length_ / radix;
    std::array<Complex, kLargestRadix> terms;
    for (std::size_t k = 0; k < part; ++k) {
        terms[0] = output[k];
        for (std::size_t r = 1; r < radix; ++r) terms[r] = times(output[r * part + k], roots_[r * k * step]);
        if (radix == 2) {
            output[k] = terms[0] + terms[1];
            output[part + k] = terms[0] - terms[1];
            continue;
        }
        for (std::size_t q = 0; q < radix; ++q) {
            Complex sum = terms[0];
            std::size_t power = 0;  // r·q modulo radix
            for (std::size_t r = 1; r < radix; ++r) {
                power += q;
                if (power >= radix) power -= radix;
                sum += times(terms[r], roots_[power * turn]);
            }
            output[q * part + k] = sum;
        }
    }
}

/// kn = (k² + n² - (k-n)²) / 2 makes the sum a convolution with a chirp, which a transform of a power of two computes.
void FourierPlan::prepare_bluestein(Direction direction) {
    const double sign = direction == Direction::Forward ? -1.0 : 1.0;
    const std::size_t size = std::bit_ceil(2 * length_ - 1), period = 2 * length_;
    forward_ = std::make_unique<FourierPlan>(size, Direction::Forward);
    inverse_ = std::make_unique<FourierPlan>(size, Direction::Inverse);
    chirp_.resize(length_);
    std::vector<Complex> padded(size);
    std::size_t square = 0;  // n² modulo the period
    for (std::size_t n = 0; n < length_; ++n) {
        chirp_[n] = root(square, period, sign);
        padded[n] = std::conj(chirp_[n]);
        if (n > 0) padded[size - n] = padded[n];
        square = (square + 2 * n + 1) % period;
    }
    kernel_.resize(size);
    forward_->run(padded, kernel_);
}

void FourierPlan::run_bluestein(std::span<const Complex> input, std::span<Complex> output) const {
    const std::size_t size = kernel_.size();
    std::vector<Complex> padded(size), spectrum(size);
    for (std::size_t n = 0; n < length_; ++n) padded[n] = times(input[n], chirp_[n]);
    forward_->run(padded, spectrum);
    for (std::size_t k = 0; k < size; ++k) spectrum[k] = times(spectrum[k], kernel_[k]);
    inverse_->run(spectrum, padded);
    for (std::size_t k = 0; k < length_; ++k) output[k] = times(padded[k], chirp_[k]) / static_cast<double>(size);
}

}  // namespace mcompress::reference
