#include "passes/equivalence.h"

#include <algorithm>
#include <cmath>

#include "engine/reference/kernel.h"
#include "support/error.h"
#include "tensor/compare.h"

namespace mcompress::testing {

InputsByName by_name(const Graph& graph, std::span<const Tensor> inputs) {
    InputsByName named;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) named[graph.inputs()[at]->name()] = inputs[at];
    return named;
}

std::vector<Tensor> run_reference(const Graph& graph, const InputsByName& inputs, const Tap& tap) {
    CompileOptions options;
    std::vector<Tensor> tensors;
    for (const Value* input : graph.inputs()) {
        const auto given = inputs.find(input->name());
        tensors.push_back(given == inputs.end() ? Tensor() : given->second);
        if (tensors.back().defined()) options.input_shapes[input->name()] = tensors.back().shape();
    }
    if (tap)
        for (const Node* node : graph.nodes())
            for (const Value* output : node->outputs())
                if (output) options.tapped.push_back(output);
    return make_reference_engine()->compile(graph, options)->run(tensors, tap);
}

namespace {

std::string element_difference(const Tensor& before, const Tensor& after, double tolerance) {
    if (before.dtype() == DType::String) return before.equals(after) ? "" : "strings differ";
    const std::vector<float> a = to_floats(before);
    const std::vector<float> b = to_floats(after);
    double greatest = 0.0;
    for (const float value : a)
        if (std::isfinite(value)) greatest = std::max(greatest, std::fabs(static_cast<double>(value)));
    for (std::size_t at = 0; at < a.size(); ++at) {
        if (a[at] == b[at] || (std::isnan(a[at]) && std::isnan(b[at]))) continue;
        const double error = std::fabs(static_cast<double>(a[at]) - static_cast<double>(b[at]));
        if (error <= tolerance * greatest) continue;  // false for a NaN
        return format("element {} is {} before and {} after (greatest magnitude {}, tolerance {})", at, a[at], b[at], greatest, tolerance);
    }
    return {};
}

}  // namespace

std::string difference(std::span<const Tensor> before, std::span<const Tensor> after, double tolerance) {
    if (before.size() != after.size()) return format("{} outputs before, {} after", before.size(), after.size());
    for (std::size_t at = 0; at < before.size(); ++at) {
        const Tensor& a = before[at];
        const Tensor& b = after[at];
        if (a.dtype() != b.dtype() || !(a.shape() == b.shape()))
            return format("output {} is {}{} before and {}{} after", at, dtype_name(a.dtype()), a.shape().to_string(),
                          dtype_name(b.dtype()), b.shape().to_string());
        if (const std::string text = element_difference(a, b, tolerance); !text.empty()) return format("output {}: {}", at, text);
    }
    return {};
}

Evaluator reference_evaluator() {
    return [](const Node& node, std::span<const Tensor> inputs) -> std::optional<std::vector<Tensor>> {
        try {
            return evaluate_node(node, inputs);
        } catch (const Error&) {
            return std::nullopt;
        }
    };
}

}  // namespace mcompress::testing
