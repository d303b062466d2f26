// Rotary position embeddings: pairs of channels of a head turned by an angle that depends on the position.
#pragma once

#include <vector>

#include "engine/reference/kernel.h"

namespace mcompress::reference {

enum class RotaryPairs { Halves, Interleaved };  // (i, i + n/2), (2i, 2i + 1)

/// Cosines and sines by position, `pairs` of them each.
struct RotaryCache {
    const float* cosines;
    const float* sines;
    std::int64_t positions, pairs;
    RotaryPairs order;

    /// From two tensors [positions, pairs]. Rejects others.
    RotaryCache(const KernelContext& context, const Tensor& cosines, const Tensor& sines, RotaryPairs order);
    /// Turns the first 2·pairs of `size` channels; the others are copied. Rejects a position out of range.
    void turn(const KernelContext& context, const float* from, std::int64_t size, std::int64_t position, float* to) const;
};

}  // namespace mcompress::reference
