#include "prune/prune_channel_graph.h"

#include <algorithm>
#include <cmath>

#include "engine/engine.h"
#include "ir/clone.h"
#include "ops/attributes.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "passes/compress/remove_channels.h"
#include "passes/pipelines.h"
#include "passes/rewriter.h"
#include "prune/channel_budget.h"
#include "prune/channel_choice.h"
#include "prune/channel_layers.h"
#include "prune/layer_errors.h"
#include "prune/layer_fitting.h"
#include "prune/prunable_layers.h"
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
constexpr double kLevels[] = {0.125, 0.25, 0.5, 0.75};
constexpr double kDampings[] = {0.001, 0.01, 0.1};

/// Every convolution and Gemm gets one number a channel as bias, which a repair can change, before anything refers to the operands.
void add_biases(Graph& graph) {
    for (Node* node : graph.order()) {
        if ((!node->is("Conv") && !node->is("Gemm")) || !node->output(0)->type().has_rank() || node->output(0)->type().rank() < 2) continue;
        const Dim channels = (*node->output(0)->type().dims)[1];
        const Tensor* old = known_tensor(node->input(2));
        const bool fits = !node->input(2) || (old && old->dtype() == DType::Float32 && old->shape().rank() != 1 &&
                                              (old->element_count() == 1 || old->element_count() == channels.extent()));
        if (!channels.is_known() || !fits) continue;
        std::vector<float> bias(static_cast<std::size_t>(channels.extent()), 0.0F);
        for (std::size_t at = 0; old && at < bias.size(); ++at) bias[at] = old->values<float>()[old->element_count() == 1 ? 0 : at];
        put_constant(node, 2, Tensor::from_values({channels.extent()}, bias), node->output(0)->name() + "_bias");
    }
}

class ChannelPruning {
public:
    ChannelPruning(Graph& graph, const ChannelPruneOptions& options)
        : graph_(graph), options_(options), dense_(clone(graph)), units_(find_channel_units(graph)) {}

    ChannelPruneOutcome run() {
        outcome_.before = layer_widths(graph_);
        outcome_.macs_before = measure_cost(graph_).macs;
        outcome_.units = units_.count;
        outcome_.skipped = units_.frozen;
        if (units_.count == 0) refuse("the model has no channels that can be removed");
        if (outcome_.macs_before <= 0) refuse("the model's multiply-accumulates are not known");
        find_layers();
        if (options_.data) prepare_data();
        score();
        curves_ = find_curves();
        ChosenChannels chosen = choose_channels({graph_, *dense_, units_, curves_, engine_.get()}, options_);
        if (!chosen.removed) refuse(chosen.problem);
        const std::vector<bool> removed = *std::move(chosen.removed);
        outcome_.latency = chosen.latency;
        outcome_.removed = static_cast<int>(std::count(removed.begin(), removed.end(), true));
        if (options_.data) fit(removed);
        remove_channels(graph_, units_, removed);
        run_pipeline("sweep", graph_, {});
        outcome_.after = layer_widths(graph_);
        outcome_.macs_after = measure_cost(graph_).macs;
        if (options_.data) measure_fidelity();
        return std::move(outcome_);
    }

private:
    [[noreturn]] void refuse(const std::string& problem) const {
        const std::string reason =
            units_.frozen.empty() ? "" : format(": '{}' stays, since {}", units_.frozen[0].node, units_.frozen[0].reason);
        throw Error(codes::kUsage, problem + reason, "weights without structure are pruned by --pattern unstructured");
    }

    void find_layers() {
        for (PrunableLayer& each : find_prunable_layers(*dense_, graph_, {}).layers) {
            columns_.push_back(column_units(each.layer, units_));
            layers_.push_back(each.layer);
        }
    }

    void prepare_data() {
        rows_ = kRows;
        rows_.threads = options_.threads;
        engine_ = make_onednn_engine();
        split_ = split_samples(options_.data);
        samples_ = with_mirror_images(options_.data);
        trial_ = std::make_unique<Trial>(*engine_, *dense_, *split_.held_out, options_.threads);
    }

    /// Units that no layer with samples reads are told apart by their magnitude.
    void score() {
        scores_ = options_.criterion == ChannelCriterion::Random ? random_scores(units_) : magnitude_scores(units_);
        means_.resize(layers_.size());
        if (!options_.data || layers_.empty()) return;
        GraphPrefix prefix(*engine_, *dense_, layers_, *samples_, rows_);
        std::vector<double> errors(scores_.size(), 0.0);
        std::vector<bool> is_scored(scores_.size(), false);
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            const SplitRows rows = prefix.rows_of(at);
            add_reconstruction_scores(layers_[at], columns_[at], rows.fit, errors, is_scored);
            means_[at] = means_of(layers_[at], rows.fit);
            report_progress(at);
        }
        if (options_.criterion != ChannelCriterion::Reconstruction) return;
        for (std::size_t unit = 0; unit < scores_.size(); ++unit)
            if (is_scored[unit]) scores_[unit] = errors[unit];
    }

    /// Of the rows, by group and column.
    static std::vector<double> means_of(const Layer& layer, const LayerRows& rows) {
        std::vector<double> means;
        for (std::int64_t group = 0; group < layer.groups; ++group) {
            const std::span<const float> values = rows.of_group(layer, group);
            std::vector<double> sums(static_cast<std::size_t>(layer.inputs), 0.0);
            for (std::size_t at = 0; at < values.size(); ++at) sums[at % sums.size()] += static_cast<double>(values[at]);
            for (const double sum : sums) means.push_back(sum / static_cast<double>(std::max<std::int64_t>(1, rows.count)));
        }
        return means;
    }

    bool reads(std::size_t layer, const std::vector<bool>& removed) const {
        return std::any_of(columns_[layer].begin(), columns_[layer].end(),
                           [&](int unit) { return unit >= 0 && removed[static_cast<std::size_t>(unit)]; });
    }

    /// The layer without the columns of removed units, its bias with what they gave on average.
    LayerWeights masked(std::size_t at, const std::vector<bool>& removed) const {
        const Layer& layer = layers_[at];
        LayerWeights weights = exact_weights(layer);
        const auto inputs = static_cast<std::size_t>(layer.inputs);
        for (std::size_t place = 0; place < weights.matrix.size(); ++place) {
            const int unit = columns_[at][place % inputs];
            if (unit < 0 || !removed[static_cast<std::size_t>(unit)]) continue;
            const std::size_t row = place / inputs, group = row / static_cast<std::size_t>(layer.outputs);
            if (layer.bias_input >= 0 && !means_[at].empty())
                weights.bias[row] +=
                    static_cast<float>(static_cast<double>(weights.matrix[place]) * means_[at][group * inputs + place % inputs]);
            weights.matrix[place] = 0.0F;
        }
        return weights;
    }

    /// Noise at the model's outputs when these units are gone and nothing but biases makes up for them.
    double noise_without(const std::vector<int>& order, std::size_t count) {
        std::vector<bool> removed(static_cast<std::size_t>(units_.count), false);
        for (std::size_t at = 0; at < count; ++at) removed[static_cast<std::size_t>(order[at])] = true;
        std::vector<std::size_t> changed;
        for (std::size_t at = 0; at < layers_.size(); ++at)
            if (reads(at, removed)) changed.push_back(at);
        for (const std::size_t at : changed) set_weights(graph_, layers_[at], masked(at, removed));
        const double noise = trial_->measure(graph_).relative_noise();
        for (const std::size_t at : changed) set_weights(graph_, layers_[at], exact_weights(layers_[at]));
        return std::isfinite(noise) ? noise : 1e6;
    }

    std::vector<ChannelCurve> find_curves() {
        std::vector<ChannelCurve> curves;
        for (const UnitGroup& group : units_.groups) {
            ChannelCurve curve{group.units, {}};
            std::stable_sort(curve.order.begin(), curve.order.end(),
                             [&](int a, int b) { return scores_[static_cast<std::size_t>(a)] < scores_[static_cast<std::size_t>(b)]; });
            const auto units = static_cast<double>(curve.order.size());
            for (const double level : kLevels) {
                const auto count = static_cast<std::size_t>(level * units);
                if (count == 0 || (!curve.errors.empty() && curve.errors.back().sparsity * units >= static_cast<double>(count))) continue;
                double error = 0.0;
                if (options_.data) error = noise_without(curve.order, count);
                else
                    for (std::size_t at = 0; at < count; ++at) error += scores_[static_cast<std::size_t>(curve.order[at])];
                curve.errors.push_back({static_cast<double>(count) / units, error});
            }
            if (curve.errors.empty()) curve.errors.push_back({1.0, 1.0});
            curves.push_back(std::move(curve));
            report_progress(layers_.size() + curves.size() - 1);
        }
        return curves;
    }

    void fit(const std::vector<bool>& removed) {
        RowOptions rows = rows_;
        rows.residual = ResidualRows::With;
        GraphPrefix dense(*engine_, *dense_, layers_, *samples_, rows);
        GraphPrefix pruned(*engine_, graph_, layers_, *samples_, rows);
        bool has_changed = false;
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            has_changed = has_changed || reads(at, removed);
            if (!has_changed) continue;
            fit_layer(at, dense.rows_of(at), pruned.rows_of(at), removed);
            report_progress(layers_.size() + units_.groups.size() + at);
            release_free_memory();
        }
    }

    void fit_layer(std::size_t at, const SplitRows& dense, const SplitRows& pruned, const std::vector<bool>& removed) {
        const Layer& layer = layers_[at];
        const Mask mask = column_mask(layer, columns_[at], removed);
        const LayerWeights exact = exact_weights(layer);
        const LayerJudge judge(layer, exact, dense.held_out, pruned.held_out, {}, options_.threads);
        LayerWeights best = exact;
        for (std::size_t place = 0; place < mask.size(); ++place)
            if (!mask[place]) best.matrix[place] = 0.0F;
        LayerOutcome outcome;
        outcome.node = layer.node->display_name();
        outcome.op = layer.node->op_type();
        outcome.pattern = "channels";
        outcome.weights = static_cast<std::int64_t>(mask.size());
        outcome.zeros = zeros_of(mask);
        outcome.error_before = outcome.error_after = judge.error(best);
        const auto consider = [&](std::string_view method, LayerWeights weights) {
            const double error = judge.error(weights);
            if (!(error < *outcome.error_after)) return;
            best = std::move(weights);
            outcome.error_after = error;
            outcome.repair = method;
        };
        if (options_.repair == Repair::Full) {
            const LayerFitting fitting(layer, exact, dense.fit, pruned.fit,
                                       layer.bias_input >= 0 ? Centering::AboutMeans : Centering::AboutZero, options_.threads);
            consider("bias", fitting.with_bias(best.matrix));
            for (const double damping : kDampings) {
                std::vector<float> matrix = fitting.least_squares(mask, damping);
                if (!matrix.empty()) consider("least squares", fitting.with_bias(std::move(matrix)));
            }
        }
        set_weights(graph_, layer, best);
        outcome_.layers.push_back(std::move(outcome));
    }

    void measure_fidelity() {
        const TrialResult result = trial_->measure(graph_);
        outcome_.fidelity = HeldOutFidelity{trial_->samples(), result.sqnr_db(), result.agreement()};
    }

    void report_progress(std::size_t done) const {
        if (options_.progress) options_.progress(done + 1, 2 * layers_.size() + units_.groups.size());
    }

    Graph& graph_;
    const ChannelPruneOptions& options_;
    std::unique_ptr<Graph> dense_;
    ChannelUnits units_;
    std::vector<Layer> layers_;
    std::vector<std::vector<int>> columns_;   // by layer
    std::vector<std::vector<double>> means_;  // by layer
    std::vector<double> scores_;              // by unit
    std::vector<ChannelCurve> curves_;        // by group
    RowOptions rows_;
    std::unique_ptr<Engine> engine_;
    SampleSplit split_;
    std::shared_ptr<const Dataset> samples_;  // and pictures made of them
    std::unique_ptr<Trial> trial_;
    ChannelPruneOutcome outcome_;
};

}  // namespace

ChannelPruneOutcome prune_channel_graph(Graph& graph, const ChannelPruneOptions& options) {
    if (!options.data && (options.criterion == ChannelCriterion::Reconstruction || options.repair == Repair::Full))
        throw Error(codes::kUsage, "reconstruction and repair need samples", "give --data, or take --criterion magnitude --repair none");
    if (!options.data && options.goal == ChannelGoal::Latency)
        throw Error(codes::kUsage, "a share of the latency is measured on a sample", "give --data, or take --macs");
    add_biases(graph);
    infer_types(graph);
    return ChannelPruning(graph, options).run();
}

}  // namespace mcompress
