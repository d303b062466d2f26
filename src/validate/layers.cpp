#include <algorithm>
#include <unordered_map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/error.h"
#include "support/parallel.h"
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

}  // namespace

std::vector<LayerPair> match_layers(const Graph& reference, const Graph& candidate) {
    std::vector<LayerPair> pairs;
    for (const Node* node : candidate.order()) {
        if (node->op_type() != "DequantizeLinear" || node->input_count() == 0 || !node->input(0)) continue;
        const Node* quantize = node->input(0)->producer();
        if (!quantize || quantize->op_type() != "QuantizeLinear" || !quantize->input(0)) continue;
        const Value* original = find_original(reference, node->output(0)->name());
        if (!original) continue;
        pairs.push_back({original, node->output(0), original->producer() ? original->producer()->op_type() : "input"});
    }
    return pairs;
}

std::vector<LayerFidelity> measure_layers(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                          std::size_t samples, int threads, ComputeType candidate_compute) {
    const std::vector<LayerPair> pairs = match_layers(reference, candidate);
    CompileOptions reference_options{.threads = 1};
    CompileOptions candidate_options{.threads = 1, .compute = candidate_compute};
    std::unordered_map<const Value*, std::vector<std::size_t>> reference_slots;
    std::unordered_map<const Value*, std::vector<std::size_t>> candidate_slots;
    for (std::size_t at = 0; at < pairs.size(); ++at) {
        if (reference_slots[pairs[at].reference].empty()) reference_options.tapped.push_back(pairs[at].reference);
        reference_slots[pairs[at].reference].push_back(at);
        candidate_slots[pairs[at].candidate].push_back(at);
        candidate_options.tapped.push_back(pairs[at].candidate);
    }
    PlanCache reference_plans(engine, reference, reference_options);
    PlanCache candidate_plans(engine, candidate, candidate_options);
    const std::size_t count = std::min(samples, data.size());
    std::vector<std::vector<ErrorMeasure>> measures(count, std::vector<ErrorMeasure>(pairs.size()));
    parallel_for(count, threads, [&](int, std::size_t index) {
        const Sample sample = data.sample(index);
        const auto a = bind_inputs(reference, sample);
        const auto b = bind_inputs(candidate, sample);
        std::vector<Tensor> expected(pairs.size());
        reference_plans.plan_for(a)->run(a, [&](const Value& value, const Tensor& tensor) {
            for (const std::size_t slot : reference_slots.at(&value)) expected[slot] = tensor;
        });
        candidate_plans.plan_for(b)->run(b, [&](const Value& value, const Tensor& tensor) {
            for (const std::size_t slot : candidate_slots.at(&value))
                if (expected[slot].defined() && expected[slot].shape() == tensor.shape())
                    measures[index][slot].add(to_floats(expected[slot]), to_floats(tensor));
        });
    });
    std::vector<LayerFidelity> layers;
    for (std::size_t at = 0; at < pairs.size(); ++at) {
        LayerFidelity layer{pairs[at].reference->name(), pairs[at].op, {}};
        for (const auto& sample : measures) layer.measure.add(sample[at]);
        layers.push_back(std::move(layer));
    }
    return layers;
}

}  // namespace mcompress
