// Marks every value that will get quantization parameters, so that calibration looks at exactly those: graph inputs of quantized units, and
// the results of fused units once, after their activation.
//
// Before:  c = Conv (x, w, b)   r = Relu (c)   y = Conv (r, v)
// After:   xo = mcompress.Observe (x)   c = Conv (xo, w, b)   r = Relu (c)   ro = mcompress.Observe (r)   y = Conv (ro, v)
//
// Does nothing when the scheme leaves activations in float, or a value is observed already.
#include "passes/quantize/insert_observers.h"

#include <algorithm>

#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"

namespace mcompress {
namespace {

bool is_observed(const Value* value) {
    return std::any_of(value->uses().begin(), value->uses().end(), [](const Use& use) { return use.node->is("mcompress", "Observe"); });
}

class InsertObservers final : public Pass {
public:
    explicit InsertObservers(QuantizationScheme scheme) : scheme_(std::move(scheme)) {}
    std::string_view name() const override { return "insert-observers"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (scheme_.activations == ActivationMode::Float) return result;
        QuantizationPlan plan = plan_quantization(graph, scheme_);
        result.skipped = std::move(plan.skipped);
        const ReadingOrder order(graph);
        for (Value* value : plan.observed) {
            if (is_observed(value)) continue;
            insert(graph, value, order);
            ++result.rewrites;
        }
        if (result.rewrites > 0) graph.opset_imports()->emplace("mcompress", 1);
        return result;
    }

private:
    static void insert(Graph& graph, Value* value, const ReadingOrder& order) {
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        Node* observe =
            graph.add_node({.op_type = "Observe", .inputs = {value}, .domain = "mcompress", .outputs = {value->name() + "_observed"}},
                           order.first_reader(value));
        graph.set_type(observe->output(0), value->type());
        for (const Use& use : uses) graph.replace_use(use, observe->output(0));
    }

    QuantizationScheme scheme_;
};

}  // namespace

std::unique_ptr<Pass> make_insert_observers(const QuantizationScheme& scheme) { return std::make_unique<InsertObservers>(scheme); }

}  // namespace mcompress
