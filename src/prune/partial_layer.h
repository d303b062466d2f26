// A layer with some of its outputs only, spread over each group: enough to judge a choice by, for less work.
#pragma once

#include <cstddef>
#include <vector>

#include "prune/layer_judge.h"
#include "prune/mask.h"

namespace mcompress {

struct PartialLayer {
    Layer layer;
    LayerWeights exact;
    std::vector<std::size_t> rows;  // of the whole matrix

    /// At most `most` outputs of each group.
    PartialLayer(const Layer& whole, const LayerWeights& weights, std::int64_t most);

    Mask mask_of(const Mask& whole) const;
};

}  // namespace mcompress
