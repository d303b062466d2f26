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

constexpr std::size_t kKeptBytes = std::size_t{64} << 20;

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

Trial::Trial(const Engine& engine, const Graph& reference, const Dataset& held_out, int threads) : engine_(engine), threads_(threads) {
    PlanCache plans(engine, reference, {.threads = 1});
    const auto run = [&](std::size_t index) {
        inputs_[index] = bind_inputs(reference, held_out.sample(index));
        expected_[index] = plans.plan_for(inputs_[index])->run(inputs_[index]);
    };
    inputs_.resize(1);
    expected_.resize(1);
    run(0);
    std::size_t bytes = 1;
    for (const auto* tensors : {&inputs_[0], &expected_[0]})
        for (const Tensor& tensor : *tensors)
            if (tensor.defined()) bytes += tensor.byte_size();
    const std::size_t count = std::max<std::size_t>(1, std::min(held_out.size(), kKeptBytes / bytes));
    inputs_.resize(count);
    expected_.resize(count);
    parallel_for(count - 1, threads, [&](int, std::size_t index) { run(index + 1); });
}

TrialResult Trial::measure(const Graph& candidate) const {
    PlanCache plans(engine_, candidate, {.threads = 1});
    std::vector<TrialResult> results(inputs_.size());
    parallel_for(inputs_.size(), threads_, [&](int, std::size_t index) {
        results[index] = compare_outputs(expected_[index], plans.plan_for(inputs_[index])->run(inputs_[index]));
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
