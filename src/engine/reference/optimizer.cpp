// One step of an optimizer: Adagrad, Adam and Momentum of ai.onnx.preview.training.
#include <array>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/training.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Input 0 is the learning rate, input 1 the number of steps done; behind them lie groups of equally many tensors: those to optimize, their
/// gradients, their state.
struct Step {
    double rate;
    std::int64_t done;
    int count;  // tensors a group

    Step(const KernelContext& context, int groups) : done(integer(context, context.required(1))) {
        const auto given = scalar_of(context.required(0));
        if (!given) context.reject("the learning rate is no number");
        rate = *given;
        const int tensors = static_cast<int>(context.inputs.size()) - 2;
        if (tensors < groups || tensors % groups != 0 || static_cast<int>(context.outputs.size()) > (groups - 1) * (tensors / groups))
            context.reject(format("{} tensors and {} results do not make {} groups", tensors, context.outputs.size(), groups));
        count = tensors / groups;
        for (int i = 0; i < count; ++i)
            for (int g = 1; g < groups; ++g) {
                const Tensor &x = context.required(2 + i), &other = context.required(2 + g * count + i);
                if (other.shape() != x.shape() || other.dtype() != x.dtype())
                    context.reject("a tensor and its gradient or state differ in type");
            }
    }
};

/// Calls update(x, gradient, states) for every element, `states` being its references into copies of the `States` state groups, and x a
/// reference into a copy of the tensor; then hands the copies out.
template <std::size_t States, typename Update> void for_each_element(const KernelContext& context, const Step& step, Update&& update) {
    for (int i = 0; i < step.count; ++i) {
        Tensor x = context.input(2 + i);
        const Tensor& gradient = context.input(2 + step.count + i);
        std::array<Tensor, States> state;
        for (std::size_t s = 0; s < States; ++s) state[s] = context.input(2 + static_cast<int>(s + 2) * step.count + i);
        dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
            T* values = x.mutable_data<T>();
            std::array<T*, States> places;
            for (std::size_t s = 0; s < States; ++s) places[s] = state[s].template mutable_data<T>();
            for (std::int64_t at = 0; at < x.element_count(); ++at) {
                double value = static_cast<double>(values[at]);
                std::array<double, States> now;
                for (std::size_t s = 0; s < States; ++s) now[s] = static_cast<double>(places[s][at]);
                update(value, static_cast<double>(gradient.data<T>()[at]), now);
                values[at] = static_cast<T>(value);
                for (std::size_t s = 0; s < States; ++s) places[s][at] = static_cast<T>(now[s]);
            }
        });
        const auto hand_out = [&](std::size_t group, Tensor&& tensor) {
            const int index = static_cast<int>(group) * step.count + i;
            if (index < static_cast<int>(context.outputs.size())) context.set_output(index, std::move(tensor));
        };
        hand_out(0, std::move(x));
        for (std::size_t s = 0; s < States; ++s) hand_out(s + 1, std::move(state[s]));
    }
}

void adagrad(const KernelContext& context) {
    const auto a = attrs<AdagradAttrs>(context.node);
    const Step step(context, 3);
    const double rate = step.rate / (1.0 + static_cast<double>(step.done) * static_cast<double>(a.decay_factor));
    for_each_element<1>(context, step, [&](double& x, double gradient, std::array<double, 1>& squares) {
        const double slope = static_cast<double>(a.norm_coefficient) * x + gradient;
        squares[0] += slope * slope;
        x -= rate * slope / (std::sqrt(squares[0]) + static_cast<double>(a.epsilon));
    });
}

void adam(const KernelContext& context) {
    const auto a = attrs<AdamAttrs>(context.node);
    const Step step(context, 4);
    const double alpha = static_cast<double>(a.alpha), beta = static_cast<double>(a.beta), done = static_cast<double>(step.done);
    // The running means start at 0; the rate makes up for it.
    const double rate = step.done > 0 ? step.rate * std::sqrt(1.0 - std::pow(beta, done)) / (1.0 - std::pow(alpha, done)) : step.rate;
    for_each_element<2>(context, step, [&](double& x, double gradient, std::array<double, 2>& means) {
        const double slope = static_cast<double>(a.norm_coefficient) * x + gradient;
        means[0] = alpha * means[0] + (1.0 - alpha) * slope;
        means[1] = beta * means[1] + (1.0 - beta) * slope * slope;
        x -= rate * means[0] / (std::sqrt(means[1]) + static_cast<double>(a.epsilon));
        x *= 1.0 - static_cast<double>(a.norm_coefficient_post);
    });
}

void momentum(const KernelContext& context) {
    const auto a = attrs<MomentumAttrs>(context.node);
    const Step step(context, 3);
    const double alpha = static_cast<double>(a.alpha), beta = step.done > 0 ? static_cast<double>(a.beta) : 1.0;
    for_each_element<1>(context, step, [&](double& x, double gradient, std::array<double, 1>& speed) {
        const double slope = static_cast<double>(a.norm_coefficient) * x + gradient;
        speed[0] = alpha * speed[0] + beta * slope;
        x -= step.rate * (a.mode == MomentumAttrs::Mode::Nesterov ? slope + alpha * speed[0] : speed[0]);
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"ai.onnx.preview.training", "Adagrad", adagrad},
    {"ai.onnx.preview.training", "Adam", adam},
    {"ai.onnx.preview.training", "Momentum", momentum},
};
// clang-format on

}  // namespace

std::span<const KernelRow> optimizer_kernels() { return kRows; }

}  // namespace mcompress::reference
