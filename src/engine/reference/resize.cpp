// Resize and Upsample: one axis after the other, each output a weighted sum of a few inputs.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "engine/reference/strided.h"
#include "ops/resize.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

struct Tap {
    std::int64_t index;
    double weight;
};

/// What one output position along an axis reads; nothing when it lies outside and is extrapolated.
using Taps = std::vector<Tap>;

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

std::int64_t nearest_index(ResizeAttrs::Nearest mode, float x) {
    switch (mode) {
        case ResizeAttrs::Nearest::RoundPreferFloor: return static_cast<std::int64_t>(std::ceil(x - 0.5f));
        case ResizeAttrs::Nearest::RoundPreferCeil: return static_cast<std::int64_t>(std::floor(x + 0.5f));
        case ResizeAttrs::Nearest::Floor: return static_cast<std::int64_t>(std::floor(x));
        case ResizeAttrs::Nearest::Ceil: return static_cast<std::int64_t>(std::ceil(x));
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

/// The interpolating taps around `x`; antialiasing stretches the kernel when the axis shrinks.
Taps interpolate(const ResizeAttrs& a, const AxisPlan& p, double x) {
    const bool cubic = a.mode == ResizeAttrs::Mode::Cubic;
    const double stretch = a.antialias ? std::min(1.0, static_cast<double>(p.scale)) : 1.0;
    const auto start = static_cast<std::int64_t>(std::floor(-(cubic ? 2.0 : 1.0) / stretch)) + 1;
    const auto base = static_cast<std::int64_t>(std::ceil(x)) - 1;
    Taps taps;
    double total = 0.0;
    for (std::int64_t i = start; i < 2 - start; ++i) {
        const double distance = (static_cast<double>(base + i) - x) * stretch;
        const bool outside = base + i < 0 || base + i >= p.in;
        const double weight = a.exclude_outside && outside ? 0.0
                              : cubic                      ? cubic_weight(distance, static_cast<double>(a.cubic_coeff_a))
                                                           : linear_weight(distance);
        taps.push_back({std::clamp<std::int64_t>(base + i, 0, p.in - 1), weight});
        total += weight;
    }
    if (a.antialias || a.exclude_outside)
        for (Tap& tap : taps) tap.weight /= total;
    return taps;
}

std::vector<Taps> plan_taps(const ResizeAttrs& a, const AxisPlan& p) {
    std::vector<Taps> result;
    for (std::int64_t out = 0; out < p.out; ++out) {
        const float x = source_coordinate(a, p, out);
        if (a.coordinates == ResizeAttrs::Coordinates::TfCropAndResize && (x < 0.0f || x > static_cast<float>(p.in - 1))) {
            result.emplace_back();
        } else if (a.mode == ResizeAttrs::Mode::Nearest) {
            result.push_back({{std::clamp<std::int64_t>(nearest_index(a.nearest, x), 0, p.in - 1), 1.0}});
        } else {
            result.push_back(interpolate(a, p, static_cast<double>(x)));
        }
    }
    return result;
}

/// The taps of all positions as tables, where each position has as many: position k has entries [k·count, (k + 1)·count).
struct TapTable {
    std::int64_t count = 0;  // 0: positions differ
    std::vector<std::int64_t> indices;
    std::vector<double> weights;

    explicit TapTable(const std::vector<Taps>& plan) {
        if (plan.empty()) return;
        const std::size_t first = plan.front().size();
        for (const Taps& taps : plan) {
            if (taps.size() != first) return;
            for (const Tap& tap : taps) {
                indices.push_back(tap.index);
                weights.push_back(tap.weight);
            }
        }
        count = static_cast<std::int64_t>(first);
    }
};

/// Weighted sums along the innermost axis: every output reads its own few inputs.
template <typename T> void interpolate_row(const TapTable& table, const T* from, T* to, std::int64_t positions) {
    const std::int64_t* index = table.indices.data();
    const double* weight = table.weights.data();
    if (table.count == 2) {
        for (std::int64_t k = 0; k < positions; ++k, index += 2, weight += 2)
            to[k] = static_cast<T>(weight[0] * static_cast<double>(from[index[0]]) + weight[1] * static_cast<double>(from[index[1]]));
        return;
    }
    for (std::int64_t k = 0; k < positions; ++k) {
        double sum = 0.0;
        for (std::int64_t tap = 0; tap < table.count; ++tap, ++index, ++weight) sum += *weight * static_cast<double>(from[*index]);
        to[k] = static_cast<T>(sum);
    }
}

/// One output position: a weighted sum of rows of `inner` elements.
template <typename T> void interpolate_rows(const Taps& taps, const T* from, T* to, std::int64_t inner, std::vector<double>& sums) {
    if (taps.size() == 2) {
        const T *a = from + taps[0].index * inner, *b = from + taps[1].index * inner;
        const double first = taps[0].weight, second = taps[1].weight;
        for (std::int64_t i = 0; i < inner; ++i)
            to[i] = static_cast<T>(first * static_cast<double>(a[i]) + second * static_cast<double>(b[i]));
        return;
    }
    std::fill(sums.begin(), sums.end(), 0.0);
    for (const Tap& tap : taps) {
        const T* row = from + tap.index * inner;
        for (std::int64_t i = 0; i < inner; ++i) sums[static_cast<std::size_t>(i)] += tap.weight * static_cast<double>(row[i]);
    }
    for (std::int64_t i = 0; i < inner; ++i) to[i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
}

/// One axis of [outer, extent, inner].
template <typename T>
void resize_axis(const std::vector<Taps>& plan, const T* from, T* to, std::int64_t outer, std::int64_t extent, std::int64_t inner, T fill,
                 int threads) {
    const TapTable table(plan);
    const auto positions = static_cast<std::int64_t>(plan.size());
    const std::int64_t work = outer * positions * inner * static_cast<std::int64_t>(sizeof(T)) * (table.count == 1 ? 2 : 8);
    for_ranges(outer, 1, work, threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(static_cast<std::size_t>(inner));
        for (std::int64_t o = begin; o < end; ++o) {
            const T* source = from + o * extent * inner;
            T* target = to + o * positions * inner;
            if (table.count == 1) {
                gather_rows(reinterpret_cast<std::byte*>(target), reinterpret_cast<const std::byte*>(source),
                            static_cast<std::size_t>(inner) * sizeof(T), table.indices.data(), positions);
            } else if (table.count > 1 && inner == 1) {
                interpolate_row(table, source, target, positions);
            } else {
                for (const Taps& taps : plan) {
                    if (taps.empty()) std::fill_n(target, inner, fill);
                    else if (taps.size() == 1) std::copy_n(source + taps[0].index * inner, inner, target);
                    else interpolate_rows(taps, source, target, inner, sums);
                    target += inner;
                }
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

void resize(const KernelContext& context) {
    const auto a = attrs<ResizeAttrs>(context.node);
    Tensor x = context.required(0);
    const std::vector<AxisPlan> plans = plan_axes(context, a, x.shape());
    Shape final_shape = x.shape();
    for (int axis = 0; axis < final_shape.rank(); ++axis) final_shape[axis] = plans[static_cast<std::size_t>(axis)].out;
    context.check_size(x.dtype(), final_shape);
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        for (int axis = 0; axis < final_shape.rank(); ++axis) {
            const AxisPlan& plan = plans[static_cast<std::size_t>(axis)];
            const bool crops =
                a.coordinates == ResizeAttrs::Coordinates::TfCropAndResize && (plan.roi_begin != 0.0f || plan.roi_end != 1.0f);
            if (plan.in == plan.out && plan.scale == 1.0f && !crops) continue;
            Shape shape = x.shape();
            shape[axis] = plan.out;
            if (plan.in == 0 && plan.out > 0) context.reject("an empty axis cannot be resized");
            context.check_size(x.dtype(), shape);
            Tensor y = Tensor::uninitialized(x.dtype(), shape);
            resize_axis(plan_taps(a, plan), x.data<T>(), y.mutable_data<T>(), shape.product(0, axis), plan.in,
                        shape.product(axis + 1, shape.rank()), static_cast<T>(a.extrapolation_value), context.threads);
            x = std::move(y);
        }
    });
    context.set_output(0, std::move(x));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Resize", widened<resize>},
    {"", "Upsample", widened<resize>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> resize_kernels() { return kRows; }

}  // namespace mcompress::reference
