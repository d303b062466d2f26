#include "engine/reference/recurrent_cell.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "support/error.h"

namespace mcompress::reference {

namespace {

struct ActivationRow {
    std::string_view name;
    double (*function)(double, double, double);
    bool has_alpha, has_beta;
    double alpha = 0.0, beta = 0.0;
};

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// clang-format off
constexpr ActivationRow kActivations[] = {
    {"affine", [](double x, double a, double b) { return a * x + b; }, true, true, 1.0, 0.0},
    {"elu", [](double x, double a, double) { return x < 0.0 ? a * std::expm1(x) : x; }, true, false, 1.0},
    {"hardsigmoid", [](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }, true, true, 0.2, 0.5},
    {"leakyrelu", [](double x, double a, double) { return x < 0.0 ? a * x : x; }, true, false, 0.01},
    {"relu", [](double x, double, double) { return std::max(x, 0.0); }, false, false},
    {"scaledtanh", [](double x, double a, double b) { return a * std::tanh(b * x); }, true, true, 1.0, 1.0},
    {"sigmoid", [](double x, double, double) { return sigmoid(x); }, false, false},
    {"softplus", [](double x, double, double) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, false, false},
    {"softsign", [](double x, double, double) { return x / (1.0 + std::abs(x)); }, false, false},
    {"tanh", [](double x, double, double) { return std::tanh(x); }, false, false},
    {"thresholdedrelu", [](double x, double a, double) { return x > a ? x : 0.0; }, true, false, 1.0},
};
// clang-format on

void check_count(const KernelContext& context, int index, std::int64_t expected) {
    const Tensor& tensor = context.input(index);
    if (tensor.defined() && tensor.element_count() != expected)
        context.reject(format("input {} of shape {} should have {} elements", index, tensor.shape().to_string(), expected));
    if (tensor.defined() && tensor.dtype() != context.input(0).dtype()) context.reject_dtype(tensor.dtype());
}

}  // namespace

std::vector<Activation> read_activations(const KernelContext& context, const RecurrentAttrs& a, int direction) {
    std::vector<Activation> result;
    std::size_t next_alpha = 0, next_beta = 0;
    const std::size_t per_direction = a.activations.size() / static_cast<std::size_t>(a.directions());
    for (std::size_t i = 0; i < a.activations.size(); ++i) {
        std::string name = a.activations[i];
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        const auto row =
            std::find_if(std::begin(kActivations), std::end(kActivations), [&](const ActivationRow& r) { return r.name == name; });
        if (row == std::end(kActivations)) context.reject(format("unknown activation function '{}'", a.activations[i]));
        Activation activation{row->function, row->alpha, row->beta};
        if (row->has_alpha && next_alpha < a.activation_alpha.size())
            activation.alpha = static_cast<double>(a.activation_alpha[next_alpha++]);
        if (row->has_beta && next_beta < a.activation_beta.size()) activation.beta = static_cast<double>(a.activation_beta[next_beta++]);
        if (i / per_direction == static_cast<std::size_t>(direction)) result.push_back(activation);
    }
    return result;
}

RecurrentSizes::RecurrentSizes(const KernelContext& context, const RecurrentAttrs& a, int gate_count)
    : directions(a.directions()), gates(gate_count), batch_first(a.layout == RecurrentAttrs::Layout::BatchFirst) {
    const Shape &x = context.required(0).shape(), &r = context.required(2).shape();
    if (x.rank() != 3 || r.rank() != 3) context.reject("X and R must have rank 3");
    steps = x[batch_first ? 1 : 0];
    batch = x[batch_first ? 0 : 1];
    inputs = x[2];
    hidden = r[2];
    if (a.hidden_size != 0 && a.hidden_size != hidden) context.reject(format("hidden_size is {}, R has {}", a.hidden_size, hidden));
    check_count(context, 1, directions * gates * hidden * inputs);
    check_count(context, 2, directions * gates * hidden * hidden);
    check_count(context, 3, directions * 2 * gates * hidden);
    check_count(context, 5, directions * batch * hidden);
    if (gates != 4) return;
    check_count(context, 6, directions * batch * hidden);
    check_count(context, 7, directions * 3 * hidden);
}

std::int64_t RecurrentSizes::x_row(std::int64_t step, std::int64_t entry) const {
    return (batch_first ? entry * steps + step : step * batch + entry) * inputs;
}

std::int64_t RecurrentSizes::y_row(std::int64_t step, std::int64_t direction, std::int64_t entry) const {
    if (batch_first) return ((entry * steps + step) * directions + direction) * hidden;
    return ((step * directions + direction) * batch + entry) * hidden;
}

std::int64_t RecurrentSizes::state_row(std::int64_t direction, std::int64_t entry) const {
    return (batch_first ? entry * directions + direction : direction * batch + entry) * hidden;
}

Shape RecurrentSizes::y_shape() const {
    return batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden};
}

Shape RecurrentSizes::state_shape() const { return batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden}; }

}  // namespace mcompress::reference
