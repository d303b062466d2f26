// ConvTranspose: every input element adds its weights to a window of the output.
#include <vector>

#include "engine/reference/convolve.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/conv.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

/// One input plane through one kernel, added to `sums`, an output plane. The window describes the convolution whose transpose this is:
/// its "outputs" are our inputs.
template <typename T> void scatter_plane(const SlidingWindow& window, const T* x, const T* w, double* sums) {
    for (std::int64_t kd = 0; kd < window.kernel[0]; ++kd)
        for (std::int64_t kh = 0; kh < window.kernel[1]; ++kh)
            for (std::int64_t kw = 0; kw < window.kernel[2]; ++kw) {
                const double weight = static_cast<double>(*w++);
                const auto planes = window.valid_outputs(0, kd), rows = window.valid_outputs(1, kh), columns = window.valid_outputs(2, kw);
                for (std::int64_t d = planes.begin; d < planes.end; ++d)
                    for (std::int64_t h = rows.begin; h < rows.end; ++h) {
                        const T* from = x + (d * window.out[1] + h) * window.out[2];
                        const std::int64_t row = window.position(0, d, kd) * window.in[1] + window.position(1, h, kh);
                        double* to = sums + row * window.in[2] + window.position(2, 0, kw);
                        for (std::int64_t i = columns.begin; i < columns.end; ++i)
                            to[i * window.stride[2]] += weight * static_cast<double>(from[i]);
                    }
            }
}

/// The window with input and output extents exchanged.
SlidingWindow transposed(SlidingWindow window) {
    std::swap(window.in, window.out);
    return window;
}

void conv_transpose(const KernelContext& context) {
    const auto a = attrs<ConvTransposeAttrs>(context.node);
    const Tensor &x = context.required(0), &w = context.required(1), &b = context.input(2);
    for (const Tensor* other : {&w, &b})
        if (other->defined() && other->dtype() != x.dtype()) context.reject_dtype(other->dtype());
    const SlidingWindow forward = make_window(context, x.shape(), a.geometry(x.shape(), w.shape()));
    const SlidingWindow window = transposed(forward);
    const ConvSizes sizes{x.shape()[0], x.shape()[1], w.shape()[1] * a.group, a.group};
    if (b.defined() && b.element_count() != sizes.out_channels)
        context.reject(format("the bias has {} elements, {} expected", b.element_count(), sizes.out_channels));
    const std::int64_t planes = sizes.batch * sizes.out_channels, inputs = sizes.group_inputs(), outputs = sizes.group_outputs();
    const double work =
        static_cast<double>(planes) * static_cast<double>(window.out_size()) * static_cast<double>(inputs * window.kernel_size());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), forward.output_shape(sizes.batch, sizes.out_channels)).template mutable_data<T>();
        parallel_for(static_cast<std::size_t>(planes), work > kWorthThreads ? context.threads : 1, [&](int, std::size_t index) {
            const auto plane = static_cast<std::int64_t>(index);
            const std::int64_t channel = plane % sizes.out_channels, group = channel / outputs;
            std::vector<double> sums(static_cast<std::size_t>(window.in_size()),
                                     b.defined() ? static_cast<double>(b.data<T>()[channel]) : 0.0);
            for (std::int64_t c = group * inputs; c < (group + 1) * inputs; ++c)
                scatter_plane(window, x.data<T>() + (plane / sizes.out_channels * sizes.in_channels + c) * window.out_size(),
                              w.data<T>() + (c * outputs + channel % outputs) * window.kernel_size(), sums.data());
            for (std::size_t i = 0; i < sums.size(); ++i)
                to[plane * window.in_size() + static_cast<std::int64_t>(i)] = static_cast<T>(sums[i]);
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "ConvTranspose", widened<conv_transpose>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> conv_transpose_kernels() { return kRows; }

}  // namespace mcompress::reference
