#include "passes/clean/strip_declared_types.h"

#include <algorithm>
#include <vector>

#include "ops/infer.h"

namespace mcompress {

namespace {

struct Typed {
    Value* value;
    ValueType type;
};

class StripDeclaredTypes final : public Pass {
public:
    std::string_view name() const override { return "strip-declared-types"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        std::vector<Typed> computed;
        for_each_graph(graph, [&](Graph& each) {
            for (Value* value : each.constants()) undeclare(*value, result);
            for (const Node* node : each.nodes())
                for (Value* value : node->outputs())
                    if (value && !value->is_graph_output()) computed.push_back({value, value->type()});
        });
        if (std::ranges::none_of(computed, [](const Typed& each) { return each.value->is_declared(); })) return result;
        for (const Typed& each : computed) each.value->graph().set_type(each.value, {});
        infer_types(graph);
        // What is kept does not make the others less known.
        for (const Typed& each : computed) {
            if (each.value->type() == each.type) undeclare(*each.value, result);
            each.value->graph().set_type(each.value, each.type);
        }
        return result;
    }

private:
    static void undeclare(Value& value, PassResult& result) {
        if (!value.is_declared() || !value.extra().empty() || !value.type().extra.empty()) return;
        value.graph().set_declared(&value, false);
        ++result.rewrites;
    }
};

}  // namespace

std::unique_ptr<Pass> make_strip_declared_types() { return std::make_unique<StripDeclaredTypes>(); }

}  // namespace mcompress
