#include "prune/inverted_block.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "tune/residual.h"

namespace mcompress {
namespace {

bool has_one_reader(const Value& value) { return value.uses().size() == 1 && !value.is_graph_output(); }

/// Behind the layer's activation, if it has one.
const Value* result_of(const Layer& layer) {
    const Value* result = layer.reference->output(0);
    if (!has_one_reader(*result)) return result;
    const Node& reader = *result->uses()[0].node;
    return &reader.graph() == &result->graph() && (reader.is("Relu") || (reader.is("Clip") && attrs<ClipAttrs>(reader).is_settled()))
               ? reader.output(0)
               : result;
}

bool is_read_by_alone(const Layer& layer, const Layer& next) {
    const Value* result = result_of(layer);
    return has_one_reader(*result) && next.float_input() == result;
}

bool is_depthwise(const Layer& layer) {
    if (!layer.node->is("Conv") || layer.outputs != 1 || layer.groups == 1) return false;
    return float_weight(layer).shape()[1] == 1;
}

bool is_pointwise(const Layer& layer) {
    if (!layer.node->is("Conv") || layer.groups != 1 || float_weight(layer).shape()[1] != layer.inputs) return false;
    const WindowAttrs window = attrs<ConvAttrs>(*layer.reference).window;
    const auto are_all = [](const auto& values, std::int64_t wanted) {
        return std::all_of(values.begin(), values.end(), [&](std::int64_t value) { return value == wanted; });
    };
    return are_all(window.strides, 1) && are_all(window.pads, 0);
}

}  // namespace

std::vector<InvertedBlock> find_inverted_blocks(std::span<const Layer> layers) {
    std::vector<InvertedBlock> blocks;
    for (std::size_t at = 0; at + 1 < layers.size(); ++at) {
        if (!is_depthwise(layers[at]) || !is_pointwise(layers[at + 1]) || !is_read_by_alone(layers[at], layers[at + 1])) continue;
        InvertedBlock block{.expand = {}, .depthwise = at, .project = at + 1};
        if (at > 0 && is_pointwise(layers[at - 1]) && is_read_by_alone(layers[at - 1], layers[at])) block.expand = at - 1;
        blocks.push_back(block);
    }
    return blocks;
}

std::optional<BlockReads> reads_of(const InvertedBlock& block, std::span<const Layer> layers, std::size_t bytes) {
    const Layer &first = layers[block.first()], &depthwise = layers[block.depthwise], &last = layers[block.project];
    const Value* input = first.float_input();
    const std::optional<Residual> residual = residual_of(last);
    if (input->is_graph_input() || input->is_constant()) return std::nullopt;
    if (residual && (residual->value->is_graph_input() || residual->value->is_constant())) return std::nullopt;
    Layer window = depthwise;
    window.groups = 1;
    window.inputs = (block.expand ? first.inputs : depthwise.groups) * depthwise.inputs;
    window.outputs = last.outputs;
    const Value* result = last.reference->output(0);
    if (residual) result = result->uses()[0].node->output(0);
    BlockReads reads{.dense = {window, input->name(), result->name(), bytes},
                     .pruned = {window, input->name(), residual ? residual->value->name() : std::string(), bytes},
                     .passed = residual ? residual->passed : last.passed};
    return reads;
}

}  // namespace mcompress
