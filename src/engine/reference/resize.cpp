// Resize and Upsample: one axis after the other, each output a weighted sum of a few inputs.
#include <algorithm>
#include <cmath>

#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "engine/reference/saturate.h"
#include "engine/reference/strided.h"
#include "engine/reference/widened_like.h"
#include "ops/resize.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Fillable = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                          std::uint64_t, bool>;

/// What the output positions along an axis read: `width` inputs each, with their weights. The first index of a position that lies outside
/// and is extrapolated is kOutside.
struct Taps {
    std::int64_t width = 1;
    std::vector<std::int64_t> index;
    std::vector<double> weight;  // empty when every weight is 1
};

constexpr std::int64_t kOutside = -1;

struct AxisPlan {
    std::int64_t in = 1, out = 1;
    float scale = 1.0f;
    float roi_begin = 0.0f, roi_end = 1.0f;
};

/// Position in the input of output `x`, by coordinate_transformation_mode. In float, as the operator's users compute it.
float source_coordinate(const ResizeAttrs& a, const AxisPlan& p, std::int64_t x) {
    using Coordinates = ResizeAttrs::Coordinates;
    const float at = static_cast<float>(x), in = static_cast<float>(p.in), out = static_cast<float>(p.out);
    switch (a.coordinates) {
        case Coordinates::HalfPixel: return (at + 0.5f) / p.scale - 0.5f;
        case Coordinates::HalfPixelSymmetric: return in / 2.0f * (1.0f - out / (p.scale * in)) + (at + 0.5f) / p.scale - 0.5f;
        case Coordinates::PytorchHalfPixel: return p.out > 1 ? (at + 0.5f) / p.scale - 0.5f : 0.0f;
        case Coordinates::AlignCorners: return p.out > 1 ? at * (in - 1.0f) / (out - 1.0f) : 0.0f;
        case Coordinates::Asymmetric: return at / p.scale;
        case Coordinates::TfHalfPixelForNn: return (at + 0.5f) / p.scale;
        case Coordinates::TfCropAndResize:
            if (p.out <= 1) return 0.5f * (p.roi_begin + p.roi_end) * (in - 1.0f);
            return p.roi_begin * (in - 1.0f) + at * (p.roi_end - p.roi_begin) * (in - 1.0f) / (out - 1.0f);
    }
    return 0.0f;
}

std::int64_t nearest_index(ResizeAttrs::Nearest mode, const AxisPlan& p, float x) {
    switch (mode) {
        case ResizeAttrs::Nearest::RoundPreferFloor: return static_cast<std::int64_t>(std::ceil(x - 0.5f));
        case ResizeAttrs::Nearest::RoundPreferCeil: return static_cast<std::int64_t>(std::floor(x + 0.5f));
        case ResizeAttrs::Nearest::Floor: return static_cast<std::int64_t>(std::floor(x));
        case ResizeAttrs::Nearest::Ceil: return static_cast<std::int64_t>(std::ceil(x));
        case ResizeAttrs::Nearest::Unnamed: return static_cast<std::int64_t>(p.scale < 1.0f ? std::ceil(x) : std::floor(x));
    }
    return 0;
}

double linear_weight(double distance) { return std::max(0.0, 1.0 - std::abs(distance)); }

/// Keys' cubic convolution kernel.
double cubic_weight(double distance, double a) {
    const double x = std::abs(distance);
    if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
    return 0.0;
}

bool crops(const ResizeAttrs& a) { return a.coordinates == ResizeAttrs::Coordinates::TfCropAndResize; }

bool is_extrapolated(const ResizeAttrs& a, const AxisPlan& p, float x) {
    return !std::isfinite(x) || (crops(a) && (x < 0.0f || x > static_cast<float>(p.in - 1)));
}

Taps nearest_taps(const ResizeAttrs& a, const AxisPlan& p) {
    Taps taps;
    for (std::int64_t out = 0; out < p.out; ++out) {
        const float x = source_coordinate(a, p, out);
        const float near = std::clamp(x, -2.0f, static_cast<float>(p.in) + 2.0f);
        taps.index.push_back(is_extrapolated(a, p, x) ? kOutside
                                                      : std::clamp<std::int64_t>(nearest_index(a.nearest, p, near), 0, p.in - 1));
    }
    return taps;
}

/// Appends the taps around `x`; antialiasing stretches the kernel when the axis shrinks.
void interpolate(const ResizeAttrs& a, const AxisPlan& p, double x, double stretch, std::int64_t start, Taps& taps) {
    const auto base = static_cast<std::int64_t>(std::ceil(x)) - 1;
    double total = 0.0;
    for (std::int64_t i = start; i < start + taps.width; ++i) {
        const double distance = (static_cast<double>(base + i) - x) * stretch;
        const bool is_outside = base + i < 0 || base + i >= p.in;
        const double weight = a.exclude_outside && is_outside      ? 0.0
                              : a.mode == ResizeAttrs::Mode::Cubic ? cubic_weight(distance, static_cast<double>(a.cubic_coeff_a))
                                                                   : linear_weight(distance);
        taps.index.push_back(std::clamp<std::int64_t>(base + i, 0, p.in - 1));
        taps.weight.push_back(weight);
        total += weight;
    }
    if (a.antialias || a.exclude_outside)
        for (auto weight = taps.weight.end() - taps.width; weight != taps.weight.end(); ++weight) *weight /= total;
}

Taps interpolating_taps(const ResizeAttrs& a, const AxisPlan& p) {
    const double stretch = a.antialias ? std::min(1.0, static_cast<double>(p.scale)) : 1.0;
    const double reach = (a.mode == ResizeAttrs::Mode::Cubic ? 2.0 : 1.0) / stretch;
    Taps taps;
    // A kernel wider than this reads the whole axis from any position in it.
    const auto widest = static_cast<double>(2 * p.in + 4);
    const auto start = static_cast<std::int64_t>(std::floor(-std::min(reach, widest))) + 1;
    taps.width = 2 - 2 * start;
    for (std::int64_t out = 0; out < p.out; ++out) {
        const float x = source_coordinate(a, p, out);
        if (is_extrapolated(a, p, x)) {
            taps.index.insert(taps.index.end(), static_cast<std::size_t>(taps.width), kOutside);
            taps.weight.insert(taps.weight.end(), static_cast<std::size_t>(taps.width), 0.0);
        } else {
            // Far outside every tap reads the border.
            interpolate(a, p, std::clamp(static_cast<double>(x), -widest, 2.0 * widest), stretch, start, taps);
        }
    }
    return taps;
}

/// One axis of a tensor as [outer, in, inner], to be [outer, out, inner].
struct Lines {
    std::int64_t outer, in, out, inner;
};

/// Bytes that are read and written, or the arithmetic that takes as long.
template <typename T> std::int64_t work_of(const Taps& taps, const Lines& l) {
    return l.outer * l.out * l.inner * static_cast<std::int64_t>(sizeof(T)) * (taps.weight.empty() ? 2 : 8);
}

template <typename T> void pick(const Taps& taps, const Lines& l, const T* from, T* to, T fill, int threads) {
    const bool is_inside = std::find(taps.index.begin(), taps.index.end(), kOutside) == taps.index.end();
    for_ranges(l.outer, 1, work_of<T>(taps, l), threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) {
            const T* source = from + o * l.in * l.inner;
            T* target = to + o * l.out * l.inner;
            if (is_inside) {
                gather_rows(reinterpret_cast<std::byte*>(target), reinterpret_cast<const std::byte*>(source),
                            static_cast<std::size_t>(l.inner) * sizeof(T), taps.index.data(), l.out);
                continue;
            }
            for (const std::int64_t index : taps.index) {
                if (index == kOutside) std::fill_n(target, l.inner, fill);
                else std::copy_n(source + index * l.inner, l.inner, target);
                target += l.inner;
            }
        }
    });
}

/// One output position: a weighted sum of `width` rows of `inner` elements.
template <typename T>
void blend_rows(std::int64_t width, const std::int64_t* index, const double* weight, const T* from, T* to, std::int64_t inner) {
    if (width == 2) {
        const T *a = from + index[0] * inner, *b = from + index[1] * inner;
        for (std::int64_t i = 0; i < inner; ++i)
            to[i] = static_cast<T>(weight[0] * static_cast<double>(a[i]) + weight[1] * static_cast<double>(b[i]));
        return;
    }
    constexpr std::int64_t kStrip = 256;  // elements that are summed together
    for (std::int64_t begin = 0; begin < inner; begin += kStrip) {
        const std::int64_t count = std::min(kStrip, inner - begin);
        double sums[kStrip] = {};
        for (std::int64_t tap = 0; tap < width; ++tap) {
            const T* row = from + index[tap] * inner + begin;
            for (std::int64_t i = 0; i < count; ++i) sums[i] += weight[tap] * static_cast<double>(row[i]);
        }
        for (std::int64_t i = 0; i < count; ++i) to[begin + i] = static_cast<T>(sums[i]);
    }
}

/// Along the innermost axis every output reads its own few inputs.
template <typename T> T blend_elements(std::int64_t width, const std::int64_t* index, const double* weight, const T* from) {
    if (width == 2)
        return static_cast<T>(weight[0] * static_cast<double>(from[index[0]]) + weight[1] * static_cast<double>(from[index[1]]));
    double sum = 0.0;
    for (std::int64_t tap = 0; tap < width; ++tap) sum += weight[tap] * static_cast<double>(from[index[tap]]);
    return static_cast<T>(sum);
}

template <typename T> void blend(const Taps& taps, const Lines& l, const T* from, T* to, T fill, int threads) {
    for_ranges(l.outer, 1, work_of<T>(taps, l), threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) {
            const T* source = from + o * l.in * l.inner;
            T* target = to + o * l.out * l.inner;
            const std::int64_t* index = taps.index.data();
            const double* weight = taps.weight.data();
            for (std::int64_t x = 0; x < l.out; ++x, index += taps.width, weight += taps.width, target += l.inner) {
                if (*index == kOutside) std::fill_n(target, l.inner, fill);
                else if (l.inner == 1) *target = blend_elements(taps.width, index, weight, source);
                else blend_rows(taps.width, index, weight, source, target, l.inner);
            }
        }
    });
}

/// Elements of a floating-point tensor of any type that scales and regions may have.
std::vector<float> floats(const KernelContext& context, const Tensor& tensor) {
    const bool is_half = tensor.dtype() == DType::Float16 || tensor.dtype() == DType::BFloat16;
    const Tensor wide = is_half ? half_to_float(tensor) : tensor;
    std::vector<float> values;
    dispatch(Floats{}, context, wide.dtype(), [&]<typename T>() {
        for (const T value : wide.values<T>()) values.push_back(static_cast<float>(value));
    });
    return values;
}

std::vector<AxisPlan> plan_axes(const KernelContext& context, const ResizeAttrs& a, const Shape& shape) {
    std::vector<float> scales = a.scales.value_or(std::vector<float>{});
    std::vector<std::int64_t> sizes = a.sizes.value_or(std::vector<std::int64_t>{});
    if (a.scales_input >= 0 && context.has_input(a.scales_input)) scales = floats(context, context.input(a.scales_input));
    if (a.sizes_input >= 0 && context.has_input(a.sizes_input)) sizes = integers(context, context.input(a.sizes_input));
    const auto resolved = a.resolve(shape, scales, sizes);
    std::vector<AxisPlan> plans;
    for (int axis = 0; axis < shape.rank(); ++axis)
        plans.push_back({shape[axis], resolved[static_cast<std::size_t>(axis)].output, resolved[static_cast<std::size_t>(axis)].scale});
    if (a.coordinates != ResizeAttrs::Coordinates::TfCropAndResize) return plans;
    std::vector<std::int64_t> axes = a.axes.value_or(std::vector<std::int64_t>{});
    if (!a.axes)
        for (int axis = 0; axis < shape.rank(); ++axis) axes.push_back(axis);
    const Tensor& roi = context.input(a.roi_input);
    if (a.roi_input < 0 || !roi.defined() || roi.element_count() != static_cast<std::int64_t>(2 * axes.size()))
        context.reject("tf_crop_and_resize needs a region of interest with a start and an end for each axis");
    const std::vector<float> region = floats(context, roi);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        AxisPlan& plan = plans[static_cast<std::size_t>(checked_axis(context, axes[i], shape.rank()))];
        plan.roi_begin = region[i];
        plan.roi_end = region[axes.size() + i];
    }
    return plans;
}

/// The axes that change: shrinking ones first, then growing ones from the last, so that little is computed more than once.
std::vector<int> axes_to_resize(const ResizeAttrs& a, const std::vector<AxisPlan>& plans) {
    std::vector<int> axes;
    for (int axis = static_cast<int>(plans.size()); axis-- > 0;) {
        const AxisPlan& p = plans[static_cast<std::size_t>(axis)];
        const bool is_cropped = crops(a) && (p.roi_begin != 0.0f || p.roi_end != 1.0f);
        if (p.in != p.out || p.scale != 1.0f || is_cropped) axes.push_back(axis);
    }
    std::stable_partition(axes.begin(), axes.end(), [&](int axis) {
        const AxisPlan& p = plans[static_cast<std::size_t>(axis)];
        return p.out < p.in;
    });
    return axes;
}

/// Resizes axis by axis with run(taps, lines, from, to).
template <typename T, typename MakeTaps, typename Run>
Tensor resize_axes(const KernelContext& context, const ResizeAttrs& a, const std::vector<AxisPlan>& plans, Tensor x, MakeTaps make_taps,
                   Run run) {
    for (const int axis : axes_to_resize(a, plans)) {
        const AxisPlan& plan = plans[static_cast<std::size_t>(axis)];
        Shape shape = x.shape();
        shape[axis] = plan.out;
        context.check_size(x.dtype(), shape);
        Tensor y = Tensor::uninitialized(x.dtype(), shape);
        const Lines lines{shape.product(0, axis), plan.in, plan.out, shape.product(axis + 1, shape.rank())};
        run(make_taps(a, plan), lines, reinterpret_cast<const T*>(x.bytes()), reinterpret_cast<T*>(y.mutable_bytes()));
        x = std::move(y);
    }
    return x;
}

Tensor pick_nearest(const KernelContext& context, const ResizeAttrs& a, const std::vector<AxisPlan>& plans, const Tensor& x, int threads) {
    Tensor fill(x.dtype(), Shape{1});
    if (a.extrapolation_value != 0.0f)
        dispatch(Fillable{}, context, x.dtype(),
                 [&]<typename T>() { fill.mutable_data<T>()[0] = saturate<T>(static_cast<double>(a.extrapolation_value)); });
    Tensor y;
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        y = resize_axes<T>(context, a, plans, x, nearest_taps, [&](const Taps& taps, const Lines& lines, const T* from, T* to) {
            pick(taps, lines, from, to, *reinterpret_cast<const T*>(fill.bytes()), threads);
        });
    });
    return y;
}

/// Positions are floats: what a sum misses of a whole number beyond their precision is noise, not a reason to cut it off. Antialiasing rounds.
double whole_part(const ResizeAttrs& a, double sum) {
    if (a.antialias) return std::round(sum);
    return std::abs(sum) < 16777216.0 ? static_cast<double>(static_cast<float>(sum)) : sum;
}

/// Integers are interpolated as doubles, and made whole at the end.
Tensor interpolate_all(const KernelContext& context, const ResizeAttrs& a, const std::vector<AxisPlan>& plans, const Tensor& x,
                       int threads) {
    Tensor y;
    const auto run = [&]<typename T>(const Tensor& values) {
        return resize_axes<T>(context, a, plans, values, interpolating_taps,
                              [&](const Taps& taps, const Lines& lines, const T* from, T* to) {
                                  blend(taps, lines, from, to, static_cast<T>(a.extrapolation_value), threads);
                              });
    };
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        if constexpr (std::is_floating_point_v<T>) {
            y = run.template operator()<T>(x);
        } else {
            context.check_size(DType::Float64, x.shape());
            Tensor wide = Tensor::uninitialized(DType::Float64, x.shape());
            std::copy_n(x.data<T>(), x.element_count(), wide.mutable_data<double>());
            wide = run.template operator()<double>(wide);
            y = Tensor::uninitialized(x.dtype(), wide.shape());
            std::transform(wide.data<double>(), wide.data<double>() + wide.element_count(), y.mutable_data<T>(),
                           [&](double sum) { return saturate<T>(whole_part(a, sum)); });
        }
    });
    return y;
}

void resize(const KernelContext& context, const ResizeAttrs& a) {
    const Tensor& x = context.required(0);
    const std::vector<AxisPlan> plans = plan_axes(context, a, x.shape());
    Shape shape = x.shape();
    for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] = plans[static_cast<std::size_t>(axis)].out;
    context.check_size(x.dtype(), shape);
    if (shape.element_count() == 0) return context.set_output(0, Tensor(x.dtype(), shape));
    if (x.element_count() == 0) context.reject("an empty axis cannot be resized");
    const auto compute = a.mode == ResizeAttrs::Mode::Nearest ? pick_nearest : interpolate_all;
    context.set_output(0, compute(context, a, plans, x, context.threads));
}

void resize_numbers(const KernelContext& context) { resize(context, attrs<ResizeAttrs>(context.node)); }

/// Strings and small integers travel as others: the fill is the empty string, or 0.
void resize_moved(const KernelContext& context) {
    auto a = attrs<ResizeAttrs>(context.node);
    a.extrapolation_value = 0.0f;
    resize(context, a);
}

void resize_any(const KernelContext& context) {
    const DType dtype = context.required(0).dtype();
    const bool is_moved = dtype == DType::String || dtype_bits(dtype) < 8;
    if (is_moved && attrs<ResizeAttrs>(context.node).mode == ResizeAttrs::Mode::Nearest) run_moving(context, resize_moved);
    else widened_like<resize_numbers, 0>(context);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Resize", resize_any},
    {"", "Upsample", resize_any},
};
// clang-format on

}  // namespace

std::span<const KernelRow> resize_kernels() { return kRows; }

}  // namespace mcompress::reference
