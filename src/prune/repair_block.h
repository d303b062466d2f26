// Blocks around depthwise convolutions, fitted as wholes when their last layer is pruned.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "prune/fit_block.h"
#include "prune/inverted_block.h"
#include "prune/prune_layer.h"

namespace mcompress {

/// A layer whose weights are others now.
struct RefittedLayer {
    std::size_t layer = 0;
    LayerWeights weights;
    std::optional<double> error = {};  // of the block, at its last layer
};

/// How many rows a block is fitted to, and how often. As the bytes of its input that are read, in each graph; a stated amount and not what a clock leaves, so that the
/// weights are the same everywhere.
struct BlockEffort {
    std::size_t row_bytes = 0;
    int most_rounds = 0;
};
inline constexpr BlockEffort kEffortBesideSearch{std::size_t{12} << 20, 2};  // where what each layer's zeros would cost is measured first
inline constexpr BlockEffort kEffortAlone{std::size_t{48} << 20, 4};         // where the shares are given, and that time is left

/// Goes along with a walk through the dense and the pruned graph.
class BlockRepair {
public:
    /// Everything must outlive it.
    BlockRepair(std::span<const Layer> layers, GraphPrefix& dense, GraphPrefix& pruned, const BlockEffort& effort, int threads);

    /// Whether what lies in front of a layer may be kept: not inside a block.
    KeepValues keep(std::size_t layer) const;

    /// When the dense rows of the layer have been read.
    void begin(std::size_t layer);
    /// When it was pruned and its weights are in the graph: the layers of a block that ends with it, where the block gained on held-out rows.
    std::vector<RefittedLayer> end(std::size_t layer, const PrunedLayer& pruned);

private:
    const InvertedBlock* block_of(std::size_t layer) const;
    std::vector<RefittedLayer> fit(const InvertedBlock& block);

    std::span<const Layer> layers_;
    GraphPrefix &dense_, &pruned_;
    BlockEffort effort_;
    int threads_;
    std::vector<InvertedBlock> blocks_;  // that can be read
    std::vector<BlockReads> reads_;      // of these
    SplitRows wanted_;
    std::vector<PrunedLayer> done_;  // layers of the block that is walked through
};

}  // namespace mcompress
