// The discrete Fourier transform of any length, in double precision.
#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace mcompress::reference {

/// X[k] = Σ_n x[n] e^(∓2πi kn/N), minus for Forward; the inverse is not divided by N. Mixed radix (Cooley and Tukey) for lengths whose
/// prime factors are small, Bluestein's convolution for others: O(N log N) for every length.
class FourierPlan {
public:
    enum class Direction { Forward, Inverse };
    using Complex = std::complex<double>;

    /// `length` >= 1.
    FourierPlan(std::size_t length, Direction direction);

    std::size_t length() const { return length_; }
    /// Transforms length() numbers. `input` and `output` must not overlap. Const: several threads may share a plan.
    void run(std::span<const Complex> input, std::span<Complex> output) const;

private:
    void run_mixed(const Complex* input, std::size_t step, Complex* output, std::size_t length, std::size_t factor) const;
    void combine(Complex* output, std::size_t length, std::size_t radix) const;
    void run_bluestein(std::span<const Complex> input, std::span<Complex> output) const;
    void prepare_bluestein(Direction direction);

    std::size_t length_;
    std::vector<std::size_t> factors_;  // empty: Bluestein
    std::vector<Complex> roots_;        // e^(∓2πi j/N)
    // Bluestein: chirp[n] = e^(∓πi n²/N), the spectrum of its conjugate, and transforms of a power of two.
    std::vector<Complex> chirp_, kernel_;
    std::unique_ptr<FourierPlan> forward_, inverse_;
};

}  // namespace mcompress::reference
