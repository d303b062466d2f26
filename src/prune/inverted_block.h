// Depthwise convolutions with a pointwise one behind them, and often one before: layers that are best fitted together.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "tune/layer_samples.h"

namespace mcompress {

/// Numbers of layers that follow each other, each read by the next alone, with at most a Relu or Clip between them.
struct InvertedBlock {
    std::optional<std::size_t> expand;
    std::size_t depthwise = 0;
    std::size_t project = 0;

    std::size_t first() const { return expand.value_or(depthwise); }
};

/// In the order of the layers.
std::vector<InvertedBlock> find_inverted_blocks(std::span<const Layer> layers);

/// What is read of a block at the places of its results: its input where the depthwise convolution looks, and in the dense graph the results before the activation
/// behind the block (of the sum, where there is one), in the pruned one what the sum adds. Nothing when these cannot be read.
struct BlockReads {
    PositionRead dense, pruned;
    PassedRange passed;  // behind the block
};
/// `bytes`: of the input that is read, in each graph.
std::optional<BlockReads> reads_of(const InvertedBlock& block, std::span<const Layer> layers, std::size_t bytes = std::size_t{12} << 20);

}  // namespace mcompress
