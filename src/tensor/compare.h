// Measures of how far one array is from another.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/tensor.h"

namespace mcompress {

/// Accumulates over any number of arrays, in double, in the order given.
struct ErrorMeasure {
    double signal = 0.0;  // Σ reference²
    double noise = 0.0;   // Σ (candidate - reference)²
    double dot = 0.0;     // Σ reference·candidate
    double candidate_energy = 0.0;
    double max_absolute = 0.0;
    double max_reference = 0.0;
    std::size_t count = 0;
    std::size_t not_finite = 0;  // places where exactly one side is finite, or both differ in kind

    void add(std::span<const float> reference, std::span<const float> candidate);
    /// Adds the sums of another measure; for equal results combine in a fixed order.
    void add(const ErrorMeasure& other) {
        signal += other.signal;
        noise += other.noise;
        dot += other.dot;
        candidate_energy += other.candidate_energy;
        max_absolute = max_absolute < other.max_absolute ? other.max_absolute : max_absolute;
        max_reference = max_reference < other.max_reference ? other.max_reference : max_reference;
        count += other.count;
        not_finite += other.not_finite;
    }
    /// Signal to quantization noise ratio 10·log10(signal/noise) in dB; +infinity for equal arrays.
    double sqnr_db() const;
    /// 1 for equal directions; 1 when both are zero.
    double cosine() const;
    /// max|candidate - reference| / max|reference|.
    double relative_max() const;
};

/// Index of the greatest element, the first among equals.
std::size_t argmax(std::span<const float> values);

/// The tensor's numbers as float (any numeric dtype; bool as 0/1).
std::vector<float> to_floats(const Tensor& tensor);

}  // namespace mcompress
