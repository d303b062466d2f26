#include "tune/fit_layers.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/subset.h"
#include "engine/engine.h"
#include "ir/clone.h"
#include "passes/pipelines.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"
#include "support/format.h"
#include "support/log.h"
#include "support/memory.h"
#include "tune/fit_weights.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {
namespace {

// Of rows of the float graph that are held at a time, or half the weights' bytes where that is more; the more, the fewer runs of it.
constexpr std::size_t kLeastExactBytes = std::size_t{24} << 20;
// Of codes between two layers, for all samples together; with more, fewer samples are looked at.
constexpr std::size_t kPrefixBytes = std::size_t{80} << 20;
// Twenty samples tell one good quantization from another only so well, and what went before was chosen by the same ones; each layer has been judged on
// its own already, so only what is worse by more is undone.
constexpr double kUncertainDb = 1.5;

std::size_t bytes_per_layer(Effort effort) { return std::size_t{effort == Effort::Max ? 32U : 8U} << 20; }

class LayerFitting {
public:
    LayerFitting(const Graph& reference, Graph& quantized, Tuning& tuning)
        : reference_(reference),
          quantized_(quantized),
          tuning_(tuning),
          split_(split_samples(tuning.data)),
          engine_(make_onednn_engine()),
          trial_(*engine_, reference, *split_.held_out, tuning.threads) {}

    void run() {
        const std::vector<Layer> layers = find_layers(reference_, quantized_);
        if (layers.empty()) return;
        const double before = measure();
        const RowOptions options{.bytes_per_layer = bytes_per_layer(tuning_.scheme.effort), .threads = tuning_.threads};
        std::shared_ptr<const Dataset> data = tuning_.data;
        auto prefix = std::make_unique<GraphPrefix>(*engine_, quantized_, layers, *data, options);
        const std::size_t most = std::max<std::size_t>(8, kPrefixBytes / std::max<std::size_t>(1, prefix->bytes_per_sample()));
        if (most < data->size()) {
            data = take(data, most);
            prefix = std::make_unique<GraphPrefix>(*engine_, quantized_, layers, *data, options);
        }
        std::size_t weight_bytes = 0;
        for (const Layer& layer : layers) weight_bytes += float_weight(layer).byte_size();
        const std::size_t at_once = std::max<std::size_t>(1, std::max(kLeastExactBytes, weight_bytes / 2) / options.bytes_per_layer);
        StageCounter counter(tuning_.progress, "fitting layers", layers.size());
        for (std::size_t begin = 0; begin < layers.size(); begin += at_once) {
            const std::span<const Layer> some = std::span(layers).subspan(begin, std::min(at_once, layers.size() - begin));
            std::vector<SplitRows> exact = sample_exact_rows(*engine_, reference_, some, begin, *data, options);
            for (std::size_t at = 0; at < some.size(); ++at) {
                fit(some[at], exact[at], prefix->rows_of(begin + at));
                exact[at] = {};
                counter.advance();
            }
            release_free_memory();
        }
        const double after = measure();
        if (after > before - kUncertainDb) note(before, after, data->size());
        else restore(before, after);
    }

private:
    /// Output SQNR of the graph as it is, finished.
    double measure() const {
        const std::unique_ptr<Graph> copy = clone(quantized_);
        run_pipeline("quantize-finish", *copy, {.evaluator = {}, .scheme = tuning_.scheme});
        return trial_.measure(*copy).sqnr_db();
    }

    void fit(const Layer& layer, const SplitRows& exact, const SplitRows& quantized) {
        const OpRule& rule = find_op_rule(*layer.node);
        const QuantizationScheme& scheme = tuning_.scheme;
        const Shape& shape = float_weight(layer).shape();
        const std::optional<int> axis =
            scheme.weight_granularity == Granularity::PerChannel ? rule.channel_axis(*layer.node, shape) : std::nullopt;
        const std::optional<SummationOrder> order = rule.summation ? rule.summation(*layer.node, shape) : std::nullopt;
        FitOptions options{.threads = tuning_.threads, .may_correct_bias = layer.bias_input >= 0};
        if (scheme.effort == Effort::Max) options.search = CodeSearch::Descent;
        options.quantize = [&](const Tensor& weight) {
            return quantize_weight(weight, axis, order, scheme.sum_width, scheme.weight_dtype, layer.node->display_name());
        };
        if (order && scheme.sum_width == SumWidth::SixteenBitPairs) options.pairs = summed_pairs(shape, *order);
        const std::optional<FittedWeights> found = fit_weights(layer, exact, quantized, options);
        if (!found) return;
        apply(layer, *found);
        log_debug("fit {}: {}, error {:.2f} -> {:.2f} dB on {} rows", layer.node->display_name(), found->method,
                  10.0 * std::log10(found->error_before), 10.0 * std::log10(found->error_after), quantized.held_out.count);
    }

    void apply(const Layer& layer, const FittedWeights& fitted) {
        Value* codes = layer.weight->input(0);
        Value* scales = layer.weight->input(1);
        before_.push_back(
            {layer, *codes->constant(), *scales->constant(), layer.bias_input >= 0 ? layer.node->input(layer.bias_input) : nullptr});
        quantized_.set_initializer(codes, fitted.weight.codes);
        quantized_.set_initializer(scales, fitted.weight.scales);
        if (layer.bias_input >= 0) set_bias(layer, fitted.bias);
        ++methods_[fitted.method];
    }

    void set_bias(const Layer& layer, const std::vector<float>& bias) {
        const Value* old = layer.node->input(layer.bias_input);
        const std::string name = old ? old->name() : layer.node->output(0)->name() + "_bias";
        Value* made = quantized_.add_constant(name, Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size())}, bias));
        if (layer.node->input_count() <= layer.bias_input) quantized_.resize_inputs(layer.node, layer.bias_input + 1);
        quantized_.set_input(layer.node, layer.bias_input, made);
    }

    void restore(double before, double after) {
        for (const Previous& previous : before_) {
            quantized_.set_initializer(previous.layer.weight->input(0), previous.codes);
            quantized_.set_initializer(previous.layer.weight->input(1), previous.scales);
            if (previous.layer.bias_input >= 0) quantized_.set_input(previous.layer.node, previous.layer.bias_input, previous.bias);
        }
        if (!before_.empty())
            tuning_.notes.push_back({"fit", "",
                                     format("weights fitted to {} samples gave {:.2f} dB, without {:.2f} dB: left as they were",
                                            split_.fit->size(), after, before)});
        run_pipeline("sweep", quantized_, {});
    }

    void note(double before, double after, std::size_t samples) {
        run_pipeline("sweep", quantized_, {});
        std::string methods;
        for (const auto& [method, count] : methods_) methods += format("{}{} {}", methods.empty() ? "" : ", ", count, method);
        tuning_.notes.push_back({"fit", "",
                                 format("fitted to {} samples; output SQNR on {} others {:.2f} -> {:.2f} dB; layers: {}",
                                        samples - std::min(samples, trial_.samples()), trial_.samples(), before, after, methods)});
    }

    struct Previous {
        Layer layer;
        Tensor codes;
        Tensor scales;
        Value* bias;
    };

    const Graph& reference_;
    Graph& quantized_;
    Tuning& tuning_;
    SampleSplit split_;
    std::unique_ptr<Engine> engine_;
    Trial trial_;
    std::vector<Previous> before_;
    std::map<std::string_view, int> methods_;
};

}  // namespace

void fit_layers(const Graph& reference, Graph& quantized, Tuning& tuning) {
    if (tuning.scheme.effort == Effort::Fast) return;
    LayerFitting(reference, quantized, tuning).run();
}

}  // namespace mcompress
