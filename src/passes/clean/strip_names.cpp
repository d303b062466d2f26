#include "passes/clean/strip_names.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

#include "ops/op_info.h"

namespace mcompress {

namespace {

// Bytes in which names are searched for: a second or two.
constexpr std::size_t kMostCompared = std::size_t{1} << 31;

/// a, b, … z, aa, ab, … without names that are taken.
class ShortNames {
public:
    void take(const Value& value) {
        taken_.insert(value.name());
        taken_.insert(value.written_name());
    }
    /// The next one; the same again until use() says that it is gone.
    const std::string& next() {
        while (next_.empty() || taken_.contains(next_)) advance();
        return next_;
    }
    void use() { advance(); }

private:
    void advance() {
        for (std::size_t at = next_.size(); at-- > 0;) {
            if (next_[at] != 'z') {
                ++next_[at];
                return;
            }
            next_[at] = 'a';
        }
        next_.insert(next_.begin(), 'a');
    }

    std::unordered_set<std::string> taken_;
    std::string next_;
};

/// The reference engine draws other numbers for another name.
bool draws_numbers(const Node& node) {
    const OpInfo* info = op_info(node);
    return info && info->determinism == Determinism::Random;
}

/// The constants, then the results, but for the graph's inputs and outputs and for random numbers.
std::vector<Value*> values_inside(const Graph& graph) {
    std::vector<Value*> values = graph.constants();
    for (const Node* node : graph.order())
        if (!draws_numbers(*node)) values.insert(values.end(), node->outputs().begin(), node->outputs().end());
    std::erase_if(values, [](const Value* value) { return !value || value->is_graph_input() || value->is_graph_output(); });
    return values;
}

class StripNames : public Pass {
public:
    std::string_view name() const override { return "strip-names"; }

    PassResult run(Graph& graph) override {
        ShortNames names;
        for_each_graph(graph, [&](Graph& each) {
            for (const Value* value : each.inputs()) names.take(*value);
            for (const Value* value : each.outputs()) names.take(*value);
            for (const Value* value : each.constants()) names.take(*value);
            for (const Node* node : each.nodes())
                for (const Value* value : node->outputs())
                    if (value) names.take(*value);
        });
        PassResult result;
        for_each_graph(graph, [&](Graph& each) {
            for (Node* node : each.nodes()) {
                if (node->name().empty()) continue;
                each.set_name(node, "");
                ++result.rewrites;
            }
            const std::vector<Value*> values = values_inside(each);
            if (each.extra().size() * values.size() > kMostCompared) return;
            for (Value* value : values) {
                if (value->name().size() <= names.next().size() || each.extra().find(value->name()) != std::string::npos) continue;
                each.rename(value, names.next());
                names.use();
                ++result.rewrites;
            }
        });
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_strip_names() { return std::make_unique<StripNames>(); }

}  // namespace mcompress
