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

class InsertObservers final : public Pass {
public:
    explicit InsertObservers(QuantizationScheme scheme) : scheme_(std::move(scheme)) {}
    std::string_view name() const override { return "insert-observers"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (scheme_.activations == ActivationMode::Float) return result;
        QuantizationPlan plan = plan_quantization(graph, scheme_);
        result.skipped = std::move(plan.skipped);
        ReadingOrders orders;
        for (const ObservedValue& observed : plan.observed) {
            if (find_transparent(*observed.graph, observed.value, "Observe")) continue;
            insert(observed, orders.of(*observed.graph));
            ++result.rewrites;
        }
        if (result.rewrites > 0) graph.opset_imports()->emplace("mcompress", 1);
        return result;
    }

private:
    static void insert(const ObservedValue& observed, const ReadingOrder& order) {
        Value* value = observed.value;
        std::vector<Use> uses(value->uses().begin(), value->uses().end());
        // A body looks at what it captures from the time it is run, through an observer outside it if there is one.
        if (observed.is_captured()) uses = readers_in(*observed.graph, value);
        Value* source = observed.is_captured() ? uses.front().node->input(uses.front().index) : value;
        Node* observe = observed.graph->add_node(
            {.op_type = "Observe", .inputs = {source}, .domain = "mcompress", .outputs = {value->name() + "_observed"}},
            order.first_reader(source));
        observed.graph->set_type(observe->output(0), value->type());
        for (const Use& use : uses) observed.graph->replace_use(use, observe->output(0));
    }

    QuantizationScheme scheme_;
};

}  // namespace

std::unique_ptr<Pass> make_insert_observers(const QuantizationScheme& scheme) { return std::make_unique<InsertObservers>(scheme); }

}  // namespace mcompress
