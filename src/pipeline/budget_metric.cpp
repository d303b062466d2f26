#include "pipeline/budget_metric.h"

#include <algorithm>
#include <cmath>

#include "ir/clone.h"
#include "onnx/emit.h"
#include "pipeline/eval_command.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

namespace {

// Outputs of the float model are kept from one evaluation to the next as long as they fit.
constexpr std::size_t kKeptOutputs = std::size_t{96} << 20;

const ClassificationResult& decisions(const FidelityResult& result, const std::string& metric) {
    if (!result.classification)
        throw Error(codes::kUsage, format("--metric {} needs a classifier: the first output is not [samples, classes]", metric),
                    "use --metric sqnr");
    return *result.classification;
}

double noise_percent(const FidelityResult& result) {
    double worst = 0.0;
    for (const OutputFidelity& output : result.outputs) {
        const ErrorMeasure& measure = output.measure;
        if (measure.not_finite > 0) return 1e9;
        if (measure.noise > 0.0) worst = std::max(worst, measure.signal > 0.0 ? 100.0 * measure.noise / measure.signal : 100.0);
    }
    return worst;
}

}  // namespace

BudgetMetric::BudgetMetric(const Engine& engine, const Graph& exact, const AccuracyBudget& budget, const Tuning& tuning)
    : engine_(engine), exact_(exact), budget_(budget), threads_(tuning.threads), progress_(tuning.progress) {
    if (budget.metric == "command") return;
    data_ = budget.data ? std::shared_ptr<const Dataset>(std::shared_ptr<void>(), budget.data) : tuning.data;
    if (budget.metric == "top1" && budget.labels.size() != data_->size())
        throw Error(codes::kLabelsMismatch, format("{} labels for {} samples", budget.labels.size(), data_->size()),
                    "each sample needs one label");
    batch_ = fit_batch(exact, *data_, LastBatch::LeaveOut);
    reference_.emplace(engine, exact, kKeptOutputs);
}

FidelityResult BudgetMetric::evaluate(const Graph& candidate) {
    FidelityOptions options{.threads = threads_, .labels = {}, .progress = as_stage(progress_, "evaluating")};
    if (budget_.metric == "top1") {
        options.labels_per_sample = batch_->size;
        options.labels = std::span(budget_.labels).first(batch_->samples->size() * batch_->size);
    }
    const FidelityResult result = measure_fidelity(engine_, *reference_, candidate, *batch_->samples, options);
    classifies_ = result.classification.has_value();
    return result;
}

MeasuredDrop BudgetMetric::drop(const Graph& candidate) {
    if (budget_.metric == "command") return {drop_of_command(candidate)};
    const FidelityResult result = evaluate(candidate);
    if (budget_.metric == "sqnr") return {noise_percent(result)};
    const ClassificationResult& found = decisions(result, budget_.metric);
    if (budget_.metric == "kl") return {100.0 * found.mean_divergence()};
    if (budget_.metric == "agreement")
        return {100.0 * static_cast<double>(found.rows - found.agreements) / static_cast<double>(found.rows), found.agreement_error()};
    return {found.top1_drop(), found.top1_drop_error()};
}

EffectMetric BudgetMetric::ranks_by() {
    if (budget_.metric == "sqnr" || budget_.metric == "command" || !classifies_.value_or(false)) return EffectMetric::Sqnr;
    return budget_.metric == "kl" ? EffectMetric::Divergence : EffectMetric::Agreement;
}

double BudgetMetric::drop_of_command(const Graph& candidate) {
    const TemporaryModel file;
    Model model;
    model.graph = clone(candidate);
    model.opset_imports = model.graph->opset_imports();
    emit_model(model, file.path());
    if (!reference_accuracy_) reference_accuracy_ = run_eval_command(budget_.command, budget_.model, budget_.command_seconds);
    const double accuracy = run_eval_command(budget_.command, file.path(), budget_.command_seconds);
    const double points = std::abs(*reference_accuracy_) <= 1.0 ? 100.0 : 1.0;
    log_info("the command says {} of the quantized model, {} of the float model", accuracy, *reference_accuracy_);
    return points * (*reference_accuracy_ - accuracy);
}

}  // namespace mcompress
