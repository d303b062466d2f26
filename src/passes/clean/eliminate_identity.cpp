#include "passes/clean/eliminate_identity.h"

#include <algorithm>

#include "ops/elementwise.h"
#include "passes/clean/identity_rules.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

class EliminateIdentity : public Pass {
public:
    std::string_view name() const override { return "eliminate-identity"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) { visit(node, result); });
        return result;
    }

private:
    static void visit(Node& node, PassResult& result) {
        Value* output = node.output(0);
        if (!output || output->is_unused()) return;
        Value* same = unchanged_input(node);
        if (!same) {
            if (node.is("Dropout") && attrs<DropoutAttrs>(node).mode != DropoutAttrs::Mode::Inference)
                result.skipped.push_back(skip(node, "it may run in training mode"));
            return;
        }
        if (!forward(output, same)) {
            result.skipped.push_back(skip(node, format("graph output '{}' cannot be another name of '{}'", output->name(), same->name())));
            return;
        }
        ++result.rewrites;
        const auto outputs = node.outputs();
        if (std::all_of(outputs.begin(), outputs.end(), [](const Value* value) { return !value || value->is_unused(); }))
            node.graph().erase(&node);
    }
};

}  // namespace

std::unique_ptr<Pass> make_eliminate_identity() { return std::make_unique<EliminateIdentity>(); }

}  // namespace mcompress
