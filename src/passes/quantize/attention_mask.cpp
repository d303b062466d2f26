#include "passes/quantize/attention_mask.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "passes/quantize/op_rules.h"
#include "passes/quantize/quantized_view.h"

namespace mcompress {
namespace {

constexpr float kMasked = -1e3f;

bool hands_on_logits(const Node& node) {
    constexpr std::string_view kOperators[] = {"Add", "Sub", "Mul", "Div", "Where", "Sum", "Max", "Cast", "Concat"};
    return find_op_rule(node).role == QuantizedRole::PassThrough ||
           std::any_of(std::begin(kOperators), std::end(kOperators), [&](std::string_view name) { return node.is(name); });
}

bool feeds_softmax(const Value& value) {
    std::unordered_set<const Value*> seen{&value};
    std::vector<const Value*> pending{&value};
    while (!pending.empty()) {
        const Value* current = pending.back();
        pending.pop_back();
        for (const Use& use : readers(current)) {
            if (use.node->is("Softmax") || use.node->is("LogSoftmax")) return true;
            if (!hands_on_logits(*use.node)) continue;
            for (const Value* output : use.node->outputs())
                if (output && seen.insert(output).second) pending.push_back(output);
        }
    }
    return false;
}

}  // namespace

bool holds_attention_mask(const Value& value, const TensorStatistics& statistics) {
    return statistics.min < kMasked && feeds_softmax(value);
}

}  // namespace mcompress
