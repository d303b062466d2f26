#include "passes/codebook.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/indexing.h"
#include "passes/constant_values.h"

namespace mcompress {

namespace {

bool is_integer(DType dtype) { return is_signed_integer(dtype) || is_unsigned_integer(dtype); }

}  // namespace

std::optional<Codebook> match_codebook(const Node& gather) {
    if (!gather.is("Gather")) return std::nullopt;
    const Tensor* levels = known_tensor(gather.input(0));
    if (!levels || levels->shape().rank() != 1 || !is_float_to_compute_with(levels->dtype())) return std::nullopt;
    const Value* index = gather.input(1);
    if (index && index->producer() && index->producer()->is("Cast")) index = index->producer()->input(0);
    const Tensor* codes = known_tensor(index);
    if (!codes || !is_integer(codes->dtype()) || dtype_bits(codes->dtype()) >= dtype_bits(levels->dtype())) return std::nullopt;
    return Codebook{levels, codes};
}

bool is_part_of_codebook(const Node& node) {
    if (node.is("Gather")) return match_codebook(node).has_value();
    if (!node.is("Cast") || !known_tensor(node.input(0))) return false;
    const auto uses = node.output(0)->uses();
    return !uses.empty() && !node.output(0)->is_graph_output() &&
           std::all_of(uses.begin(), uses.end(), [](const Use& use) { return use.index == 1 && match_codebook(*use.node); });
}

bool holds_codebooks(const Graph& graph) {
    bool found = false;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes()) found = found || match_codebook(*node);
    });
    return found;
}

}  // namespace mcompress
