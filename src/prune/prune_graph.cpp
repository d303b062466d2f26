#include "prune/prune_graph.h"

#include <algorithm>
#include <cmath>

#include "engine/engine.h"
#include "ops/attributes.h"
#include "ops/cost.h"
#include "passes/pipelines.h"
#include "prune/layer_errors.h"
#include "prune/repair_block.h"
#include "support/error.h"
#include "support/log.h"
#include "support/memory.h"
#include "tune/more_pictures.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {
namespace {

constexpr RowOptions kRows{
    .bytes_per_layer = std::size_t{64} << 20, .threads = 1, .kept_bytes = std::size_t{160} << 20, .pooled = PooledRows::Parts};
constexpr int kPackedAttempts = 3;
constexpr double kPackedSlack = 0.02;  // of a packed goal that is missed in either direction: below it is near enough

class GraphPruning {
public:
    GraphPruning(const Graph& dense, Graph& pruned, const PruneOptions& options) : dense_(dense), pruned_(pruned), options_(options) {}

    PruneOutcome run() {
        find_layers();
        check();
        if (options_.data) {
            rows_ = kRows;
            rows_.threads = options_.threads;
            engine_ = make_onednn_engine();
            split_ = split_samples(options_.data);
            samples_ = with_more_pictures(options_.data);
        }
        if (options_.scope == Scope::Measured && options_.choice.pattern.kind != PatternKind::NOfM) measure_errors();
        collect_budget();
        if (options_.packed) prune_to_packed_goal(*options_.packed);
        else prune_to(options_.sparsity);
        say_what_stays_dense();
        run_pipeline("sweep", pruned_, {});
        if (options_.data) measure_fidelity();
        return std::move(outcome_);
    }

private:
    void find_layers() {
        PrunableLayers found = find_prunable_layers(dense_, pruned_, options_.choice);
        outcome_.skipped = std::move(found.skipped);
        prunable_ = std::move(found.layers);
        for (const PrunableLayer& each : prunable_) {
            layers_.push_back(each.layer);
            LayerOutcome outcome;
            outcome.node = each.layer.node->display_name();
            outcome.op = each.layer.node->op_type();
            outcome.pattern = "dense";
            const std::span<const float> weights = float_weight(each.layer).values<float>();
            outcome.weights = static_cast<std::int64_t>(weights.size());
            outcome.zeros_before = std::count(weights.begin(), weights.end(), 0.0F);
            outcome.macs = count_macs(*each.layer.reference).value_or(0);
            outcome_.layers.push_back(outcome);
            if (each.has_pattern) outcome_.prunable_weights += outcome.weights;
            float_weight(each.layer).release_pages();  // of a file: they come again when it is this layer's turn
        }
    }

    void check() const {
        if (outcome_.prunable_weights == 0) {
            const std::string reason =
                outcome_.skipped.empty() ? "" : format(": '{}' stays, since {}", outcome_.skipped[0].node, outcome_.skipped[0].reason);
            throw Error(codes::kUsage, format("the model has no weights to prune{}", reason),
                        "Conv, Gemm and MatMul with constant float32 weights are pruned");
        }
        if (options_.data) return;
        const CriterionRow& criterion = criterion_row(options_.criterion);
        if (criterion.needs == CriterionNeeds::Samples)
            throw Error(codes::kUsage, format("the criterion {} needs samples", criterion.name), "give --data, or take magnitude");
        if (options_.scope == Scope::Measured) throw Error(codes::kUsage, "the scope measured needs samples", "give --data, or take lamp");
        if (options_.repair == Repair::Full) throw Error(codes::kUsage, "repair needs samples", "give --data, or take --repair none");
    }

    LayerTask task_of(std::size_t at, std::int64_t zeros) const {
        return {.criterion = options_.criterion,
                .pattern = prunable_[at].has_pattern ? options_.choice.pattern : Pattern{},
                .zeros = zeros,
                .repair = options_.repair,
                .number = at,
                .threads = options_.threads};
    }

    void measure_errors() {
        const std::shared_ptr<const Dataset> few = split_.held_out;
        const Trial trial(*engine_, dense_, *few, options_.threads);
        GraphPrefix prefix(*engine_, dense_, layers_, *samples_, rows_);
        errors_.resize(layers_.size());
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            const SplitRows rows = prefix.rows_of(at);
            const LayerFitting fitting = dense_fitting(layers_[at], rows, task_of(at, 0));
            errors_[at] = layer_errors(layers_[at], fitting, rows, task_of(at, 0));
            const double gain = error_gain(layers_[at], fitting, rows, task_of(at, 0), trial, pruned_);
            for (ErrorPoint& point : errors_[at]) point.error *= gain;
            outcome_.layers[at].gain = gain;
            report_progress(at);
        }
    }

    void collect_budget() {
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            BudgetLayer layer{.grid = grid_of(layers_[at]), .weights = float_weight(layers_[at]).values<float>()};
            if (!errors_.empty()) layer.errors = errors_[at];
            layer.fixed_sparsity = prunable_[at].has_pattern ? prunable_[at].fixed_sparsity : 0.0;
            budget_.push_back(std::move(layer));
        }
    }

    void say_what_stays_dense() {
        if (!scope_row(options_.scope).keeps_depthwise || outcome_.wanted_zeros == 0) return;
        for (std::size_t at = 0; at < layers_.size(); ++at)
            if (prunable_[at].has_pattern && budget_[at].grid.is_depthwise() && !budget_[at].fixed_sparsity && zeros_[at] == 0)
                outcome_.skipped.push_back(
                    {outcome_.layers[at].node, outcome_.layers[at].op,
                     format("the scope {} leaves depthwise convolutions dense: they have few weights, and nothing stands in "
                            "for one; --layer-sparsity gives it a share",
                            scope_row(options_.scope).name)});
    }

    void prune_to(double sparsity) {
        zeros_ = zeros_by_layer(options_.scope, budget_, sparsity);
        outcome_.zeros = outcome_.wanted_zeros = 0;
        for (std::size_t at = 0; at < zeros_.size(); ++at)
            if (prunable_[at].has_pattern) outcome_.wanted_zeros += zeros_[at];
        if (options_.data) prune_with_data();
        else prune_without_data();
    }

    /// What the repaired weights pack into is known only when they are there: the share of zeros is corrected by it.
    void prune_to_packed_goal(const PackedGoal& goal) {
        const PackedSizes sizes(budget_, options_.choice.pattern, goal, options_.threads);
        const double others =
            static_cast<double>(packed_bytes(pruned_, goal, options_.threads)) - sizes.of(std::vector<std::int64_t>(layers_.size(), 0));
        const double wanted = static_cast<double>(goal.bytes);
        double aim = wanted;
        for (int attempt = 1;; ++attempt) {
            prune_to(sparsity_for(options_.scope, budget_, sizes, aim - others));
            outcome_.packed_bytes = packed_bytes(pruned_, goal, options_.threads);
            const double found = static_cast<double>(*outcome_.packed_bytes);
            log_debug("prune: the constants pack into {} bytes of {} after attempt {}", *outcome_.packed_bytes, goal.bytes, attempt);
            const bool is_near = found <= wanted && (found >= (1.0 - kPackedSlack) * wanted || outcome_.zeros == 0);
            if (is_near || attempt == kPackedAttempts) return;
            aim += (1.0 - kPackedSlack / 4.0) * wanted - found;
            for (std::size_t at = 0; at < layers_.size(); ++at) set_weights(pruned_, layers_[at], exact_weights(layers_[at]));
        }
    }

    void prune_without_data() {
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            if (prunable_[at].has_pattern) apply(at, prune_layer(layers_[at], task_of(at, zeros_[at])));
            report_progress(at);
        }
    }

    void prune_with_data() {
        RowOptions rows = rows_;
        if (options_.repair == Repair::Full) rows.residual = ResidualRows::With;
        GraphPrefix dense(*engine_, dense_, layers_, *samples_, rows);
        GraphPrefix pruned(*engine_, pruned_, layers_, *samples_, rows);
        BlockRepair blocks(layers_, dense, pruned, errors_.empty() ? kEffortAlone : kEffortBesideSearch, options_.threads);
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            const SplitRows exact = dense.rows_of(at);
            if (options_.repair == Repair::Full) {
                blocks.begin(at);
                const PrunedLayer done = prune_layer(layers_[at], exact, pruned.rows_of(at, blocks.keep(at)), task_of(at, zeros_[at]));
                apply(at, done);
                for (const RefittedLayer& each : blocks.end(at, done)) refit(each);
            } else {
                apply(at, prune_layer(layers_[at], exact, exact, task_of(at, zeros_[at])));
            }
            report_progress(at);
        }
    }

    void apply(std::size_t at, const PrunedLayer& pruned) {
        LayerOutcome& outcome = outcome_.layers[at];
        set_weights(pruned_, layers_[at], pruned.weights);
        if (!options_.data) float_weight(layers_[at]).release_pages();
        outcome.zeros = std::count(pruned.weights.matrix.begin(), pruned.weights.matrix.end(), 0.0F);
        outcome.pattern = prunable_[at].has_pattern && zeros_of(pruned.mask) > 0 ? pattern_name(options_.choice.pattern) : "dense";
        outcome.repair = pruned.repair;
        if (options_.data) {
            outcome.error_before = pruned.error_before;
            outcome.error_after = pruned.error_after;
        }
        if (prunable_[at].has_pattern) outcome_.zeros += outcome.zeros;
        log_debug("prune {}: {} of {} zero, error {:.4f} -> {:.4f} ({})", outcome.node, outcome.zeros, outcome.weights, pruned.error_before,
                  pruned.error_after, pruned.repair);
        release_free_memory();
    }

    void refit(const RefittedLayer& refitted) {
        LayerOutcome& outcome = outcome_.layers[refitted.layer];
        set_weights(pruned_, layers_[refitted.layer], refitted.weights);
        outcome.repair = outcome.repair == "none" ? "block" : outcome.repair + ", block";
        if (refitted.error) outcome.error_after = refitted.error;
    }

    void measure_fidelity() {
        const Trial trial(*engine_, dense_, *split_.held_out, options_.threads);
        const TrialResult result = trial.measure(pruned_);
        outcome_.fidelity = HeldOutFidelity{trial.samples(), result.sqnr_db(), result.agreement()};
    }

    void report_progress(std::size_t at) const {
        if (options_.progress) options_.progress(at + 1, layers_.size());
    }

    const Graph& dense_;
    Graph& pruned_;
    const PruneOptions& options_;
    RowOptions rows_;
    std::unique_ptr<Engine> engine_;
    SampleSplit split_;
    std::shared_ptr<const Dataset> samples_;  // and pictures made of them
    std::vector<PrunableLayer> prunable_;
    std::vector<Layer> layers_;
    std::vector<std::vector<ErrorPoint>> errors_;  // by layer, when they were measured
    std::vector<BudgetLayer> budget_;              // of all layers
    std::vector<std::int64_t> zeros_;
    PruneOutcome outcome_;
};

}  // namespace

PruneOutcome prune_graph(const Graph& dense, Graph& pruned, const PruneOptions& options) {
    return GraphPruning(dense, pruned, options).run();
}

}  // namespace mcompress
