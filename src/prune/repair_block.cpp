#include "prune/repair_block.h"

#include <algorithm>

#include "support/log.h"

namespace mcompress {
namespace {

BlockLayer block_layer(const Layer& layer, const PrunedLayer& pruned) {
    return {.weights = pruned.weights, .mask = pruned.mask, .passed = layer.passed, .has_bias = layer.bias_input >= 0};
}

BlockRows block_rows(LayerRows& pruned, LayerRows& wanted) {
    return {.count = pruned.count,
            .windows = std::move(pruned.values),
            .added = std::move(pruned.residual),
            .wanted = std::move(wanted.residual)};
}

}  // namespace

BlockRepair::BlockRepair(std::span<const Layer> layers, GraphPrefix& dense, GraphPrefix& pruned, const BlockEffort& effort, int threads)
    : layers_(layers), dense_(dense), pruned_(pruned), effort_(effort), threads_(threads) {
    for (const InvertedBlock& block : find_inverted_blocks(layers))
        if (std::optional<BlockReads> reads = reads_of(block, layers, effort.row_bytes)) {
            blocks_.push_back(block);
            reads_.push_back(std::move(*reads));
        }
}

const InvertedBlock* BlockRepair::block_of(std::size_t layer) const {
    const auto block = std::find_if(blocks_.begin(), blocks_.end(),
                                    [&](const InvertedBlock& each) { return each.first() <= layer && layer <= each.project; });
    return block == blocks_.end() ? nullptr : &*block;
}

KeepValues BlockRepair::keep(std::size_t layer) const {
    const InvertedBlock* block = block_of(layer);
    return block && layer != block->first() ? KeepValues::No : KeepValues::Yes;
}

void BlockRepair::begin(std::size_t layer) {
    const InvertedBlock* block = block_of(layer);
    if (!block || layer != block->first()) return;
    done_.clear();
    wanted_ = dense_.rows_at(reads_[static_cast<std::size_t>(block - blocks_.data())].dense, block->depthwise);
    // Only the results are wanted of it; {} would keep the memory.
    wanted_.fit.values = std::vector<float>();
    wanted_.held_out.values = std::vector<float>();
}

std::vector<RefittedLayer> BlockRepair::end(std::size_t layer, const PrunedLayer& pruned) {
    const InvertedBlock* block = block_of(layer);
    if (!block) return {};
    done_.push_back(pruned);
    return layer == block->project ? fit(*block) : std::vector<RefittedLayer>{};
}

std::vector<RefittedLayer> BlockRepair::fit(const InvertedBlock& block) {
    const BlockReads& reads = reads_[static_cast<std::size_t>(&block - blocks_.data())];
    SplitRows rows = pruned_.rows_at(reads.pruned, block.depthwise);
    const bool has_all = (reads.pruned.results.empty() || !rows.fit.residual.empty()) && !wanted_.fit.residual.empty();
    if (!has_all || rows.fit.count == 0 || rows.held_out.count == 0) return {};
    BlockWeights weights;
    std::size_t next = 0;
    if (block.expand) weights.expand = block_layer(layers_[*block.expand], done_[next++]);
    weights.depthwise = block_layer(layers_[block.depthwise], done_[next++]);
    weights.project = block_layer(layers_[block.project], done_[next]);
    weights.project.passed = reads.passed;
    const BlockRows fit = block_rows(rows.fit, wanted_.fit), held_out = block_rows(rows.held_out, wanted_.held_out);
    FittedBlock fitted = fit_block(weights, fit, held_out, threads_, effort_.most_rounds);
    log_debug("prune block of {}: error {:.4f} -> {:.4f} after {} rounds, {} rows", layers_[block.depthwise].node->display_name(),
              fitted.error_before, fitted.error_after, fitted.rounds, fit.count);
    if (fitted.rounds == 0) return {};
    std::vector<RefittedLayer> refitted;
    if (block.expand) refitted.push_back({*block.expand, std::move(fitted.weights.expand->weights)});
    refitted.push_back({block.depthwise, std::move(fitted.weights.depthwise.weights)});
    refitted.push_back({block.project, std::move(fitted.weights.project.weights), fitted.error_after});
    return refitted;
}

}  // namespace mcompress
