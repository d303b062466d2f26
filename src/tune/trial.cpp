#include "tune/trial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/clone.h"
#include "passes/pipelines.h"
#include "support/parallel.h"

namespace mcompress {
namespace {

// Of inputs and outputs: limits the samples, not what is kept of them.
constexpr std::size_t kLookedAtBytes = std::size_t{64} << 20;
// Memory must not grow with the number of samples: of the fifth of a hundred that is held out all outputs are kept, of more samples what fits.
constexpr std::size_t kAlwaysKept = 20;
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

std::size_t bytes_of(const std::vector<Tensor>& tensors) {
    std::size_t bytes = 0;
    for (const Tensor& tensor : tensors) bytes += tensor.defined() ? tensor.byte_size() : 0;
    return bytes;
}

bool is_number(const Tensor& tensor) {
    return tensor.defined() && (is_float(tensor.dtype()) || is_signed_integer(tensor.dtype()) || is_unsigned_integer(tensor.dtype())) &&
           dtype_bits(tensor.dtype()) >= 8;
}

bool has_float(const std::vector<Tensor>& outputs) {
    for (const Tensor& output : outputs)
        if (output.defined() && is_float(output.dtype())) return true;
    return false;
}

void count_agreements(const Shape& shape, std::span<const float> expected, std::span<const float> found, TrialResult& result) {
    if (shape.rank() < 2 || shape[1] < 2) return;
    for (int axis = 2; axis < shape.rank(); ++axis)
        if (shape[axis] != 1) return;
    const auto classes = static_cast<std::size_t>(shape[1]);
    for (std::size_t row = 0; row + classes <= expected.size(); row += classes) {
        ++result.rows;
        result.agreements += argmax(expected.subspan(row, classes)) == argmax(found.subspan(row, classes)) ? 1 : 0;
    }
}

}  // namespace

TrialResult compare_outputs(const std::vector<Tensor>& expected, const std::vector<Tensor>& found) {
    TrialResult result;
    result.outputs.resize(expected.size());
    const bool only_floats = has_float(expected);
    for (std::size_t at = 0; at < expected.size(); ++at) {
        if (!is_number(expected[at]) || !is_number(found[at]) || (only_floats && !is_float(expected[at].dtype()))) continue;
        if (expected[at].shape() != found[at].shape()) {  // what a selection gave; as far off as can be
            result.outputs[at].not_finite = 1;
            continue;
        }
        const std::vector<float> a = to_floats(expected[at]), b = to_floats(found[at]);
        result.outputs[at].add(a, b);
        if (at == 0) count_agreements(expected[at].shape(), a, b, result);
    }
    return result;
}

void TrialResult::add(const TrialResult& other) {
    if (outputs.size() < other.outputs.size()) outputs.resize(other.outputs.size());
    for (std::size_t at = 0; at < other.outputs.size(); ++at) outputs[at].add(other.outputs[at]);
    rows += other.rows;
    agreements += other.agreements;
}

double TrialResult::relative_noise() const {
    double sum = 0.0;
    std::size_t counted = 0;
    for (const ErrorMeasure& output : outputs) {
        if (output.not_finite > 0) return std::numeric_limits<double>::infinity();
        if (output.count == 0 || (output.signal == 0.0 && output.noise == 0.0)) continue;
        sum += output.noise / std::max(output.signal, std::numeric_limits<double>::min());
        ++counted;
    }
    return counted == 0 ? 0.0 : sum / static_cast<double>(counted);
}

double TrialResult::sqnr_db() const { return -10.0 * std::log10(relative_noise()); }

std::optional<double> TrialResult::agreement() const {
    if (rows == 0) return std::nullopt;
    return static_cast<double>(agreements) / static_cast<double>(rows);
}

Trial::Trial(const Engine& engine, const Graph& reference, const Dataset& held_out, int threads)
    : engine_(engine), reference_(reference), held_out_(held_out), threads_(threads) {
    PlanCache plans(engine, reference, {.threads = 1});
    const std::vector<Tensor> first = bind_inputs(reference, held_out.sample(0));
    expected_.push_back(plans.plan_for(first)->run(first));
    const std::size_t bytes = bytes_of(expected_[0]);
    samples_ = std::clamp<std::size_t>(kLookedAtBytes / (bytes_of(first) + bytes + 1), 1, held_out.size());
    expected_.resize(std::min(samples_, std::max(kAlwaysKept, kKeptBytes / (bytes + 1))));
    parallel_for(expected_.size() - 1, threads, [&](int, std::size_t index) {
        const std::vector<Tensor> inputs = bind_inputs(reference, held_out.sample(index + 1));
        expected_[index + 1] = plans.plan_for(inputs)->run(inputs);
    });
}

TrialResult Trial::measure(const Graph& candidate) const {
    PlanCache plans(engine_, candidate, {.threads = 1}), exact_plans(engine_, reference_, {.threads = 1});
    std::vector<TrialResult> results(samples_);
    parallel_for(samples_, threads_, [&](int, std::size_t index) {
        const std::vector<Tensor> inputs = bind_inputs(candidate, held_out_.sample(index));
        const std::vector<Tensor> found = plans.plan_for(inputs)->run(inputs);
        results[index] = compare_outputs(index < expected_.size() ? expected_[index] : exact_plans.plan_for(inputs)->run(inputs), found);
    });
    TrialResult total;
    total.outputs.resize(expected_.front().size());
    for (const TrialResult& result : results) total.add(result);
    return total;
}

std::unique_ptr<Graph> quantized_copy(const Graph& graph, const QuantizationScheme& scheme, const CalibrationTable& table) {
    std::unique_ptr<Graph> copy = clone(graph);
    run_pipeline("quantize", *copy, {.evaluator = {}, .scheme = scheme, .calibration = &table});
    return copy;
}

}  // namespace mcompress
