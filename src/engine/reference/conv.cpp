// Conv, ConvInteger and QLinearConv.
#include <algorithm>
#include <vector>

#include "engine/reference/codes.h"
#include "engine/reference/convolve.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/conv.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

struct Prepared {
    ConvSizes sizes;
    SlidingWindow window;  // as the attributes say
    SlidingWindow flat;    // to compute with
};

Prepared prepare(const KernelContext& context, const Tensor& x, const Tensor& w) {
    const auto a = attrs<ConvAttrs>(context.node);
    Prepared p;
    p.window = make_window(context, x.shape(), a.geometry(x.shape(), w.shape()));
    p.flat = flattened(p.window);
    p.sizes = {x.shape()[0], x.shape()[1], w.shape()[0], a.group};
    return p;
}

/// Calls finish(channel, output offset, sums) for every output plane; `w_zero(channel)` is the weight's zero point.
template <typename X, typename W, typename Acc, typename ZeroOf, typename Finish>
void convolve(const KernelContext& context, const Prepared& p, const X* x, Acc x_zero, const W* w, ZeroOf w_zero, Finish finish) {
    const SlidingWindow& window = p.flat;
    const std::int64_t inputs = p.sizes.group_inputs(), planes = p.sizes.batch * p.sizes.out_channels;
    if (window.out_size() == 0) return;
    const double work =
        static_cast<double>(planes) * static_cast<double>(window.out_size()) * static_cast<double>(inputs * window.kernel_size());
    parallel_for(static_cast<std::size_t>(planes), work > kWorthThreads ? context.threads : 1, [&](int, std::size_t index) {
        const auto plane = static_cast<std::int64_t>(index);
        const std::int64_t sample = plane / p.sizes.out_channels, channel = plane % p.sizes.out_channels;
        const std::int64_t first = sample * p.sizes.in_channels + channel / p.sizes.group_outputs() * inputs;
        std::vector<Acc> sums(static_cast<std::size_t>(window.out_size()), Acc{});
        for (std::int64_t c = 0; c < inputs; ++c)
            add_channel(window, x + (first + c) * window.in_size(), x_zero, w + (channel * inputs + c) * window.kernel_size(),
                        w_zero(channel), sums.data());
        finish(channel, plane * window.out_size(), sums);
    });
}

void check_bias(const KernelContext& context, int index, std::int64_t channels, DType dtype) {
    if (context.has_input(index) && context.input(index).dtype() != dtype) context.reject_dtype(context.input(index).dtype());
    if (context.has_input(index) && context.input(index).element_count() != channels)
        context.reject(format("the bias has {} elements, {} expected", context.input(index).element_count(), channels));
}

void conv(const KernelContext& context) {
    const Tensor &x = context.required(0), &w = context.required(1), &b = context.input(2);
    if (w.dtype() != x.dtype()) context.reject_dtype(w.dtype());
    const Prepared p = prepare(context, x, w);
    check_bias(context, 2, p.sizes.out_channels, x.dtype());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), p.window.output_shape(p.sizes.batch, p.sizes.out_channels)).mutable_data<T>();
        const T* bias = b.defined() ? b.data<T>() : nullptr;
        convolve<T, T, double>(
            context, p, x.data<T>(), 0.0, w.data<T>(), [](std::int64_t) { return 0.0; },
            [&](std::int64_t channel, std::int64_t offset, const std::vector<double>& sums) {
                const double start = bias ? static_cast<double>(bias[channel]) : 0.0;
                for (std::size_t i = 0; i < sums.size(); ++i) to[static_cast<std::size_t>(offset) + i] = static_cast<T>(sums[i] + start);
            });
    });
}

using Bytes = TypeList<std::uint8_t, std::int8_t>;

/// Sums of products wrap around like the int32 they are stored as.
using Sum = std::uint32_t;

/// A zero point or scale per tensor or per channel, read by channel.
template <typename T> struct PerChannel {
    std::vector<T> values;
    T operator()(std::int64_t channel) const { return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(channel)]; }
};

PerChannel<Sum> zero_points(const KernelContext& context, int index, std::int64_t channels) {
    PerChannel<Sum> result{{0}};
    const Tensor& tensor = context.input(index);
    if (!tensor.defined()) return result;
    if (tensor.element_count() != 1 && tensor.element_count() != channels) context.reject(format("input {} fits no channel count", index));
    dispatch(Bytes{}, context, tensor.dtype(), [&]<typename T>() {
        result.values.clear();
        for (const T value : tensor.values<T>()) result.values.push_back(static_cast<Sum>(value));
    });
    return result;
}

PerChannel<float> scales(const KernelContext& context, int index, std::int64_t channels) {
    const Tensor& tensor = context.required(index);
    if (tensor.dtype() != DType::Float32) context.reject_dtype(tensor.dtype());
    if (tensor.element_count() != 1 && tensor.element_count() != channels) context.reject(format("input {} fits no channel count", index));
    return {{tensor.values<float>().begin(), tensor.values<float>().end()}};
}

void conv_integer(const KernelContext& context) {
    const Tensor &x = context.required(0), &w = context.required(1);
    const Prepared p = prepare(context, x, w);
    const auto x_zero = zero_points(context, 2, 1);
    const auto w_zero = zero_points(context, 3, p.sizes.out_channels);
    auto* to =
        context.make_output(0, DType::Int32, p.window.output_shape(p.sizes.batch, p.sizes.out_channels)).mutable_data<std::int32_t>();
    dispatch(Bytes{}, context, x.dtype(), [&]<typename X>() {
        dispatch(Bytes{}, context, w.dtype(), [&]<typename W>() {
            convolve<X, W, Sum>(context, p, x.data<X>(), x_zero(0), w.data<W>(), w_zero,
                                [&](std::int64_t, std::int64_t offset, const std::vector<Sum>& sums) {
                                    std::transform(sums.begin(), sums.end(), to + offset,
                                                   [](Sum sum) { return static_cast<std::int32_t>(sum); });
                                });
        });
    });
}

/// Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B (int32, scale x_scale·w_scale).
void qlinear_conv(const KernelContext& context) {
    const Tensor &x = context.required(0), &w = context.required(3), &b = context.input(8);
    const Prepared p = prepare(context, x, w);
    const std::int64_t channels = p.sizes.out_channels;
    check_bias(context, 8, channels, DType::Int32);
    const auto x_zero = zero_points(context, 2, 1), w_zero = zero_points(context, 5, channels), y_zero = zero_points(context, 7, 1);
    const auto x_scale = scales(context, 1, 1), w_scale = scales(context, 4, channels), y_scale = scales(context, 6, 1);
    const DType out = context.required(7).dtype();
    std::byte* to = context.make_output(0, out, p.window.output_shape(p.sizes.batch, channels)).mutable_bytes();
    const std::int32_t* bias = b.defined() ? b.data<std::int32_t>() : nullptr;
    dispatch(Bytes{}, context, x.dtype(), [&]<typename X>() {
        dispatch(Bytes{}, context, w.dtype(), [&]<typename W>() {
            convolve<X, W, Sum>(context, p, x.data<X>(), x_zero(0), w.data<W>(), w_zero,
                                [&](std::int64_t channel, std::int64_t offset, const std::vector<Sum>& sums) {
                                    const float factor = x_scale(0) * w_scale(channel) / y_scale(0);
                                    for (std::size_t i = 0; i < sums.size(); ++i) {
                                        const std::int64_t sum =
                                            std::int64_t{static_cast<std::int32_t>(sums[i])} + (bias ? bias[channel] : 0);
                                        to[static_cast<std::size_t>(offset) + i] = static_cast<std::byte>(
                                            requantized_sum(sum, factor, static_cast<std::int32_t>(y_zero(0)), integer_range(out)));
                                    }
                                });
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Conv", widened<conv>},
    {"", "ConvInteger", conv_integer},
    {"", "QLinearConv", qlinear_conv},
};
// clang-format on

}  // namespace

std::span<const KernelRow> conv_kernels() { return kRows; }

}  // namespace mcompress::reference
