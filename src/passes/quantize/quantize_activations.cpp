// Chooses parameters for every observed value from its calibration statistics and puts one QuantizeLinear/DequantizeLinear pair on it.
//
// Before:  y = Conv (x, w)
// After:   x_q = QuantizeLinear (x, x_s, u8_zp)   x_dq = DequantizeLinear (x_q, x_s, u8_zp)   y = Conv (x_dq, w)
//
// Formula: choose_params (quant/choose_params.h) of the scheme's range method, or of the range, type and symmetry the scheme names for this value. All readers of a unit's result share the pair; of other
// values (graph inputs, results of float operators) only quantized readers take it. Graph outputs stay what they were.
//
// A body that reads a value of an outer graph has a pair of its own, with the same parameters: kernels look for pairs in their graph.
//
// Does nothing when the scheme leaves activations in float, or a value has a pair already, or calibration never ran the body it is read in.
#include "passes/quantize/quantize_activations.h"

#include <algorithm>
#include <unordered_map>

#include "ir/qualified_name.h"
#include "passes/quantize/attention_mask.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "passes/quantize/unseen_range.h"

namespace mcompress {
namespace {

class QuantizeActivations final : public Pass {
public:
    QuantizeActivations(QuantizationScheme scheme, const CalibrationTable* table) : scheme_(std::move(scheme)), table_(table) {
        check_scheme(scheme_);
    }
    std::string_view name() const override { return "quantize-activations"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (scheme_.activations == ActivationMode::Float) return result;
        if (graph.opset_version("") < 10)
            throw Error(codes::kOpsetUnsupported, format("opset {} has no QuantizeLinear", graph.opset_version("")),
                        "raise the opset to 13 first");
        QuantizationPlan plan = plan_quantization(graph, scheme_);
        result.skipped = std::move(plan.skipped);
        const std::unordered_set<const Graph*> never_run = bodies_without_statistics(plan, result);
        ReadingOrders orders;
        for (const ObservedValue& observed : plan.observed) {
            const Value* value = observed.value;
            if (never_run.contains(observed.graph) || find_transparent(*observed.graph, value, "QuantizeLinear")) continue;
            const ValueRange range = range_of(*value);
            const std::string name = qualified_name(*value);
            const DType dtype = scheme_.dtype_of(name);
            const Symmetry symmetry = scheme_.symmetry_of(name);
            if (is_degenerate(range, dtype, symmetry))
                result.skipped.push_back({value->name(), "", "all its values were 0 in the calibration data, so its scale is 1"});
            else if (const TensorStatistics& seen = *statistics_of(*value); seen.min == seen.max && seen.count > 1)
                result.skipped.push_back({value->name(), "", format("all its values were {:g} in the calibration data", seen.min)});
            quantize(observed, choose_params(range, dtype, symmetry), plan, orders.of(*observed.graph));
            ++result.rewrites;
        }
        return result;
    }

private:
    const TensorStatistics* statistics_of(const Value& value) {
        if (!table_) return nullptr;
        const auto found = table_->values.find(qualified_name(value));
        return found == table_->values.end() ? joined_statistics(value) : &found->second;
    }

    /// Calibration does not look at the result of a Concat, whose parameters follow from its inputs. Where a Concat stays in float, its result's statistics
    /// are those of its inputs together.
    const TensorStatistics* joined_statistics(const Value& value) {
        const Node* concat = value.producer();
        if (!concat || find_op_rule(*concat).role != QuantizedRole::Concat) return nullptr;
        if (const auto known = joined_.find(&value); known != joined_.end()) return &known->second;
        TensorStatistics sum;
        for (Value* input : concat->inputs()) {
            const Value* source = origin(input);
            const TensorStatistics* part = source ? statistics_of(*source) : nullptr;
            if (!part) return nullptr;
            sum.merge(*part);
        }
        return &joined_.emplace(&value, std::move(sum)).first->second;
    }

    /// The value whose elements it holds, in front of operators that only move them.
    static const Value* origin(Value* value) {
        value = see_through(value);
        while (value && value->producer() && find_op_rule(*value->producer()).role == QuantizedRole::PassThrough)
            value = see_through(value->producer()->input(0));
        return value;
    }

    /// A branch that no sample took, a loop without a round: nothing is known of the values inside.
    std::unordered_set<const Graph*> bodies_without_statistics(const QuantizationPlan& plan, PassResult& result) {
        std::unordered_set<const Graph*> bodies;
        for (const ObservedValue& observed : plan.observed) {
            const TensorStatistics* statistics = statistics_of(*observed.value);
            if (observed.graph->outer() && (!statistics || statistics->count == 0)) bodies.insert(observed.graph);
        }
        for (const ObservedValue& observed : plan.observed) {
            if (!bodies.contains(observed.graph)) continue;
            for (const Node* node : observed.graph->order())
                if (plan.is_unit(node))
                    result.skipped.push_back({node->display_name(), node->op_type(), "calibration never ran the body that it is in"});
        }
        return bodies;
    }

    ValueRange range_of(const Value& value) {
        const TensorStatistics* found = statistics_of(value);
        if (!found)
            throw Error(codes::kTableMismatch, format("the calibration has no statistics of '{}'", value.name()),
                        "calibrate this very model with the same options");
        const TensorStatistics& statistics = *found;
        if (statistics.nan_count > 0 || statistics.infinite_count > 0)
            throw Error(codes::kDataNotFinite,
                        format("'{}' took {} NaN and {} infinite values in calibration", value.name(), statistics.nan_count,
                               statistics.infinite_count),
                        "check the preprocessing of the calibration data, or exclude the nodes that read it");
        if (statistics.count == 0)
            throw Error(codes::kDataNotFinite, format("'{}' never had an element in calibration", value.name()),
                        "calibrate with samples that reach it, or exclude the nodes that read it");
        const std::string name = qualified_name(value);
        if (const auto chosen = scheme_.ranges.find(name); chosen != scheme_.ranges.end()) return chosen->second;
        if (holds_attention_mask(value, statistics)) return choose_min_max(statistics);
        if (const std::optional<ValueRange> wider = unseen_range(value, statistics, scheme_)) return *wider;
        // To clip pays where steps are coarse; 65536 of them are not.
        if (dtype_bits(scheme_.dtype_of(name)) > 8) return choose_min_max(statistics);
        return find_range_method(scheme_.range_method).choose(statistics);
    }

    static void quantize(const ObservedValue& observed, const QuantParams& params, const QuantizationPlan& plan,
                         const ReadingOrder& order) {
        Graph& graph = *observed.graph;
        Value* value = observed.value;
        const bool takes_all = plan.unit_results.contains(value);
        std::vector<Use> uses(value->uses().begin(), value->uses().end());
        if (observed.is_captured()) uses = readers_in(graph, value);
        std::erase_if(uses, [&](const Use& use) { return !takes_all && (!plan.reads_quantized(use) || &use.node->graph() != &graph); });
        if (uses.empty()) return;
        // What a body captures may be dequantized outside already; to quantize it again with the same parameters changes nothing.
        Value* source = observed.is_captured() ? uses.front().node->input(uses.front().index) : value;
        const QdqPair pair = add_pair(graph, source, value->name(), scale_constant(graph, value->name(), params.scale),
                                      zero_point_constant(graph, params), order.first_reader(source));
        for (const Use& use : uses) graph.replace_use(use, pair.dequantized());
    }

    QuantizationScheme scheme_;
    const CalibrationTable* table_;
    std::unordered_map<const Value*, TensorStatistics> joined_;  // of results of Concat
};

}  // namespace

std::unique_ptr<Pass> make_quantize_activations(const QuantizationScheme& scheme, const CalibrationTable* table) {
    return std::make_unique<QuantizeActivations>(scheme, table);
}

}  // namespace mcompress
