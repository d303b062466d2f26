// The factors by which the channels of one value differ from those of another: equalization multiplies channels, which is no error.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "tensor/shape.h"

namespace mcompress {

/// Accumulates two values over any number of samples. The channels are those of the second axis or of the last one, whichever explains more: the values tell,
/// whatever operators are around them.
class ChannelGains {
public:
    /// Of a value in both models. Numbers that are not finite count nothing.
    void add(const Shape& shape, std::span<const float> reference, std::span<const float> candidate);
    /// Adds the sums of another; for equal results combine in a fixed order.
    void add(const ChannelGains& other);

    /// Multiplies each channel c of the candidate by the factor g ≥ 0 that minimizes Σ (reference - g·candidate)² over all that was added:
    /// g = max(0, Σ reference·candidate / Σ candidate²). A channel that is always zero keeps its numbers, as do values with another number of channels.
    void apply(const Shape& shape, std::span<float> candidate) const;

private:
    struct Sums {
        double dot = 0.0;     // Σ reference·candidate
        double energy = 0.0;  // Σ candidate²

        double gain() const;
        double explained() const;  // by how much the factor lowers Σ (reference - g·candidate)², from Σ reference²
    };
    using AxisSums = std::vector<Sums>;

    static std::array<int, 2> axes_of(const Shape& shape);
    std::size_t better() const;

    std::array<AxisSums, 2> by_axis_;  // of the second axis, and of the last
};

}  // namespace mcompress
