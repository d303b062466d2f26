// Takes the Observe nodes out again: readers go back to the observed value.
//
// Before:  xo = mcompress.Observe (x)   y = Conv (xo, w)
// After:   y = Conv (x, w)
//
// Does nothing when there is no Observe node.
#include "passes/quantize/strip_observers.h"

#include "support/check.h"

namespace mcompress {
namespace {

class StripObservers final : public Pass {
public:
    std::string_view name() const override { return "strip-observers"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_graph(graph, [&](Graph& current) {
            for (Node* node : current.order()) {
                if (!node->is("mcompress", "Observe")) continue;
                MCOMPRESS_CHECK(current.can_replace(node->output(0), node->input(0)));
                current.replace_all_uses(node->output(0), node->input(0));
                current.erase(node);
                ++result.rewrites;
            }
        });
        if (result.rewrites > 0) graph.opset_imports()->erase("mcompress");
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_strip_observers() { return std::make_unique<StripObservers>(); }

}  // namespace mcompress
