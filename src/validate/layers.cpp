#include <algorithm>
#include <optional>
#include <unordered_map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "quant/scheme.h"
#include "support/error.h"
#include "support/parallel.h"
#include "validate/channel_gains.h"
#include "validate/fidelity.h"

namespace mcompress {

namespace {

// A dequantized value is named after the float value it stands for, plus a suffix ("conv_out_dq"); cutting at underscores finds it.
const Value* find_original(const Graph& reference, std::string_view name) {
    for (std::size_t cut = name.rfind('_'); cut != std::string_view::npos && cut > 0; cut = name.rfind('_')) {
        name = name.substr(0, cut);
        const Value* value = reference.find_value(name);
        if (value && !value->is_constant()) return value;
    }
    return nullptr;
}

/// Runs both models on the first `samples` samples and shows pairs of values.
class PairRuns {
public:
    PairRuns(const Engine& engine, const Graph& reference, const Graph& candidate, std::span<const LayerPair> pairs, ComputeType compute)
        : reference_(reference), candidate_(candidate), pairs_(pairs.size()) {
        CompileOptions options_of_reference{.threads = 1}, options_of_candidate{.threads = 1, .compute = compute};
        for (std::size_t at = 0; at < pairs.size(); ++at) {
            if (slots_of_reference_[pairs[at].reference].empty()) options_of_reference.tapped.push_back(pairs[at].reference);
            slots_of_reference_[pairs[at].reference].push_back(at);
            slots_of_candidate_[pairs[at].candidate].push_back(at);
            options_of_candidate.tapped.push_back(pairs[at].candidate);
        }
        plans_of_reference_.emplace(engine, reference, options_of_reference);
        plans_of_candidate_.emplace(engine, candidate, options_of_candidate);
    }

    /// show(sample, pair, reference, candidate): tensors of equal shapes; samples in any order and at the same time.
    template <typename Show> void run(const Dataset& data, std::size_t samples, int threads, const Show& show) {
        parallel_for(samples, threads, [&](int, std::size_t index) {
            const Sample sample = data.sample(index);
            const auto a = bind_inputs(reference_, sample);
            const auto b = bind_inputs(candidate_, sample);
            std::vector<Tensor> expected(pairs_);
            plans_of_reference_->plan_for(a)->run(a, [&](const Value& value, const Tensor& tensor) {
                for (const std::size_t slot : slots_of_reference_.at(&value)) expected[slot] = tensor;
            });
            plans_of_candidate_->plan_for(b)->run(b, [&](const Value& value, const Tensor& tensor) {
                for (const std::size_t slot : slots_of_candidate_.at(&value))
                    if (expected[slot].defined() && expected[slot].shape() == tensor.shape()) show(index, slot, expected[slot], tensor);
            });
        });
    }

private:
    const Graph& reference_;
    const Graph& candidate_;
    std::size_t pairs_;
    std::unordered_map<const Value*, std::vector<std::size_t>> slots_of_reference_;
    std::unordered_map<const Value*, std::vector<std::size_t>> slots_of_candidate_;
    std::optional<PlanCache> plans_of_reference_;
    std::optional<PlanCache> plans_of_candidate_;
};

/// Of the pairs that were rescaled; empty when none was.
std::vector<ChannelGains> measure_gains(PairRuns& runs, std::span<const LayerPair> pairs, const Dataset& data, std::size_t samples,
                                        int threads) {
    if (std::none_of(pairs.begin(), pairs.end(), [](const LayerPair& pair) { return pair.rescaled; })) return {};
    std::vector<std::vector<ChannelGains>> measured(samples, std::vector<ChannelGains>(pairs.size()));
    runs.run(data, samples, threads, [&](std::size_t sample, std::size_t pair, const Tensor& expected, const Tensor& found) {
        if (pairs[pair].rescaled) measured[sample][pair].add(found.shape(), to_floats(expected), to_floats(found));
    });
    std::vector<ChannelGains> gains(pairs.size());
    for (const auto& sample : measured)
        for (std::size_t pair = 0; pair < pairs.size(); ++pair) gains[pair].add(sample[pair]);
    return gains;
}

}  // namespace

std::vector<LayerPair> match_layers(const Graph& reference, const Graph& candidate) {
    std::vector<LayerPair> pairs;
    for (const Node* node : candidate.order()) {
        if (node->op_type() != "DequantizeLinear" || node->input_count() == 0 || !node->input(0)) continue;
        const Node* quantize = node->input(0)->producer();
        if (!quantize || quantize->op_type() != "QuantizeLinear" || !quantize->input(0)) continue;
        const std::string_view name = node->output(0)->name();
        const Value* original = find_original(reference, name);
        if (!original) continue;
        const bool rescaled = name.substr(original->name().size()).starts_with(kRescaledSuffix);
        pairs.push_back({original, node->output(0), original->producer() ? original->producer()->op_type() : "input", rescaled});
    }
    return pairs;
}

std::vector<LayerFidelity> measure_layers(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                          std::size_t samples, int threads, ComputeType candidate_compute) {
    const std::vector<LayerPair> pairs = match_layers(reference, candidate);
    const std::size_t count = std::min(samples, data.size());
    PairRuns runs(engine, reference, candidate, pairs, candidate_compute);
    const std::vector<ChannelGains> gains = measure_gains(runs, pairs, data, count, threads);
    std::vector<std::vector<ErrorMeasure>> measures(count, std::vector<ErrorMeasure>(pairs.size()));
    runs.run(data, count, threads, [&](std::size_t sample, std::size_t pair, const Tensor& expected, const Tensor& found) {
        std::vector<float> numbers = to_floats(found);
        if (pairs[pair].rescaled) gains[pair].apply(found.shape(), numbers);
        measures[sample][pair].add(to_floats(expected), numbers);
    });
    std::vector<LayerFidelity> layers;
    for (std::size_t at = 0; at < pairs.size(); ++at) {
        LayerFidelity layer{pairs[at].reference->name(), pairs[at].op, pairs[at].rescaled, {}};
        for (const auto& sample : measures) layer.measure.add(sample[at]);
        layers.push_back(std::move(layer));
    }
    return layers;
}

}  // namespace mcompress
