#include "pipeline/prune_channels.h"

#include "pipeline/compact_model.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "prune/prune_channel_graph.h"
#include "support/error.h"

namespace mcompress {
namespace {

constexpr double kMostWithoutTraining = 0.5;  // more than half of the multiply-accumulates gone needs training to be made up for

ChannelCriterion criterion_of(Criterion criterion) {
    switch (criterion) {
        case Criterion::LeastSquares: return ChannelCriterion::Reconstruction;
        case Criterion::Magnitude: return ChannelCriterion::Magnitude;
        case Criterion::Random: return ChannelCriterion::Random;
        default: break;
    }
    throw Error(codes::kUsage, format("the criterion {} ranks single weights", criterion_row(criterion).name),
                "channels are ranked by least-squares, magnitude or random");
}

/// A goal, the share of it that is asked for (0: it is not), and its name.
struct GoalRow {
    ChannelGoal goal;
    std::optional<double> PruneRequest::*share;
    std::string_view name;
    std::string_view option;
};
constexpr GoalRow kGoals[] = {{ChannelGoal::Macs, &PruneRequest::macs, "multiply-accumulates", "--macs"},
                              {ChannelGoal::Bytes, &PruneRequest::size, "bytes of the constants", "--size"},
                              {ChannelGoal::Latency, &PruneRequest::latency, "time of one inference", "--latency"}};

/// The goal that is asked for; multiply-accumulates when it is only a sparsity.
const GoalRow& goal_of(const PruneRequest& request) {
    const GoalRow* found = nullptr;
    for (const GoalRow& row : kGoals) {
        if (!(request.*row.share)) continue;
        if (found)
            throw Error(codes::kUsage, format("{} and {} both say how much is to go", found->option, row.option), "give one of them");
        found = &row;
    }
    return found ? *found : kGoals[0];
}

void refuse_other_scopes(const PruneOptions& options) {
    if (!options.choice.overrides.empty() || !options.choice.selection.include.empty() || !options.choice.selection.exclude.empty())
        throw Error(codes::kUsage, "channels of several layers go together: no layer has a share of its own",
                    "leave --layer-sparsity, --include and --exclude out");
}

}  // namespace

PruneReport prune_channels(const PruneRequest& request) {
    const PruneOptions& given = request.options;
    refuse_other_scopes(given);
    ChannelPruneOptions options;
    const GoalRow& goal = goal_of(request);
    options.goal = goal.goal;
    options.keep = (request.*goal.share).value_or(1.0 - given.sparsity);
    options.round_to = request.round_to;
    options.criterion = criterion_of(given.criterion);
    options.repair = given.repair;
    options.threads = given.threads;
    options.progress = given.progress;

    PruneReport report;
    report.pattern = "channels";
    report.faster_on = "every runtime: the model is smaller, and what is left is dense";
    report.criterion = criterion_row(given.criterion).name;
    report.scope = given.data ? "measured" : "magnitude";
    report.repair = repair_name(given.repair);
    report.sparsity = 1.0 - options.keep;
    report.data = request.data_name;
    report.samples = given.data ? given.data->size() : 0;
    auto model = load_prepared(request.model, report.passes);
    options.data = in_batches(*model->graph, given.data);
    report.before = summarize(*model, request.model);
    ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
    report.units = outcome.units;
    report.removed_units = outcome.removed;
    report.goal = goal.name;
    report.latency = outcome.latency;
    report.narrowed = narrowed_layers(outcome.before, outcome.after);
    report.outcome.layers = std::move(outcome.layers);
    report.outcome.skipped = std::move(outcome.skipped);
    report.outcome.fidelity = outcome.fidelity;
    if (!given.data)
        report.warnings.emplace_back("pruned without data: what it costs was not measured, and --data would repair part of it");
    if (static_cast<double>(outcome.macs_after) < kMostWithoutTraining * static_cast<double>(outcome.macs_before))
        report.warnings.emplace_back("more than half of the multiply-accumulates are gone: that takes training to be made up for");
    WrittenModel written = emit_as(*model, request.output, request.sparse_format, request.stamp, request.planned);
    report.after = std::move(written.summary);
    report.sparse = written.sparse;
    return report;
}

}  // namespace mcompress
