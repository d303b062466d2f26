#include "tune/residual.h"

#include <algorithm>

namespace mcompress {
namespace {

bool is_known_before(const Value& value, const Node& node) {
    if (!value.producer()) return true;
    const std::vector<Node*> order = node.graph().order();
    const auto first =
        std::find_if(order.begin(), order.end(), [&](const Node* each) { return each == value.producer() || each == &node; });
    return first != order.end() && *first == value.producer();
}

}  // namespace

std::optional<Residual> residual_of(const Layer& layer) {
    const Value* result = layer.reference->output(0);
    if (result->uses().size() != 1 || result->is_graph_output()) return std::nullopt;
    const Node& sum = *result->uses()[0].node;
    if (!sum.is("Add") || &sum.graph() != &layer.reference->graph()) return std::nullopt;
    const Value* other = sum.input(1 - result->uses()[0].index);
    if (!other || other == result || other->is_constant() || !(other->type() == result->type()) ||
        !is_known_before(*other, *layer.reference))
        return std::nullopt;
    return Residual{other, range_behind(*sum.output(0))};
}

}  // namespace mcompress
