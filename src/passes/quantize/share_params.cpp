// Gives the results of operators that only move values the parameters of what they move, so that they run on integers too; gives a Concat's
// result the union of its inputs' ranges, and the inputs that are quantized for this Concat alone the same parameters.
//
// Before:  x_dq = DequantizeLinear (x_q, s, z)   y = MaxPool (x_dq)   c = Conv (y, w)
// After:   x_dq = DequantizeLinear (x_q, s, z)   y = MaxPool (x_dq)   y_q = QuantizeLinear (y, s, z)
//          y_dq = DequantizeLinear (y_q, s, z)   c = Conv (y_dq, w)
//
// An input of a Concat that something else reads too keeps its parameters (the Concat requantizes it): otherwise one wide branch would take
// resolution from every value it meets. Ranges are those the codes can represent; union = [min of minima, max of maxima].
//
// Does nothing when no quantized unit reads the result, or it has a pair already.
#include "passes/quantize/share_params.h"

#include <algorithm>

#include "ir/qualified_name.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "quant/choose_params.h"

namespace mcompress {
namespace {

class ShareParams final : public Pass {
public:
    explicit ShareParams(QuantizationScheme scheme) : scheme_(std::move(scheme)) {}
    std::string_view name() const override { return "share-params"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (scheme_.activations == ActivationMode::Float) return result;
        const QuantizationPlan plan = plan_quantization(graph, scheme_);
        for_each_graph(graph, [&](Graph& each) {
            const ReadingOrder order(each);
            for (Node* node : each.order()) {
                if (plan.carriers.contains(node)) {
                    result.rewrites += carry_through(*node, plan, order);
                } else if (const auto unit = plan.units.find(node);
                           unit != plan.units.end() && unit->second->role == QuantizedRole::Concat) {
                    result.rewrites += unify(*node, plan, order);
                }
            }
        });
        return result;
    }

private:
    static int carry_through(Node& node, const QuantizationPlan& plan, const ReadingOrder& order) {
        const std::optional<QdqPair> input = pair_in_front_of(node, 0);
        if (!input) return 0;
        int rewrites = 0;
        for (Value* output : node.outputs()) {
            if (!output || !plan.demanded.contains(output) || pair_of(output)) continue;
            insert_pair(output, input->scale(), input->zero_point(), order);
            ++rewrites;
        }
        return rewrites;
    }

    static QdqPair insert_pair(Value* value, Value* scale, Value* zero_point, const ReadingOrder& order) {
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        const QdqPair pair = add_pair(value->graph(), value, value->name(), scale, zero_point, order.first_reader(value));
        for (const Use& use : uses) value->graph().replace_use(use, pair.dequantized());
        return pair;
    }

    int unify(Node& concat, const QuantizationPlan& plan, const ReadingOrder& order) {
        if (pair_of(concat.output(0))) return 0;
        std::vector<QuantParams> inputs;
        for (int index = 0; index < concat.input_count(); ++index) {
            const std::optional<QdqPair> pair = pair_in_front_of(concat, index);
            const std::optional<QuantParams> params = pair ? params_of(*pair->dequantize) : std::nullopt;
            if (!params) return 0;
            inputs.push_back(*params);
        }
        Graph& graph = concat.graph();
        const QdqPair first = *pair_behind(concat.input(0));
        const std::string name = qualified_name(*concat.output(0));
        const DType dtype = scheme_.dtype_of(name);
        const auto is_first = [&](const QuantParams& params) { return params == inputs[0]; };
        if (inputs[0].dtype == dtype && std::all_of(inputs.begin(), inputs.end(), is_first)) {
            insert_pair(concat.output(0), first.scale(), first.zero_point(), order);
            return 1;
        }
        ValueRange range = representable_range(inputs[0]);
        for (const QuantParams& params : inputs) range = union_of(range, representable_range(params));
        const QuantParams params = choose_params(range, dtype, scheme_.symmetry_of(name));
        Value* scale = scale_constant(graph, concat.output(0)->name(), params.scale);
        Value* zero_point = zero_point_constant(graph, params);
        insert_pair(concat.output(0), scale, zero_point, order);
        hand_back(concat, scale, zero_point, plan);
        return 1;
    }

    /// Gives the pairs in front of a Concat, and of Concats in front of it, its parameters where nothing else reads them.
    static void hand_back(Node& concat, Value* scale, Value* zero_point, const QuantizationPlan& plan) {
        std::vector<Node*> pending{&concat};
        while (!pending.empty()) {
            Node* current = pending.back();
            pending.pop_back();
            for (int index = 0; index < current->input_count(); ++index) {
                const std::vector<QdqPair> chain = exclusive_chain(current->input(index), plan);
                // Codes of another type stay what they were asked to be; convert-activations stands between.
                if (chain.empty() || chain.front().zero_point()->type().dtype != zero_point->type().dtype) continue;
                for (const QdqPair& pair : chain) set_params(pair, scale, zero_point);
                Node* producer = chain.back().source()->producer();
                const auto unit = producer ? plan.units.find(producer) : plan.units.end();
                if (unit != plan.units.end() && unit->second->role == QuantizedRole::Concat) pending.push_back(producer);
            }
        }
    }

    /// The pairs from a Concat's input up through PassThrough operators to where the values are first quantized; empty when anything else
    /// reads one of them.
    static std::vector<QdqPair> exclusive_chain(const Value* input, const QuantizationPlan& plan) {
        std::vector<QdqPair> chain;
        while (true) {
            const std::optional<QdqPair> pair = pair_behind(input);
            if (!pair || input->uses().size() != 1 || input->is_graph_output() || pair->quantize->output(0)->uses().size() != 1) return {};
            chain.push_back(*pair);
            const Value* source = pair->source();
            const Node* producer = source->producer();
            if (!producer || !plan.carriers.contains(producer)) return chain;
            if (source->uses().size() != 1 || producer->output_count() != 1) return {};
            input = producer->input(0);
        }
    }

    QuantizationScheme scheme_;
};

}  // namespace

std::unique_ptr<Pass> make_share_params(const QuantizationScheme& scheme) { return std::make_unique<ShareParams>(scheme); }

}  // namespace mcompress
