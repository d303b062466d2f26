// A depthwise convolution fitted together with the pointwise ones around it: to what the block makes, not to what each of them did.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "prune/layer_judge.h"
#include "prune/mask.h"

namespace mcompress {

struct BlockLayer {
    LayerWeights weights;
    Mask mask;
    PassedRange passed = {};  // behind it; behind the whole block for the last layer
    bool has_bias = true;
};

/// r = P clamp(D * clamp(E u)) + s, each with its bias: E [channels, inputs] may be missing, D has one row of taps a channel, P is [outputs, channels].
struct BlockWeights {
    std::optional<BlockLayer> expand;
    BlockLayer depthwise;
    BlockLayer project;
};

/// At some positions of the block's results.
struct BlockRows {
    std::int64_t count = 0;
    std::vector<float> windows;  // u where the depthwise convolution looks, [count, inputs, taps]; not a number in its padding
    std::vector<float> added;    // s, [count, outputs]; empty where there is none
    std::vector<float> wanted;   // what r was in the dense graph, [count, outputs]
};

struct FittedBlock {
    BlockWeights weights;
    double error_before = 0.0;  // on held-out rows, relative, behind the block's activation
    double error_after = 0.0;
    int rounds = 0;  // 0: nothing gained
};

/// Least squares of r against what is wanted, by blocks of coordinates. In a round each channel c gets, with p_c its column of P and e what r lacks, the change
/// of its result that would serve best, e p_c / |p_c|^2; the taps of D and then the row of E that come nearest to it are solved for (Gauss and Newton's
/// linearization where an activation cuts off), kept where e shrinks; then P is solved for. Weights stay under their masks; every step is damped towards where
/// it began. The round with the least error on held-out rows is kept; the last one is the first that gains next to nothing. The number of threads changes nothing.
FittedBlock fit_block(const BlockWeights& weights, const BlockRows& fit, const BlockRows& held_out, int threads, int most_rounds = 2);

}  // namespace mcompress
