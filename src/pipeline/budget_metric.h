// How much accuracy a quantized graph loses against the float graph, in points.
#pragma once

#include <memory>
#include <optional>

#include "engine/engine.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/precision_stage.h"
#include "validate/fidelity.h"

namespace mcompress {

/// In points.
struct MeasuredDrop {
    double points = 0.0;
    std::optional<double> standard_error =
        {};  // by chance in the choice of the samples; nothing for metrics that are no share of decisions
};

class BudgetMetric {
public:
    /// Everything borrowed must outlive it. Throws kUsage when there is nothing the metric could be measured by.
    BudgetMetric(const Engine& engine, const Graph& exact, const AccuracyBudget& budget, const Tuning& tuning);

    /// The full evaluation. Points are percent: of decisions (top1: right ones; agreement: equal ones), of the outputs' energy (sqnr), of a nat (kl); what a
    /// command prints is taken as a share when the float model's is not above 1, and as percent otherwise.
    MeasuredDrop drop(const Graph& candidate);

    /// Evaluated each time; 0 for a command.
    std::size_t samples() const { return batch_ ? batch_->samples->size() : 0; }
    /// What sources are to be ranked by: of a classifier the divergence of its decisions, of other models the noise.
    EffectMetric ranks_by();

private:
    FidelityResult evaluate(const Graph& candidate);
    double drop_of_command(const Graph& candidate);

    const Engine& engine_;
    const Graph& exact_;
    const AccuracyBudget& budget_;
    int threads_;
    StageProgress progress_;
    std::shared_ptr<const Dataset> data_;
    std::optional<FixedBatch> batch_;
    std::optional<ReferenceOutputs> reference_;
    std::optional<double> reference_accuracy_;  // of a command
    std::optional<bool> classifies_;
};

}  // namespace mcompress
