#include "validate/outputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "support/error.h"

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

using Labels = std::span<const std::int64_t>;

/// log p of each class. Scores that are probabilities already (not negative, adding up to 1) are taken as they are.
std::vector<double> log_probabilities(std::span<const float> scores) {
    constexpr double kLeast = 1e-12;
    std::vector<double> result(scores.begin(), scores.end());
    double sum = 0.0;
    for (const double score : result) sum += score;
    if (std::abs(sum - 1.0) < 1e-3 && std::all_of(result.begin(), result.end(), [](double score) { return score >= 0.0; })) {
        for (double& score : result) score = std::log(std::max(score, kLeast));
        return result;
    }
    const double greatest = *std::max_element(result.begin(), result.end());
    double total = 0.0;
    for (const double score : result) total += std::exp(score - greatest);
    for (double& score : result) score = std::max(score - greatest - std::log(total), std::log(kLeast));
    return result;
}

/// Not negative; where a score is not finite there is nothing left to compare, which costs as much as certainty of a wrong class.
double divergence(std::span<const float> reference, std::span<const float> candidate) {
    const auto finite = [](float score) { return std::isfinite(score); };
    if (!std::all_of(candidate.begin(), candidate.end(), finite) || !std::all_of(reference.begin(), reference.end(), finite)) return 27.6;
    const std::vector<double> p = log_probabilities(reference);
    const std::vector<double> q = log_probabilities(candidate);
    double sum = 0.0;
    for (std::size_t at = 0; at < p.size(); ++at) sum += std::exp(p[at]) * (p[at] - q[at]);
    return std::max(sum, 0.0);
}

void classify(const Tensor& shape_of, std::span<const float> reference, std::span<const float> candidate, Labels labels,
              OutputErrors& result) {
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
    result.classification.has_labels = !labels.empty();
    for (std::size_t row = 0; row < rows; ++row) {
        const auto a = reference.subspan(row * classes, classes);
        const auto b = candidate.subspan(row * classes, classes);
        ++result.classification.rows;
        result.classification.agreements += argmax(a) == argmax(b) ? 1 : 0;
        result.classification.divergence += divergence(a, b);
        if (labels.empty()) continue;
        const auto index = static_cast<std::size_t>(labels[labels.size() > 1 ? row : 0]);
        const std::size_t in_a = rank_of_label(a, index);
        const std::size_t in_b = rank_of_label(b, index);
        result.classification.reference_top1 += in_a < 1 ? 1 : 0;
        result.classification.reference_top5 += in_a < 5 ? 1 : 0;
        result.classification.candidate_top1 += in_b < 1 ? 1 : 0;
        result.classification.candidate_top5 += in_b < 5 ? 1 : 0;
        result.classification.top1_changes += (in_a < 1) != (in_b < 1) ? 1 : 0;
    }
}

}  // namespace

double ClassificationResult::top1_drop_error() const {
    const double count = static_cast<double>(rows) + 2.0, changes = static_cast<double>(top1_changes) + 1.0;
    const double difference = static_cast<double>(reference_top1) - static_cast<double>(candidate_top1);
    return 100.0 * std::sqrt(std::max(0.0, changes - difference * difference / count)) / count;
}

double ClassificationResult::agreement_error() const {
    const double count = static_cast<double>(rows) + 2.0, agreed = (static_cast<double>(agreements) + 1.0) / count;
    return 100.0 * std::sqrt(agreed * (1.0 - agreed) / count);
}

void OutputErrors::add(const OutputErrors& other) {
    if (outputs.empty()) outputs.resize(other.outputs.size());
    for (std::size_t at = 0; at < std::min(outputs.size(), other.outputs.size()); ++at) outputs[at].add(other.outputs[at]);
    samples += other.samples;
    ClassificationResult& mine = classification;
    const ClassificationResult& more = other.classification;
    mine.rows += more.rows;
    mine.agreements += more.agreements;
    mine.divergence += more.divergence;
    mine.has_labels = mine.has_labels || more.has_labels;
    mine.reference_top1 += more.reference_top1;
    mine.reference_top5 += more.reference_top5;
    mine.candidate_top1 += more.candidate_top1;
    mine.candidate_top5 += more.candidate_top5;
    mine.top1_changes += more.top1_changes;
    classifies = classifies && other.classifies;
}

double OutputErrors::relative_noise() const {
    double sum = 0.0;
    std::size_t count = 0;
    for (const ErrorMeasure& measure : outputs) {
        if (measure.count == 0 && measure.not_finite == 0) continue;
        ++count;
        const double ratio = measure.noise <= 0.0 ? 0.0 : measure.signal > 0.0 ? measure.noise / measure.signal : 1.0;
        sum += measure.not_finite > 0 ? std::max(ratio, 1.0) : ratio;
    }
    return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

double OutputErrors::worst_sqnr_db() const {
    double worst = std::numeric_limits<double>::infinity();
    for (const ErrorMeasure& measure : outputs) {
        if (measure.not_finite > 0) return -std::numeric_limits<double>::infinity();
        if (measure.count > 0) worst = std::min(worst, measure.sqnr_db());
    }
    return worst;
}

OutputErrors compare_outputs(const Graph& reference_graph, std::span<const Tensor> reference, std::span<const Tensor> candidate,
                             std::span<const std::int64_t> labels) {
    OutputErrors result;
    result.samples = 1;
    result.classifies = false;
    result.outputs.resize(reference.size());
    for (std::size_t at = 0; at < reference.size(); ++at) {
        if (!is_numeric(reference[at]) || !is_numeric(candidate[at])) continue;
        if (reference[at].shape() != candidate[at].shape())
            throw Error(codes::kDataMismatch,
                        format("output '{}' has shape {} in the reference and {} in the candidate", reference_graph.outputs()[at]->name(),
                               reference[at].shape().to_string(), candidate[at].shape().to_string()),
                        "compare models of the same network");
        const std::vector<float> a = to_floats(reference[at]);
        const std::vector<float> b = to_floats(candidate[at]);
        result.outputs[at].add(a, b);
        if (at == 0) classify(reference[at], a, b, labels, result);
    }
    return result;
}

}  // namespace mcompress
