// Chooses parameters for every observed value from its calibration statistics and puts one QuantizeLinear/DequantizeLinear pair on it.
//
// Before:  y = Conv (x, w)
// After:   x_q = QuantizeLinear (x, x_s, u8_zp)   x_dq = DequantizeLinear (x_q, x_s, u8_zp)   y = Conv (x_dq, w)
//
// Formula: choose_params (quant/choose_params.h) of the scheme's range method. All readers of a unit's result share the pair; of other
// values (graph inputs, results of float operators) only quantized readers take it. Graph outputs stay what they were.
//
// Does nothing when the scheme leaves activations in float, or a value has a pair already.
#include "passes/quantize/quantize_activations.h"

#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"

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
        const ReadingOrder order(graph);
        for (Value* value : plan.observed) {
            if (pair_of(value)) continue;
            const ValueRange range = range_of(*value);
            if (is_degenerate(range, scheme_.activation_dtype, scheme_.activation_symmetry))
                result.skipped.push_back({value->name(), "", "all its values were 0 in the calibration data, so its scale is 1"});
            quantize(graph, value, choose_params(range, scheme_.activation_dtype, scheme_.activation_symmetry), plan, order);
            ++result.rewrites;
        }
        return result;
    }

private:
    ValueRange range_of(const Value& value) const {
        const auto found = table_ ? table_->values.find(value.name()) : std::map<std::string, TensorStatistics>::const_iterator{};
        if (!table_ || found == table_->values.end())
            throw Error(codes::kTableMismatch, format("the calibration has no statistics of '{}'", value.name()),
                        "calibrate this very model with the same options");
        const TensorStatistics& statistics = found->second;
        if (statistics.nan_count > 0 || statistics.infinite_count > 0)
            throw Error(codes::kDataNotFinite,
                        format("'{}' took {} NaN and {} infinite values in calibration", value.name(), statistics.nan_count,
                               statistics.infinite_count),
                        "check the preprocessing of the calibration data, or exclude the nodes that read it");
        if (statistics.count == 0)
            throw Error(codes::kDataNotFinite, format("'{}' never had an element in calibration", value.name()),
                        "calibrate with samples that reach it, or exclude the nodes that read it");
        return find_range_method(scheme_.range_method).choose(statistics);
    }

    static void quantize(Graph& graph, Value* value, const QuantParams& params, const QuantizationPlan& plan, const ReadingOrder& order) {
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        const QdqPair pair = add_pair(value, scale_constant(graph, value->name(), params.scale), zero_point_constant(graph, params),
                                      order.first_reader(value));
        const bool takes_all = plan.unit_results.contains(value);
        for (const Use& use : uses)
            if (takes_all || plan.reads_quantized(use)) graph.replace_use(use, pair.dequantized());
    }

    QuantizationScheme scheme_;
    const CalibrationTable* table_;
};

}  // namespace

std::unique_ptr<Pass> make_quantize_activations(const QuantizationScheme& scheme, const CalibrationTable* table) {
    return std::make_unique<QuantizeActivations>(scheme, table);
}

}  // namespace mcompress
