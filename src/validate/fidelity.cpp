#include "validate/fidelity.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

bool is_numeric(const Tensor& tensor) {
    return tensor.defined() && (is_float(tensor.dtype()) || is_signed_integer(tensor.dtype()) || is_unsigned_integer(tensor.dtype())) &&
           dtype_bits(tensor.dtype()) >= 8;
}

// Rows and classes of a classifier's output, or nothing when it does not look like one.
std::optional<std::pair<std::size_t, std::size_t>> rows_and_classes(const Tensor& output) {
    const Shape& shape = output.shape();
    if (!is_float(output.dtype()) || shape.rank() < 2) return std::nullopt;
    for (int axis = 2; axis < shape.rank(); ++axis)
        if (shape[axis] != 1) return std::nullopt;
    if (shape[1] < 2 || shape[0] < 1) return std::nullopt;
    return std::pair{static_cast<std::size_t>(shape[0]), static_cast<std::size_t>(shape[1])};
}

// How many classes score strictly above the label: 0 is top-1, below 5 is top-5.
std::size_t rank_of_label(std::span<const float> scores, std::size_t label) {
    return static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), [&](float score) { return score > scores[label]; }));
}

struct SampleResult {
    std::vector<ErrorMeasure> outputs;
    ClassificationResult classification;
    bool classifies = false;
};

using Labels = std::span<const std::int64_t>;

void classify(const Tensor& shape_of, std::span<const float> reference, std::span<const float> candidate, Labels labels,
              SampleResult& result) {
    const auto layout = rows_and_classes(shape_of);
    if (!layout) return;
    const auto [rows, classes] = *layout;
    for (const std::int64_t label : labels)
        if (label < 0 || static_cast<std::size_t>(label) >= classes)
            throw Error(codes::kLabelsMismatch, format("label {} is not among the model's {} classes", label, classes),
                        "check the labels file");
    if (labels.size() > 1 && labels.size() != rows)
        throw Error(codes::kLabelsMismatch, format("{} labels for the {} rows of a batch", labels.size(), rows), "leave --labels out");
    result.classifies = true;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto a = reference.subspan(row * classes, classes);
        const auto b = candidate.subspan(row * classes, classes);
        ++result.classification.rows;
        result.classification.agreements += argmax(a) == argmax(b) ? 1 : 0;
        if (labels.empty()) continue;
        const auto index = static_cast<std::size_t>(labels[labels.size() > 1 ? row : 0]);
        const std::size_t in_a = rank_of_label(a, index);
        const std::size_t in_b = rank_of_label(b, index);
        result.classification.reference_top1 += in_a < 1 ? 1 : 0;
        result.classification.reference_top5 += in_a < 5 ? 1 : 0;
        result.classification.candidate_top1 += in_b < 1 ? 1 : 0;
        result.classification.candidate_top5 += in_b < 5 ? 1 : 0;
    }
}

SampleResult compare_outputs(const Graph& graph, const std::vector<Tensor>& reference, const std::vector<Tensor>& candidate,
                             Labels labels) {
    SampleResult result;
    result.outputs.resize(reference.size());
    for (std::size_t at = 0; at < reference.size(); ++at) {
        if (!is_numeric(reference[at]) || !is_numeric(candidate[at])) continue;
        if (reference[at].shape() != candidate[at].shape())
            throw Error(codes::kDataMismatch,
                        format("output '{}' has shape {} in the reference and {} in the candidate", graph.outputs()[at]->name(),
                               reference[at].shape().to_string(), candidate[at].shape().to_string()),
                        "compare models of the same network");
        const std::vector<float> a = to_floats(reference[at]);
        const std::vector<float> b = to_floats(candidate[at]);
        result.outputs[at].add(a, b);
        if (at == 0) classify(reference[at], a, b, labels, result);
    }
    return result;
}

void check_outputs_match(const Graph& reference, const Graph& candidate) {
    if (reference.outputs().size() != candidate.outputs().size())
        throw Error(codes::kDataMismatch,
                    format("the reference has {} outputs, the candidate {}", reference.outputs().size(), candidate.outputs().size()),
                    "compare models of the same network");
}

FidelityResult combine(const Graph& graph, const std::vector<SampleResult>& results, bool has_labels) {
    FidelityResult total;
    total.samples = results.size();
    for (const Value* output : graph.outputs()) total.outputs.push_back({output->name(), {}});
    ClassificationResult classes;
    for (const SampleResult& result : results) {
        for (std::size_t at = 0; at < result.outputs.size(); ++at) total.outputs[at].measure.add(result.outputs[at]);
        classes.rows += result.classification.rows;
        classes.agreements += result.classification.agreements;
        classes.reference_top1 += result.classification.reference_top1;
        classes.reference_top5 += result.classification.reference_top5;
        classes.candidate_top1 += result.classification.candidate_top1;
        classes.candidate_top5 += result.classification.candidate_top5;
    }
    classes.has_labels = has_labels;
    const bool classifies = !results.empty() && std::all_of(results.begin(), results.end(), [](const auto& r) { return r.classifies; });
    if (classifies) total.classification = classes;
    std::erase_if(total.outputs, [](const OutputFidelity& output) { return output.measure.count == 0 && output.measure.not_finite == 0; });
    return total;
}

}  // namespace

FidelityResult measure_fidelity(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                const FidelityOptions& options) {
    check_outputs_match(reference, candidate);
    if (data.size() == 0) throw Error(codes::kDataEmpty, "there is no sample to validate with", "pass --data with at least one sample");
    const std::size_t each = options.labels.empty() ? 0 : options.labels_per_sample;
    if (options.labels.size() != data.size() * each)
        throw Error(codes::kLabelsMismatch, format("{} labels for {} samples", options.labels.size(), data.size()),
                    "each sample needs one label");
    PlanCache reference_plans(engine, reference, {.threads = 1});
    PlanCache candidate_plans(engine, candidate, {.threads = 1, .compute = options.candidate_compute});
    std::vector<SampleResult> results(data.size());
    std::atomic<std::size_t> done{0};
    parallel_for(data.size(), options.threads, [&](int, std::size_t index) {
        const Sample sample = data.sample(index);
        with_context([&] { return format("sample {}", data.sample_name(index)); },
                     [&] {
                         const auto a = bind_inputs(reference, sample);
                         const auto b = bind_inputs(candidate, sample);
                         results[index] = compare_outputs(reference, reference_plans.plan_for(a)->run(a),
                                                          candidate_plans.plan_for(b)->run(b), options.labels.subspan(index * each, each));
                     });
        if (options.progress) options.progress(++done, data.size());
    });
    FidelityResult total = combine(reference, results, !options.labels.empty());
    if (!options.labels.empty() && !total.classification)
        throw Error(codes::kLabelsMismatch, "labels were given, but the first output is not [samples, classes]", "leave --labels out");
    return total;
}

}  // namespace mcompress
