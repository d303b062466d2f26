// com.microsoft: pooling and convolution on 8-bit codes, channels first or last; QuantizeLinear and DequantizeLinear.
#include <algorithm>
#include <cmath>

#include "engine/reference/codes.h"
#include "engine/reference/convolve.h"
#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/microsoft.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

/// Runs kernel(context with input 0 channels first) and turns output 0 back.
template <typename Kernel> void run_channels_first(const KernelContext& context, ChannelOrder order, Kernel kernel) {
    if (order == ChannelOrder::First) return kernel(context);
    std::vector<Tensor> inputs(context.inputs.begin(), context.inputs.end());
    inputs[0] = channels_first(context, context.required(0));
    kernel(context.on(inputs, context.outputs));
    context.set_output(0, channels_last(context, context.outputs[0]));
}

void qlinear_conv(const KernelContext& context) {
    run_channels_first(context, channel_order(context.node), standard_kernel(context, "QLinearConv"));
}

void nhwc_max_pool(const KernelContext& context) { run_channels_first(context, ChannelOrder::Last, standard_kernel(context, "MaxPool")); }

/// Positions of a window inside the input along one axis.
struct Inside {
    std::int64_t begin, end;
    Inside(const SlidingWindow& window, std::size_t axis, std::int64_t output) {
        const std::int64_t start = window.position(axis, output, 0);
        begin = std::max<std::int64_t>(start, 0);
        end = std::max(begin, std::min(start + window.kernel[axis], window.in[axis]));
    }
    std::int64_t count() const { return end - begin; }
};

/// Sums run in float over dequantized elements, in the order of the window: halves after division fall as they do in ONNX Runtime.
void average_plane(const SlidingWindow& window, const float* x, bool counts_pads, DType dtype, const CodeScale& y, std::uint8_t* to) {
    for (std::int64_t od = 0; od < window.out[0]; ++od)
        for (std::int64_t oh = 0; oh < window.out[1]; ++oh)
            for (std::int64_t ow = 0; ow < window.out[2]; ++ow) {
                const Inside d(window, 0, od), h(window, 1, oh), w(window, 2, ow);
                float sum = 0.0F;
                for (std::int64_t id = d.begin; id < d.end; ++id)
                    for (std::int64_t ih = h.begin; ih < h.end; ++ih)
                        for (std::int64_t iw = w.begin; iw < w.end; ++iw) sum += x[(id * window.in[1] + ih) * window.in[2] + iw];
                const std::int64_t count = counts_pads ? window.kernel_size() : d.count() * h.count() * w.count();
                const float mean = count > 0 ? sum / static_cast<float>(count) : 0.0F;
                *to++ = saturated_byte(mean / y.scale + static_cast<float>(y.zero_point), dtype);
            }
}

void average_pool_planes(const KernelContext& context) {
    const auto a = attrs<PoolAttrs>(context.node);
    const Tensor& x = context.required(0);
    const CodeScale from = read_code_scale(context, 1, 2), to = read_code_scale(context, 3, 4);
    const SlidingWindow window = make_window(context, x.shape(), a.geometry(x.shape()));
    const std::int64_t planes = x.shape().product(0, 2);
    const std::uint8_t* codes = code_bytes(context, x);
    auto* out =
        reinterpret_cast<std::uint8_t*>(context.make_output(0, x.dtype(), window.output_shape(x.shape()[0], x.shape()[1])).mutable_bytes());
    const double work = static_cast<double>(planes) * static_cast<double>(window.out_size()) * static_cast<double>(window.kernel_size());
    parallel_for(static_cast<std::size_t>(planes), work > kWorthThreads ? context.threads : 1, [&](int, std::size_t index) {
        const auto plane = static_cast<std::int64_t>(index);
        std::vector<float> values(static_cast<std::size_t>(window.in_size()));
        const std::uint8_t* bytes = codes + plane * window.in_size();
        for (float& value : values) value = from.scale * static_cast<float>(code_of(*bytes++, x.dtype()) - from.zero_point);
        average_plane(window, values.data(), a.count_include_pad, x.dtype(), to, out + plane * window.out_size());
    });
}

void qlinear_average_pool(const KernelContext& context) { run_channels_first(context, channel_order(context.node), average_pool_planes); }

/// round(Σ(x - zero point)·scale) + zero point with scale = x scale / (y scale·count).
void global_average_planes(const KernelContext& context) {
    const Tensor& x = context.required(0);
    if (x.shape().rank() < 3) context.reject(format("an input of shape {} has no plane", x.shape().to_string()));
    const CodeScale from = read_code_scale(context, 1, 2), to = read_code_scale(context, 3, 4);
    std::vector<std::int64_t> dims(static_cast<std::size_t>(x.shape().rank()), 1);
    std::copy_n(x.shape().begin(), 2, dims.begin());
    const std::int64_t planes = x.shape().product(0, 2), size = x.shape().product(2, x.shape().rank());
    if (size == 0) context.reject("there is nothing to pool");
    const std::uint8_t* codes = code_bytes(context, x);
    auto* out = reinterpret_cast<std::uint8_t*>(context.make_output(0, x.dtype(), Shape(dims)).mutable_bytes());
    const float scale = from.scale / (to.scale * static_cast<float>(size));
    for (std::int64_t plane = 0; plane < planes; ++plane) {
        std::int64_t sum = -size * from.zero_point;
        for (std::int64_t i = 0; i < size; ++i) sum += code_of(*codes++, x.dtype());
        const float rounded = std::nearbyintf(static_cast<float>(sum) * scale);
        out[plane] = saturated_byte(rounded + static_cast<float>(to.zero_point), x.dtype());
    }
}

void qlinear_global_average_pool(const KernelContext& context) {
    run_channels_first(context, channel_order(context.node), global_average_planes);
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "DequantizeLinear", as_standard<"DequantizeLinear">},
    {kDomain, "NhwcMaxPool", nhwc_max_pool},
    {kDomain, "QLinearAveragePool", qlinear_average_pool},
    {kDomain, "QLinearConv", qlinear_conv},
    {kDomain, "QLinearGlobalAveragePool", qlinear_global_average_pool},
    {kDomain, "QuantizeLinear", as_standard<"QuantizeLinear">},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_qwindow_kernels() { return kRows; }

}  // namespace mcompress::reference
