#include "pipeline/float_fallback.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "data/subset.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/clone.h"
#include "ops/infer.h"
#include "ops/op_info.h"
#include "passes/compress/convert_float.h"
#include "pipeline/emulate_half.h"
#include "search/fallback.h"
#include "support/format.h"
#include "support/parallel.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kRankingSamples = 2;
constexpr std::size_t kNamed = 10;  // values that cost most, for the report

FloatFidelity compare(const FloatSubject& subject, const Graph& candidate) {
    const auto engine = make_onednn_engine();
    FidelityOptions options;
    options.threads = subject.threads;
    const FidelityResult result = measure_fidelity(*engine, subject.exact, candidate, subject.data, options);
    FloatFidelity fidelity;
    fidelity.samples = result.samples;
    fidelity.outputs = result.outputs;
    fidelity.worst_sqnr_db = kInfinity;
    for (const OutputFidelity& output : result.outputs)
        fidelity.worst_sqnr_db = std::min(fidelity.worst_sqnr_db, output.measure.not_finite > 0 ? -kInfinity : output.measure.sqnr_db());
    if (result.classification) fidelity.agreement = 100.0 * result.classification->agreement();
    return fidelity;
}

float rounded(float value, DType half) { return half == DType::BFloat16 ? to_float(to_bfloat16(value)) : to_float(to_float16(value)); }

/// A value whose rounding can be undone, with the nodes that have to stay in float32 for it.
struct RankedValue {
    std::string name;
    std::string op;
    std::vector<std::string> nodes;
    double effect = 0.0;  // noise energy over signal energy at the outputs, with only this value and its operator's constants rounded
};

/// The float32 graph with an observer on every value that the conversion rounds, but for graph inputs: nothing but an exact input would undo that.
class ValueRanking {
public:
    ValueRanking(const FloatSubject& subject, const FloatConversion& conversion)
        : subject_(subject), half_(conversion.to), graph_(clone(subject.exact)) {
        const FloatPlan plan(*graph_, conversion, subject.ranges);
        const auto order = graph_->order();
        for (std::size_t at = 0; at < order.size(); ++at)
            for (int index = 0; index < order[at]->output_count(); ++index)
                if (plan.converts_output(*order[at], index))
                    observe(order[at]->output(index), at + 1 < order.size() ? order[at + 1] : nullptr);
        graph_->opset_imports()->emplace("mcompress", 1);
        infer_types(*graph_);
    }

    /// The worst first.
    std::vector<RankedValue> run() {
        const auto engine = make_onednn_engine();
        const CompileOptions options{.threads = 1, .tap_access = TapAccess::Writable};
        const std::unique_ptr<Graph> rounded_constants = round_constants(*graph_, half_);
        PlanCache plans(*engine, *graph_, options), rounded_plans(*engine, *rounded_constants, options);
        for (std::size_t index = 0; index < std::min(kRankingSamples, subject_.data.size()); ++index) {
            const std::vector<Tensor> inputs = bind_inputs(*graph_, subject_.data.sample(index));
            const auto plan = plans.plan_for(inputs);
            Kept exact(values_.size()), noisy(values_.size());
            const auto outputs = plan->run(inputs, [&](const Value& value, const Tensor& tensor) { keep(value, tensor, exact); });
            rounded_plans.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
                keep(value, tensor, noisy);
                write(value, tensor, exact);  // the next operator starts from exact numbers again
            });
            measure(*plan, inputs, outputs, noisy);
        }
        std::stable_sort(values_.begin(), values_.end(), [](const RankedValue& a, const RankedValue& b) { return a.effect > b.effect; });
        return std::move(values_);
    }

private:
    using Kept = std::vector<std::vector<float>>;  // by observed value, in the order the plan holds the elements

    void keep(const Value& value, const Tensor& tensor, Kept& kept) const {
        const auto at = at_.find(value.name());
        if (at == at_.end() || tensor.dtype() != DType::Float32) return;
        const auto values = tensor.values<float>();
        kept[at->second].assign(values.begin(), values.end());
    }

    void write(const Value& value, const Tensor& tensor, const Kept& kept) const {
        const auto at = at_.find(value.name());
        if (at == at_.end() || tensor.dtype() != DType::Float32) return;
        const std::span<float> to = writable_values(tensor);
        const std::vector<float>& from = kept[at->second];
        if (from.size() == to.size()) std::copy(from.begin(), from.end(), to.begin());
    }

    /// Runs the exact graph once a value, with what the operator gives on rounded constants, rounded, in the place of that value.
    void measure(const ExecutionPlan& plan, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs, Kept& noisy) {
        for (std::vector<float>& values : noisy)
            for (float& value : values) value = rounded(value, half_);
        parallel_for(values_.size(), subject_.threads, [&](int, std::size_t at) {
            const auto found = plan.run(inputs, [&](const Value& value, const Tensor& tensor) {
                if (const auto known = at_.find(value.name()); known != at_.end() && known->second == at) write(value, tensor, noisy);
            });
            const double noise = compare_outputs(subject_.exact, outputs, found).relative_noise();
            values_[at].effect += std::isfinite(noise) ? noise : 1.0;
        });
    }

    static bool moves(const Node& node) {
        const OpInfo* info = op_info(node);
        return info && info->data_flow == DataFlow::Selects;
    }

    /// Who computes with a value: behind operators that only move it, those that read what they give.
    static void add_readers(const Value& value, std::vector<std::string>& nodes) {
        std::vector<const Value*> pending{&value};
        std::unordered_set<const Node*> seen;
        while (!pending.empty()) {
            const Value* next = pending.back();
            pending.pop_back();
            for (const Use& use : next->uses()) {
                if (!seen.insert(use.node).second) continue;
                nodes.push_back(use.node->display_name());
                if (moves(*use.node)) pending.insert(pending.end(), use.node->outputs().begin(), use.node->outputs().end());
            }
            std::erase(pending, nullptr);
        }
    }

    void observe(Value* value, const Node* before) {
        RankedValue ranked{value->name(), value->producer() ? value->producer()->op_type() : "", {}, 0.0};
        if (value->producer()) ranked.nodes.push_back(value->producer()->display_name());
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        add_readers(*value, ranked.nodes);
        if (uses.empty()) return;
        Node* node = graph_->add_node(
            {.op_type = "Observe", .inputs = {value}, .domain = "mcompress", .outputs = {value->name() + "_observed"}}, before);
        graph_->set_type(node->output(0), value->type());
        for (const Use& use : uses) graph_->replace_use(use, node->output(0));
        at_.emplace(value->name(), values_.size());
        values_.push_back(std::move(ranked));
    }

    const FloatSubject& subject_;
    DType half_;
    std::unique_ptr<Graph> graph_;
    std::unordered_map<std::string, std::size_t> at_;  // by the value's name
    std::vector<RankedValue> values_;
};

}  // namespace

double FloatGoal::shortfall(const FloatFidelity& fidelity) const {
    double shortfall = -kInfinity;
    if (min_sqnr) shortfall = *min_sqnr - fidelity.worst_sqnr_db;
    if (max_drop) shortfall = std::max(shortfall, fidelity.agreement ? 100.0 - *fidelity.agreement - *max_drop : kInfinity);
    return shortfall;
}

FloatFidelity measure_conversion(const FloatSubject& subject, const FloatConversion& conversion) {
    std::unique_ptr<Graph> graph = clone(subject.exact);
    FloatConversion inner = conversion;
    inner.interface = FloatConversion::Interface::Keep;  // the same data for both
    convert_floats(*graph, FloatPlan(*graph, inner, subject.ranges), inner);
    return compare(subject, *emulate_half(*graph));
}

FloatFidelity measure_rounded_constants(const FloatSubject& subject, DType half) {
    return compare(subject, *round_constants(subject.exact, half));
}

std::optional<std::map<std::string, std::string>> find_float_fallback(const FloatSubject& subject, const FloatConversion& conversion,
                                                                      const FloatGoal& goal, FloatSearch& search) {
    const std::vector<RankedValue> values = ValueRanking(subject, conversion).run();
    const auto samples = static_cast<double>(std::min(kRankingSamples, subject.data.size()));
    const auto alone = [&](const RankedValue& value) { return -10.0 * std::log10(value.effect / samples); };
    for (const RankedValue& value : std::span(values).first(std::min(kNamed, values.size())))
        if (value.effect > 0.0) search.worst.push_back({value.name, value.op, alone(value)});
    const auto kept_with = [&](std::size_t count) {
        std::map<std::string, std::string> kept = conversion.keep;
        for (const RankedValue& value : std::span(values).first(count))
            for (const std::string& node : value.nodes)
                kept.try_emplace(node, format("rounding '{}' alone leaves {:.1f} dB", value.name, alone(value)));
        return kept;
    };
    std::size_t useful = values.size();
    while (useful > 0 && values[useful - 1].effect == 0.0) --useful;
    double before = 0.0;  // the guess: what is left of the noise shrinks to what is asked for
    for (const RankedValue& value : values) before += value.effect;
    const double wanted = goal.min_sqnr ? samples * std::pow(10.0, -*goal.min_sqnr / 10.0) : before / 2;
    std::size_t guess = 0;
    for (double left = before; guess < useful && left > wanted; ++guess) left -= values[guess].effect;
    const auto measure = [&](std::size_t count) {
        FloatConversion changed = conversion;
        changed.keep = kept_with(count);
        const FloatFidelity fidelity = measure_conversion(subject, changed);
        search.tries.push_back({count, fidelity.worst_sqnr_db, fidelity.agreement});
        return goal.shortfall(fidelity);
    };
    const FewestResult result = find_fewest(useful, guess, 0.0, kInfinity, measure);
    if (!result.met) return std::nullopt;
    return kept_with(result.steps);
}

}  // namespace mcompress
