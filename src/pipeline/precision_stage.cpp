#include "pipeline/precision_stage.h"

#include <algorithm>
#include <memory>

#include "data/subset.h"
#include "engine/engine.h"
#include "ir/clone.h"
#include "pipeline/budget_metric.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/quantize_graph.h"
#include "quant/target.h"
#include "support/format.h"
#include "support/log.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {

namespace {

// "A few": decisions of a classifier are counted, so some tens; the ranking looks at each source and needs fewer.
constexpr std::size_t kCheckedSamples = 32;
constexpr std::size_t kRankedSamples = 8;
constexpr std::size_t kNamedSamples = 3;  // where the ranking only tells a reader what to blame

QuantizedGraph build(const CalibratedGraph& calibrated, const QuantizationScheme& scheme, QuantizeFinish finish) {
    QuantizedGraph built{clone(calibrated.exact), calibrated.tuning, {}};
    built.tuning.scheme = scheme;
    built.passes = quantize_graph(*built.graph, built.tuning, calibrated.table, finish);
    return built;
}

/// Fitting weights takes most of the time of a build, and makes it better.
std::unique_ptr<Graph> build_unfitted(const CalibratedGraph& calibrated, QuantizationScheme scheme, QuantizeFinish finish) {
    scheme.effort = Effort::Fast;
    return build(calibrated, scheme, finish).graph;
}

/// At most `count` of the held-out samples, put together where the model's batch is fixed.
FixedBatch held_out_samples(const CalibratedGraph& calibrated, std::size_t count, std::unique_ptr<Dataset>& storage) {
    storage = take(split_samples(calibrated.tuning.data).held_out, count);
    return fit_batch(calibrated.exact, *storage, LastBatch::Fill);
}

SearchSubject subject_of(const CalibratedGraph& calibrated, const Engine& engine, const QuantizationScheme& scheme,
                         const Dataset& ranking_data) {
    return {.engine = engine,
            .exact = calibrated.exact,
            .scheme = scheme,
            .build_apart = [&calibrated](const QuantizationScheme& each) { return build_apart(calibrated, each); },
            .ranking_data = ranking_data,
            .threads = calibrated.tuning.threads,
            .progress = as_stage(calibrated.tuning.progress, "ranking")};
}

/// 16-bit codes for what 8 bits cannot hold, where the target takes them.
std::optional<DType> wide_codes(const QuantizationScheme& scheme) {
    const DType wide = scheme.activation_dtype == DType::Int8 ? DType::Int16 : DType::UInt16;
    const bool is_taken = scheme.activations == ActivationMode::Static && find_target(scheme.target).takes(wide);
    return is_taken && dtype_bits(scheme.activation_dtype) == 8 ? std::optional(wide) : std::nullopt;
}

std::string what_was_found(const SelfCheckMeasure& measure) {
    if (!measure.judged_by_agreement) return format("an output keeps {:.1f} dB SQNR", measure.sqnr_db);
    return format("only {:.0f} % of the decisions are those of the float model", 100.0 * *measure.agreement);
}

/// Names what is to blame; puts nodes back to float where the effort allows it.
void repair(const CalibratedGraph& calibrated, const Engine& engine, const Trial& trial, SelfCheckReport& report,
            QuantizedGraph& quantized) {
    const bool is_fast = quantized.tuning.scheme.effort == Effort::Fast;
    std::unique_ptr<Dataset> storage;
    const FixedBatch samples = held_out_samples(calibrated, is_fast ? kNamedSamples : kRankedSamples, storage);
    const SearchSubject subject = subject_of(calibrated, engine, quantized.tuning.scheme, *samples.samples);
    const EffectMetric metric = report.quantized.judged_by_agreement ? EffectMetric::Divergence : EffectMetric::Sqnr;
    log_warning("the quantized model has collapsed: {}", what_was_found(report.quantized));
    if (is_fast) {
        report.culprits = name_culprits(
            rank_sources(subject, metric, {.threads = subject.threads, .known = {}, .save = {}, .progress = subject.progress}),
            calibrated.table);
    } else {
        const auto judged = [&](const Graph& candidate) { return judge(trial.measure(candidate), trial.samples(), report.limits); };
        const auto measure = [&](const QuantizationScheme& scheme) {
            QuantizedGraph candidate = build_quantized(calibrated, scheme);
            const SelfCheckMeasure found = judged(*candidate.graph);
            if (found.badness <= report.quantized.acceptable) {
                report.repaired = found;
                quantized = std::move(candidate);
            }
            return found.badness;
        };
        const auto estimate = [&](const QuantizationScheme& scheme) {
            return judged(*build_unfitted(calibrated, scheme, QuantizeFinish::Complete)).badness;
        };
        const PrecisionGoal goal{.limit = report.quantized.acceptable,
                                 .measure = measure,
                                 .estimate = estimate,
                                 .metric = metric,
                                 .max_float_share = 1.0,  // better most of a model in float than a wrong one
                                 .why = "the model collapses otherwise"};
        PrecisionResult result = search_precision(subject, goal, report.quantized.badness);
        report.culprits = name_culprits(result.ranking, calibrated.table);
        if (result.met) report.repair = std::move(result.steps);
    }
    for (const std::string& culprit : report.culprits) log_warning("{}", culprit);
}

}  // namespace

QuantizedGraph build_quantized(const CalibratedGraph& calibrated, const QuantizationScheme& scheme) {
    return build(calibrated, scheme, QuantizeFinish::Complete);
}

std::unique_ptr<Graph> build_apart(const CalibratedGraph& calibrated, const QuantizationScheme& scheme) {
    // Fitted weights make up for the noise of their inputs: taken alone, with exact inputs, they would look worse than they are.
    return build_unfitted(calibrated, scheme, QuantizeFinish::TakeApart);
}

SelfCheckReport check_self(const CalibratedGraph& calibrated, QuantizedGraph& quantized) {
    SelfCheckReport report;
    const auto engine = make_onednn_engine();
    std::unique_ptr<Dataset> storage;
    const FixedBatch samples = held_out_samples(calibrated, kCheckedSamples, storage);
    const Trial trial(*engine, calibrated.exact, *samples.samples, calibrated.tuning.threads);
    report.quantized = judge(trial.measure(*quantized.graph), trial.samples(), report.limits);
    if (report.quantized.has_collapsed) repair(calibrated, *engine, trial, report, quantized);
    return report;
}

BudgetReport keep_budget(const CalibratedGraph& calibrated, QuantizedGraph& quantized, const AccuracyBudget& budget) {
    const auto engine = make_onednn_engine();
    BudgetMetric metric(*engine, calibrated.exact, budget, calibrated.tuning);
    BudgetReport report{.metric = budget.metric, .max_drop = budget.max_drop, .samples = metric.samples()};
    const MeasuredDrop all = metric.drop(*quantized.graph);
    report.drop_int8 = report.drop = all.points;
    report.standard_error = all.standard_error;
    report.met = report.drop <= budget.max_drop;
    if (report.met) return report;
    std::unique_ptr<Dataset> storage;
    const FixedBatch samples = held_out_samples(calibrated, 2 * kRankedSamples, storage);
    const auto measure = [&](const QuantizationScheme& scheme) {
        QuantizedGraph candidate = build_quantized(calibrated, scheme);
        const MeasuredDrop drop = metric.drop(*candidate.graph);
        if (drop.points <= budget.max_drop) {
            quantized = std::move(candidate);
            report.standard_error = drop.standard_error;
        }
        return drop.points;
    };
    const PrecisionGoal goal{.limit = budget.max_drop,
                             .measure = measure,
                             .metric = metric.ranks_by(),
                             .max_float_share = budget.max_float_share,
                             .why = format("the budget of {} points would be exceeded", budget.max_drop),
                             .wide = wide_codes(quantized.tuning.scheme)};
    const SearchSubject subject = subject_of(calibrated, *engine, quantized.tuning.scheme, *samples.samples);
    PrecisionResult result = search_precision(subject, goal, report.drop);
    report.met = result.met;
    report.drop = result.measured;
    report.steps = std::move(result.steps);
    report.tries = std::move(result.tries);
    report.ranking = std::move(result.ranking);
    report.float_macs_share = report.steps.empty() ? 0.0 : report.steps.back().macs_share;
    report.wide_macs_share = report.steps.empty() ? 0.0 : report.steps.back().wide_macs_share;
    return report;
}

}  // namespace mcompress
