// DeformConv: convolution over images whose taps are shifted by learned offsets and weighted by a mask.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/conv.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

struct Geometry {
    WindowAxis rows, columns;
    std::int64_t height, width, channels, filters, groups, offset_groups;

    std::int64_t taps() const { return rows.kernel * columns.kernel; }
    std::int64_t places() const { return rows.output * columns.output; }
};

void check_shape(const KernelContext& context, int index, const Shape& wanted) {
    if (context.has_input(index) && context.input(index).shape() != wanted)
        context.reject(format("input {} has shape {} instead of {}", index, context.input(index).shape().to_string(), wanted.to_string()));
    if (context.has_input(index) && context.input(index).dtype() != context.input(0).dtype())
        context.reject_dtype(context.input(index).dtype());
}

Geometry make_geometry(const KernelContext& context) {
    const auto a = attrs<DeformConvAttrs>(context.node);
    const Shape &x = context.required(0).shape(), &w = context.required(1).shape();
    if (x.rank() != 4 || w.rank() != 4)
        context.reject(format("only images can be convolved, not shape {} with weights of shape {}", x.to_string(), w.to_string()));
    const Window window = ConvAttrs{a.window, a.group}.geometry(x, w);
    const Geometry g{window[0], window[1], x[2], x[3], x[1], w[0], a.group, a.offset_group};
    if (x[1] % a.offset_group != 0) context.reject(format("{} channels do not make {} offset groups", x[1], a.offset_group));
    std::int64_t taps = 0;
    if (__builtin_mul_overflow(g.taps(), a.offset_group, &taps) || taps > std::int64_t{1} << 40) context.reject("the taps are too many");
    (void)context.required(2);
    check_shape(context, 1, w);
    check_shape(context, 2, Shape{x[0], 2 * taps, g.rows.output, g.columns.output});
    check_shape(context, 3, Shape{w[0]});
    check_shape(context, 4, Shape{x[0], taps, g.rows.output, g.columns.output});
    return g;
}

/// Bilinear interpolation in a plane of zeros around the image.
template <typename T> double interpolate(const T* plane, const Geometry& g, double y, double x) {
    if (!(y > -1.0 && y < static_cast<double>(g.height) && x > -1.0 && x < static_cast<double>(g.width))) return 0.0;
    const double top = std::floor(y), left = std::floor(x), below = y - top, right = x - left;
    const auto row = static_cast<std::int64_t>(top), column = static_cast<std::int64_t>(left);
    const auto at = [&](std::int64_t r, std::int64_t c) {
        return r < 0 || r >= g.height || c < 0 || c >= g.width ? 0.0 : static_cast<double>(plane[r * g.width + c]);
    };
    return (1.0 - below) * ((1.0 - right) * at(row, column) + right * at(row, column + 1)) +
           below * ((1.0 - right) * at(row + 1, column) + right * at(row + 1, column + 1));
}

/// The tensors of one sample.
template <typename T> struct Sample { const T *image, *offsets, *mask; };

/// What the taps of all channels see for one row of outputs: [channels, taps, output width].
template <typename T> void gather_row(const Sample<T>& s, const Geometry& g, std::int64_t row, std::vector<double>& seen) {
    const std::int64_t width = g.columns.output, places = g.places(), per_group = g.channels / g.offset_groups;
    double* to = seen.data();
    for (std::int64_t c = 0; c < g.channels; ++c) {
        const T* plane = s.image + c * g.height * g.width;
        for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
            const std::int64_t field = c / per_group * g.taps() + tap;
            const T *down = s.offsets + 2 * field * places + row * width, *across = down + places;
            const T* mask = s.mask ? s.mask + field * places + row * width : nullptr;
            const auto y = static_cast<double>(row * g.rows.stride - g.rows.pad_begin + tap / g.columns.kernel * g.rows.dilation);
            for (std::int64_t column = 0; column < width; ++column) {
                const auto x =
                    static_cast<double>(column * g.columns.stride - g.columns.pad_begin + tap % g.columns.kernel * g.columns.dilation);
                const double value = interpolate(plane, g, y + static_cast<double>(down[column]), x + static_cast<double>(across[column]));
                *to++ = mask ? value * static_cast<double>(mask[column]) : value;
            }
        }
    }
}

/// One row of every filter's output.
template <typename T>
void convolve_row(const KernelContext& context, const Geometry& g, std::int64_t row, const std::vector<double>& seen, T* to) {
    const T* weights = context.input(1).data<T>();
    const std::int64_t width = g.columns.output, per_group = g.filters / g.groups, length = g.channels / g.groups * g.taps();
    std::vector<double> sums(static_cast<std::size_t>(width));
    for (std::int64_t f = 0; f < g.filters; ++f) {
        std::fill(sums.begin(), sums.end(), context.has_input(3) ? static_cast<double>(context.input(3).data<T>()[f]) : 0.0);
        const double* from = seen.data() + f / per_group * length * width;
        for (std::int64_t k = 0; k < length; ++k, from += width) {
            const double weight = static_cast<double>(weights[f * length + k]);
            for (std::int64_t column = 0; column < width; ++column) sums[static_cast<std::size_t>(column)] += weight * from[column];
        }
        T* target = to + f * g.places() + row * width;
        for (std::int64_t column = 0; column < width; ++column) target[column] = static_cast<T>(sums[static_cast<std::size_t>(column)]);
    }
}

void deform_conv(const KernelContext& context) {
    const Geometry g = make_geometry(context);
    const Tensor& x = context.required(0);
    const std::int64_t batch = x.shape()[0];
    Tensor& y = context.make_output(0, x.dtype(), Shape{batch, g.filters, g.rows.output, g.columns.output});
    if (y.element_count() == 0) return;
    context.check_size(DType::Float64, Shape{g.channels, g.taps(), g.columns.output});
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        const std::int64_t taps = g.offset_groups * g.taps() * g.places();
        const bool pays = y.element_count() * g.channels > (1 << 14);
        parallel_for(static_cast<std::size_t>(batch * g.rows.output), pays ? context.threads : 1, [&](int, std::size_t i) {
            const std::int64_t n = static_cast<std::int64_t>(i) / g.rows.output, row = static_cast<std::int64_t>(i) % g.rows.output;
            const Sample<T> sample{x.data<T>() + n * g.channels * g.height * g.width, context.input(2).data<T>() + 2 * n * taps,
                                   context.has_input(4) ? context.input(4).data<T>() + n * taps : nullptr};
            std::vector<double> seen(static_cast<std::size_t>(g.channels * g.taps() * g.columns.output));
            gather_row(sample, g, row, seen);
            convolve_row(context, g, row, seen, to + n * g.filters * g.places());
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "DeformConv", widened<deform_conv>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> deform_conv_kernels() { return kRows; }

}  // namespace mcompress::reference
