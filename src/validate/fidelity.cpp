#include "validate/fidelity.h"

#include <atomic>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

void check_outputs_match(const Graph& reference, const Graph& candidate) {
    if (reference.outputs().size() != candidate.outputs().size())
        throw Error(codes::kDataMismatch,
                    format("the reference has {} outputs, the candidate {}", reference.outputs().size(), candidate.outputs().size()),
                    "compare models of the same network");
}

FidelityResult combine(const Graph& graph, const std::vector<OutputErrors>& results) {
    OutputErrors sum;
    sum.outputs.resize(graph.outputs().size());
    for (const OutputErrors& result : results) sum.add(result);
    FidelityResult total;
    total.samples = results.size();
    for (std::size_t at = 0; at < sum.outputs.size(); ++at)
        if (sum.outputs[at].count > 0 || sum.outputs[at].not_finite > 0)
            total.outputs.push_back({graph.outputs()[at]->name(), sum.outputs[at]});
    if (sum.classifies && !results.empty()) total.classification = sum.classification;
    return total;
}

}  // namespace

FidelityResult measure_fidelity(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                const FidelityOptions& options) {
    ReferenceOutputs outputs(engine, reference, 0);
    return measure_fidelity(engine, outputs, candidate, data, options);
}

FidelityResult measure_fidelity(const Engine& engine, ReferenceOutputs& reference, const Graph& candidate, const Dataset& data,
                                const FidelityOptions& options) {
    check_outputs_match(reference.graph(), candidate);
    if (data.size() == 0) throw Error(codes::kDataEmpty, "there is no sample to validate with", "pass --data with at least one sample");
    const std::size_t each = options.labels.empty() ? 0 : options.labels_per_sample;
    if (options.labels.size() != data.size() * each)
        throw Error(codes::kLabelsMismatch, format("{} labels for {} samples", options.labels.size(), data.size()),
                    "each sample needs one label");
    PlanCache candidate_plans(engine, candidate, {.threads = 1, .compute = options.candidate_compute});
    std::vector<OutputErrors> results(data.size());
    std::atomic<std::size_t> done{0};
    parallel_for(data.size(), options.threads, [&](int, std::size_t index) {
        const Sample sample = data.sample(index);
        with_context([&] { return format("sample {}", data.sample_name(index)); },
                     [&] {
                         const auto expected = reference.of(index, sample);
                         const auto inputs = bind_inputs(candidate, sample);
                         results[index] = compare_outputs(reference.graph(), expected, candidate_plans.plan_for(inputs)->run(inputs),
                                                          options.labels.subspan(index * each, each));
                     });
        if (options.progress) options.progress(++done, data.size());
    });
    FidelityResult total = combine(reference.graph(), results);
    if (!options.labels.empty() && !total.classification)
        throw Error(codes::kLabelsMismatch, "labels were given, but the first output is not [samples, classes]", "leave --labels out");
    return total;
}

}  // namespace mcompress
