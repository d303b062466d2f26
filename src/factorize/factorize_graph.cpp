#include "factorize/factorize_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/bind_inputs.h"
#include "factorize/last_factor.h"
#include "factorize/layer_costs.h"
#include "factorize/rank_choice.h"
#include "ir/clone.h"
#include "ops/attributes.h"
#include "ops/infer.h"
#include "ops/matmul.h"
#include "passes/pipelines.h"
#include "passes/rewriter.h"
#include "support/check.h"
#include "support/error.h"
#include "support/log.h"
#include "support/parallel.h"
#include "tensor/linalg.h"
#include "tune/layer_samples.h"
#include "tune/more_pictures.h"
#include "tune/samples.h"
#include "tune/trial.h"
#include "validate/fidelity.h"

namespace mcompress {

namespace {

constexpr std::int64_t kStep = 8;
constexpr std::int64_t kLeastExtent = 2 * kStep;
constexpr std::int64_t kMostInputs = 2304;        // of a matrix of moments
constexpr std::int64_t kMostWindowInputs = 1152;  // of forms that need a regression a rank
constexpr std::size_t kLayersAtOnce = 8;          // whose rows are held at a time
constexpr std::size_t kRowBytes = std::size_t{24} << 20;
constexpr std::size_t kKeptBytes = std::size_t{160} << 20;
constexpr double kNoError = 1e-9;    // of a layer that no factors lie before
constexpr double kGainError = 0.05;  // of the layer's own results, at which it is found out what reaches the outputs

/// A layer that may be factorized, with what was decided.
struct Candidate {
    Layer layer;
    BiasUse bias = BiasUse::None;
    LayerPositions positions;
    std::unique_ptr<LowRankForms> forms;
    double gain = 1.0;  // noise at the outputs over the layer's error
    std::optional<LowRankForm> chosen;
    std::optional<double> time_ratio;
};

bool is_shared(const Value* weight) { return weight->uses().size() != 1; }

/// Why a node with a layer's operator stays; empty when it may be factorized.
std::string refusal(const Node& node, const std::optional<Layer>& layer, const FactorizeOptions& options) {
    if (const auto kept = options.keep.find(node.display_name()); kept != options.keep.end()) return kept->second;
    if (!layer) return "its weight or its bias is not a constant of float32";
    if (is_shared(layer->reference->input(1))) return "another node reads the same weight";
    if (layer->groups != 1) return "its channels are in groups";
    if (std::min(layer->outputs, layer->inputs) < kLeastExtent)
        return format("its weight has fewer than {} inputs or outputs", kLeastExtent);
    if (layer->inputs > kMostInputs) return format("its {} inputs are more than {}", layer->inputs, kMostInputs);
    const std::span<const float> values = float_weight(*layer).values<float>();
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) return "its weight is not finite";
    return {};
}

BiasUse bias_use(const Node& node) {
    if (node.is("MatMul")) return BiasUse::None;
    if (!node.is("Gemm")) return BiasUse::Mean;
    const GemmAttrs gemm = attrs<GemmAttrs>(node);
    return gemm.alpha == 1.0F && gemm.beta == 1.0F ? BiasUse::Mean : BiasUse::None;
}

Matrix unit_matrix(std::int64_t n) {
    Matrix result(n, n);
    for (std::int64_t i = 0; i < n; ++i) result(i, i) = 1.0;
    return result;
}

class GraphFactorization {
public:
    GraphFactorization(Graph& graph, const FactorizeOptions& options)
        : graph_(graph), dense_(clone(graph)), options_(options), engine_(make_onednn_engine()) {
        rows_.bytes_per_layer = kRowBytes;
        rows_.threads = options.threads;
        rows_.kept_bytes = kKeptBytes;
        rows_.pooled = PooledRows::Parts;
        if (options.data) samples_ = with_more_pictures(options.data);
    }

    FactorizeOutcome run() {
        find_candidates();
        decompose_all();
        choose();
        if (options_.gate == CostGate::Measured) measure_times();
        refuse_nothing();
        if (options_.data) rewrite_with_data();
        else rewrite_without_data();
        run_pipeline("sweep", graph_, {});
        infer_types(graph_);
        if (options_.data) measure_outputs();
        return std::move(outcome_);
    }

private:
    void find_candidates() {
        for (Node* node : graph_.order()) {
            if (node->is("LSTM") || node->is("GRU") || node->is("RNN"))
                outcome_.skipped.push_back(skip(*node, "recurrent weights stay whole"));
            if (!node->is("Conv") && !node->is("Gemm") && !node->is("MatMul")) continue;
            if (!node->input(1) || !known_tensor(node->input(1))) continue;  // a product of two activations
            const Node* reference = dense_->find_value(node->output(0)->name())->producer();
            const std::optional<Layer> layer = float_layer(*node, *reference);
            const std::string reason = refusal(*node, layer, options_);
            if (!reason.empty()) {
                outcome_.skipped.push_back(skip(*node, reason));
                continue;
            }
            candidates_.push_back({*layer, bias_use(*node), positions_of(*layer), nullptr, 1.0, std::nullopt, std::nullopt});
        }
    }

    LayerAlgebra algebra_of(const Candidate& candidate, Matrix gram, Matrix judged_by) const {
        const Layer& layer = candidate.layer;
        LayerAlgebra algebra{matrix_of(weight_matrix(layer, float_weight(layer)), layer.outputs, layer.inputs), std::move(gram),
                             layer.inputs, 1, 1};
        const Shape& shape = float_weight(layer).shape();
        const bool has_windows = layer.inputs <= kMostWindowInputs && why_not_in_form(*layer.reference, FactorForm::Tucker).empty();
        if (has_windows) algebra.channels = shape[1], algebra.height = shape[2], algebra.width = shape[3];
        algebra.judged_by = std::move(judged_by);
        return algebra;
    }

    Matrix gram_of(const Candidate& candidate, const LayerRows& rows) const {
        const std::int64_t n = candidate.layer.inputs;
        Matrix gram(n, n);
        linalg_gram(rows, gram);
        if (candidate.bias == BiasUse::None) return gram;
        std::vector<double> mean(static_cast<std::size_t>(n), 0.0);
        for (std::size_t i = 0; i < rows.values.size(); ++i) mean[i % mean.size()] += static_cast<double>(rows.values[i]);
        for (double& value : mean) value /= static_cast<double>(std::max<std::int64_t>(1, rows.count));
        for (std::int64_t a = 0; a < n; ++a)
            for (std::int64_t b = 0; b < n; ++b) gram(a, b) -= mean[static_cast<std::size_t>(a)] * mean[static_cast<std::size_t>(b)];
        return gram;
    }

    static void linalg_gram(const LayerRows& rows, Matrix& gram);

    std::vector<Layer> candidate_layers() const {
        std::vector<Layer> layers;
        for (const Candidate& candidate : candidates_) layers.push_back(candidate.layer);
        return layers;
    }

    void decompose_all() {
        std::optional<GraphPrefix> prefix;
        std::optional<Trial> trial;
        const SampleSplit split = options_.data ? split_samples(options_.data) : SampleSplit{};
        if (options_.data) {
            prefix.emplace(*engine_, *dense_, candidate_layers(), *samples_, rows_);
            trial.emplace(*engine_, *dense_, *split.held_out, options_.threads);
        }
        for (std::size_t first = 0; first < candidates_.size(); first += kLayersAtOnce) {
            const std::size_t count = std::min(kLayersAtOnce, candidates_.size() - first);
            std::vector<SplitRows> rows;
            for (std::size_t at = 0; prefix && at < count; ++at) rows.push_back(prefix->rows_of(first + at));
            parallel_for(count, options_.threads, [&](int, std::size_t at) {
                Candidate& candidate = candidates_[first + at];
                Matrix gram = rows.empty() ? unit_matrix(candidate.layer.inputs) : gram_of(candidate, rows[at].fit);
                Matrix judged_by = rows.empty() ? Matrix() : gram_of(candidate, rows[at].held_out);
                candidate.forms = std::make_unique<LowRankForms>(algebra_of(candidate, std::move(gram), std::move(judged_by)), kStep);
            });
            for (std::size_t at = 0; at < rows.size(); ++at) measure_gain(candidates_[first + at], rows[at], *trial);
            if (options_.progress) options_.progress(first + count, 2 * candidates_.size());
        }
    }

    /// What the layer's error becomes at the outputs, when this layer alone is written in the factors that make its own error nearest to kGainError.
    void measure_gain(Candidate& candidate, const SplitRows& rows, const Trial& trial) const {
        const LowRankForm* nearest = nullptr;
        const auto distance = [](const LowRankForm& form) { return std::abs(std::log(std::max(form.judged_error, 1e-9) / kGainError)); };
        for (const LowRankForm& form : candidate.forms->forms())
            if (!nearest || distance(form) < distance(*nearest)) nearest = &form;
        if (!nearest) return;
        const LayerAlgebra& algebra = candidate.forms->layer();
        const std::vector<Matrix> factors = candidate.forms->factors(*nearest);
        const Matrix front = front_map(algebra, nearest->form, factors);
        const LastFactor last = with_bias(factors.back(), algebra.weight, front, rows.fit, rows.fit, candidate.bias);
        const double own = error_of(last, algebra.weight, front, rows.held_out, rows.held_out, candidate.bias);
        const std::unique_ptr<Graph> changed = clone(*dense_);
        Layer layer = candidate.layer;
        layer.node = changed->find_value(layer.node->output(0)->name())->producer();
        put_constant(layer.node, 1, weight_tensor(layer, floats_of(product(last.factor, front)), float_weight(layer).shape()),
                     layer.node->output(0)->name() + "_thinner");
        if (!last.shift.empty()) shift_bias(layer, last.shift);
        const double noise = trial.measure(*changed).relative_noise();
        if (own > 1e-12 && std::isfinite(noise)) candidate.gain = noise / own;
        log_debug("factorize {}: error {:.4f} becomes {:.4f} at the outputs", candidate.layer.node->display_name(), own, noise);
    }

    void choose() {
        std::vector<LayerForms> layers;
        for (const Candidate& candidate : candidates_) {
            LayerForms layer{dense_cost(candidate.forms->layer(), candidate.positions).macs, {}};
            const auto& forms = candidate.forms->forms();
            for (std::size_t at = 0; at < forms.size(); ++at) {
                if (!why_not_in_form(*candidate.layer.reference, forms[at].form).empty()) continue;
                const double gain = options_.energy ? 1.0 : candidate.gain;
                layer.forms.push_back({at, cost_of(candidate.forms->layer(), candidate.positions, forms[at]).macs,
                                       gain * std::max(0.0, forms[at].judged_error)});
            }
            outcome_.macs_before += static_cast<std::int64_t>(layer.cost);
            layers.push_back(std::move(layer));
        }
        const auto chosen = options_.energy ? choose_by_error(layers, 1.0 - *options_.energy) : choose_by_cost(layers, *options_.ratio);
        for (std::size_t at = 0; at < candidates_.size(); ++at) {
            if (chosen[at]) candidates_[at].chosen = candidates_[at].forms->forms()[*chosen[at]];
            else
                outcome_.skipped.push_back(skip(*candidates_[at].layer.node, options_.energy
                                                                                 ? "no rank that keeps the energy saves MACs"
                                                                                 : "its MACs are better spent than those of others"));
        }
        outcome_.macs_after = outcome_.macs_before;
    }

    /// What a layer reads in the first sample; of known shapes without data; an undefined tensor where neither tells.
    std::vector<Tensor> layer_inputs() const {
        std::vector<Tensor> inputs(candidates_.size());
        std::map<const Value*, Tensor> seen;
        if (options_.data) {
            CompileOptions compile;
            const std::vector<Tensor> sample = bind_inputs(*dense_, options_.data->sample(0));
            compile.input_shapes = shapes_given(*dense_, sample);
            for (const Candidate& candidate : candidates_) compile.tapped.push_back(candidate.layer.float_input());
            const auto plan = engine_->compile(*dense_, compile);
            plan->run(sample, [&](const Value& value, const Tensor& tensor) { seen[&value] = tensor; });
        }
        for (std::size_t at = 0; at < candidates_.size(); ++at) {
            const Value* value = candidates_[at].layer.float_input();
            if (const auto found = seen.find(value); found != seen.end()) inputs[at] = found->second;
            else if (const auto shape = value->type().shape(); shape && !options_.data) inputs[at] = Tensor(DType::Float32, *shape);
        }
        return inputs;
    }

    void measure_times() {
        const std::vector<Tensor> inputs = layer_inputs();
        for (std::size_t at = 0; at < candidates_.size(); ++at) {
            Candidate& candidate = candidates_[at];
            if (!candidate.chosen || !inputs[at].defined()) continue;
            const std::vector<FactorMatrix> factors = factor_matrices(candidate.forms->factors(*candidate.chosen));
            candidate.time_ratio =
                mcompress::time_ratio(*engine_, *dense_, candidate.layer, candidate.chosen->form, factors, inputs[at], options_.threads);
            if (*candidate.time_ratio < 1.0) continue;
            outcome_.skipped.push_back(
                skip(*candidate.layer.node, format("in factors it takes {:.2f} of its time, on this machine", *candidate.time_ratio)));
            candidate.chosen.reset();
        }
    }

    void refuse_nothing() const {
        if (std::any_of(candidates_.begin(), candidates_.end(), [](const Candidate& each) { return each.chosen.has_value(); })) return;
        throw Error(
            codes::kUsage,
            format("no layer is worth factorizing{}",
                   outcome_.skipped.empty() ? "" : format(": '{}' stays, since {}", outcome_.skipped[0].node, outcome_.skipped[0].reason)),
            "a lower --energy or --ratio allows more error");
    }

    FactorizedLayer describe(const Candidate& candidate) {
        FactorizedLayer about;
        const FormCost before = dense_cost(candidate.forms->layer(), candidate.positions);
        const FormCost after = cost_of(candidate.forms->layer(), candidate.positions, *candidate.chosen);
        about.node = candidate.layer.node->display_name();
        about.op = candidate.layer.node->op_type();
        about.form = form_name(candidate.chosen->form);
        about.rank = candidate.chosen->rank;
        about.inner_rank = candidate.chosen->inner_rank;
        about.parameters_before = before.parameters;
        about.parameters_after = after.parameters;
        about.macs_before = static_cast<std::int64_t>(before.macs);
        about.macs_after = static_cast<std::int64_t>(after.macs);
        about.predicted_error = candidate.chosen->error;
        about.time_ratio = candidate.time_ratio;
        outcome_.macs_after -= about.macs_before - about.macs_after;
        return about;
    }

    void rewrite_without_data() {
        for (const Candidate& candidate : candidates_) {
            if (!candidate.chosen) continue;
            outcome_.layers.push_back(describe(candidate));
            write_factors(candidate.layer.node, candidate.chosen->form, factor_matrices(candidate.forms->factors(*candidate.chosen)));
        }
    }

    void rewrite_with_data() {
        const std::vector<Layer> layers = candidate_layers();
        RowOptions rows = rows_;
        rows.residual = ResidualRows::With;
        GraphPrefix dense(*engine_, *dense_, layers, *samples_, rows), prefix(*engine_, graph_, layers, *samples_, rows);
        for (std::size_t at = 0; at < candidates_.size(); ++at) {
            const SplitRows exact = dense.rows_of(at);
            if (candidates_[at].chosen) rewrite_layer(candidates_[at], exact, prefix.rows_of(at));
            else refit_whole(candidates_[at], exact, prefix.rows_of(at));
            if (options_.progress) options_.progress(candidates_.size() + at + 1, 2 * candidates_.size());
        }
    }

    void rewrite_layer(const Candidate& candidate, const SplitRows& exact, const SplitRows& compressed) {
        FactorizedLayer about = describe(candidate);
        const LayerAlgebra& algebra = candidate.forms->layer();
        const Matrix& weight = algebra.weight;
        std::vector<Matrix> factors = candidate.forms->factors(*candidate.chosen);
        const Matrix front = front_map(algebra, candidate.chosen->form, factors);
        const BiasUse bias = candidate.bias;
        const LastFactor planned = with_bias(factors.back(), weight, front, exact.fit, exact.fit, bias);
        about.measured_error = error_of(planned, weight, front, exact.held_out, exact.held_out, bias);
        LastFactor best = with_bias(factors.back(), weight, front, exact.fit, compressed.fit, bias);
        about.final_error = error_of(best, weight, front, exact.held_out, compressed.held_out, bias);
        about.is_refitted = fit_better(weight, front, exact, compressed, bias, best, *about.final_error);
        factors.back() = best.factor;
        write_factors(candidate.layer.node, candidate.chosen->form, factor_matrices(factors));
        if (!best.shift.empty()) shift_bias(candidate.layer, best.shift);
        outcome_.layers.push_back(std::move(about));
    }

    /// A layer that is not factorized makes up for those before it that are.
    void refit_whole(const Candidate& candidate, const SplitRows& exact, const SplitRows& compressed) {
        const Matrix& weight = candidate.forms->layer().weight;
        const Matrix front = unit_matrix(weight.columns);
        LastFactor best{weight, {}};
        const double before = error_of(best, weight, front, exact.held_out, compressed.held_out, candidate.bias);
        double error = before;
        if (!(before > kNoError) || !fit_better(weight, front, exact, compressed, candidate.bias, best, error)) return;
        const Layer& layer = candidate.layer;
        put_constant(layer.node, 1, weight_tensor(layer, floats_of(best.factor), float_weight(layer).shape()),
                     layer.node->output(0)->name() + "_fitted");
        if (!best.shift.empty()) shift_bias(layer, best.shift);
        const std::string name = layer.node->display_name();
        for (Skip& skipped : outcome_.skipped)
            if (skipped.node == name) skipped.reason += "; fitted to what those before it give";
        log_debug("factorize: {} stays whole, error {:.4f} -> {:.4f}", name, before, error);
    }

    static void shift_bias(const Layer& layer, std::span<const double> shift) {
        std::vector<float> bias = float_bias(layer);
        for (std::size_t at = 0; at < bias.size(); ++at) bias[at] = static_cast<float>(static_cast<double>(bias[at]) + shift[at]);
        const Shape shape{static_cast<std::int64_t>(bias.size())};
        if (layer.node->input_count() <= layer.bias_input) layer.node->graph().resize_inputs(layer.node, layer.bias_input + 1);
        put_constant(layer.node, layer.bias_input, Tensor::from_values(shape, bias), layer.node->output(0)->name() + "_bias");
    }

    void measure_outputs() {
        const SampleSplit split = split_samples(options_.data);
        FidelityOptions fidelity;
        fidelity.threads = options_.threads;
        const FidelityResult result = measure_fidelity(*engine_, *dense_, graph_, *split.held_out, fidelity);
        double worst = std::numeric_limits<double>::infinity();
        for (const OutputFidelity& output : result.outputs) worst = std::min(worst, output.measure.sqnr_db());
        outcome_.output_sqnr_db = worst;
        if (result.classification) outcome_.agreement = result.classification->agreement();
    }

    Graph& graph_;
    std::unique_ptr<Graph> dense_;
    const FactorizeOptions& options_;
    std::unique_ptr<Engine> engine_;
    RowOptions rows_;
    std::shared_ptr<const Dataset> samples_;  // and pictures made of them
    std::vector<Candidate> candidates_;
    FactorizeOutcome outcome_;
};

void GraphFactorization::linalg_gram(const LayerRows& rows, Matrix& gram) {
    linalg::accumulate_gram(rows.values, rows.count, gram.rows, gram.values);
    for (double& value : gram.values) value /= static_cast<double>(std::max<std::int64_t>(1, rows.count));
}

}  // namespace

FactorizeOutcome factorize_graph(Graph& graph, const FactorizeOptions& options) {
    MCOMPRESS_CHECK(options.energy.has_value() != options.ratio.has_value());
    return GraphFactorization(graph, options).run();
}

}  // namespace mcompress
