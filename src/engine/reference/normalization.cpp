// Normalizations: (x - mean) / deviation over some part of a tensor, then scale and bias.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/fold.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/widened_like.h"
#include "ops/normalization.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// [N, C, rest] of an input with channels on axis 1 (a vector counts as one channel).
struct Planes {
    std::int64_t batch, channels, size;

    explicit Planes(const Shape& shape)
        : batch(shape.rank() > 0 ? shape[0] : 1),
          channels(shape.rank() > 1 ? shape[1] : 1),
          size(shape.rank() > 2 ? shape.product(2, shape.rank()) : 1) {}

    /// Every element of a sample becomes a channel.
    void merge_space() {
        channels *= size;
        size = 1;
    }
};

void check_count(const KernelContext& context, int index, std::int64_t count) {
    if (context.required(index).element_count() != count)
        context.reject(format("input {} has {} elements, {} expected", index, context.input(index).element_count(), count));
}

struct Moments {
    double mean = 0.0, variance = 0.0;
};

template <typename T> Moments moments(const T* values, std::int64_t count) {
    const auto sum = [&](auto term) {
        return fold_row(values, count,
                        Folding{0.0, [&](double total, T value) { return total + term(static_cast<double>(value)); },
                                [](double x, double y) { return x + y; }}) /
               static_cast<double>(count);
    };
    const double mean = sum([](double value) { return value; });
    return {mean, sum([=](double value) { return (value - mean) * (value - mean); })};
}

/// Scale, bias, mean and variance may have another float type than the input; they are read as double.
std::vector<double> doubles(const KernelContext& context, int index) {
    const Tensor& tensor = context.required(index);
    std::vector<double> result;
    dispatch(Floats{}, context, tensor.dtype(), [&]<typename T>() { result.assign(tensor.values<T>().begin(), tensor.values<T>().end()); });
    return result;
}

/// A parameter that is broadcast to the normalized axes, whose shape is `inner`.
std::vector<double> broadcast_doubles(const KernelContext& context, int index, const Shape& inner) {
    const Shape& given = context.required(index).shape();
    if (given.element_count() == inner.element_count()) return doubles(context, index);
    const int extra = std::max(0, given.rank() - inner.rank());
    const Shape shape(std::vector<std::int64_t>(given.begin() + extra, given.end()));
    const auto together = given.product(0, extra) == 1 ? broadcast(shape, inner) : std::nullopt;
    if (!together || *together != inner)
        context.reject(format("input {} of shape {} does not broadcast to {}", index, given.to_string(), inner.to_string()));
    std::vector<double> result(static_cast<std::size_t>(inner.element_count()));
    const std::vector<double> values = doubles(context, index);
    copy_strided(result.data(), values.data(), inner, broadcast_strides(shape, inner));
    return result;
}

/// Mean and variance of every channel over batch and space. Outputs 1 and 2 are the running ones, momentum·given + (1 - momentum)·measured;
/// outputs 3 and 4, which operators before opset 14 have, the measured ones.
template <typename T>
void measure_batch(const KernelContext& context, const Planes& p, double momentum, std::vector<double>& mean,
                   std::vector<double>& variance) {
    const T* x = context.input(0).data<T>();
    const std::vector<double> given_mean = mean, given_variance = variance;
    std::vector<T> column(static_cast<std::size_t>(p.batch * p.size));
    for (std::int64_t c = 0; c < p.channels; ++c) {
        for (std::int64_t n = 0; n < p.batch; ++n) std::copy_n(x + (n * p.channels + c) * p.size, p.size, column.begin() + n * p.size);
        const Moments m = moments(column.data(), p.batch * p.size);
        mean[static_cast<std::size_t>(c)] = m.mean;
        variance[static_cast<std::size_t>(c)] = m.variance;
    }
    const std::vector<double>* given[] = {&given_mean, &given_variance};
    const std::vector<double>* measured[] = {&mean, &variance};
    for (int i = 0; i < 2; ++i) {
        if (!context.wants_output(i + 1)) continue;
        Tensor& running = context.make_output(i + 1, context.input(3 + i).dtype(), Shape{p.channels});
        dispatch(Floats{}, context, running.dtype(), [&]<typename R>() {
            for (std::size_t c = 0; c < measured[i]->size(); ++c)
                running.mutable_data<R>()[c] = static_cast<R>(momentum * (*given[i])[c] + (1.0 - momentum) * (*measured[i])[c]);
        });
    }
    for (int i = 0; i < 2; ++i) {
        if (!context.wants_output(i + 3)) continue;
        Tensor& saved = context.make_output(i + 3, context.input(3 + i).dtype(), Shape{p.channels});
        dispatch(Floats{}, context, saved.dtype(), [&]<typename R>() {
            std::transform(measured[i]->begin(), measured[i]->end(), saved.mutable_data<R>(), [](double v) { return static_cast<R>(v); });
        });
    }
}

void batch_normalization(const KernelContext& context) {
    const auto a = attrs<BatchNormAttrs>(context.node);
    const Tensor& x = context.required(0);
    Planes p(x.shape());
    if (a.statistics == BatchNormAttrs::Statistics::PerElement) p.merge_space();
    for (int i = 1; i <= 4; ++i) check_count(context, i, p.channels);
    const std::vector<double> scale = doubles(context, 1), bias = doubles(context, 2);
    std::vector<double> mean = doubles(context, 3), variance = doubles(context, 4);
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        if (a.mode == BatchNormAttrs::Mode::Training) measure_batch<T>(context, p, static_cast<double>(a.momentum), mean, variance);
        const T* from = x.data<T>();
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t plane = 0; plane < p.batch * p.channels; ++plane) {
            const auto c = static_cast<std::size_t>(plane % p.channels);
            const double factor = scale[c] / std::sqrt(variance[c] + static_cast<double>(a.epsilon));
            for (std::int64_t i = plane * p.size; i < (plane + 1) * p.size; ++i)
                to[i] = static_cast<T>((static_cast<double>(from[i]) - mean[c]) * factor + bias[c]);
        }
    });
}

/// Runs of `length` elements; scale and bias hold one number for every `width` elements, over and over. A run begins and ends where a number
/// does.
struct Runs {
    std::int64_t count, length, width;
    std::vector<double> scale, bias;
};

void normalize_runs(const KernelContext& context, const Runs& r, double epsilon) {
    const Tensor& x = context.required(0);
    const std::int64_t runs = r.count, length = r.length, width = r.width;
    const std::vector<double>&scale = r.scale, &bias = r.bias;
    const auto count = static_cast<std::int64_t>(scale.size());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        const T* from = x.data<T>();
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        if (x.element_count() == 0) return;
        for_ranges(runs, 1, 4 * static_cast<std::int64_t>(x.byte_size()), context.threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t run = begin; run < end; ++run) {
                const Moments m = moments(from + run * length, length);
                const double factor = 1.0 / std::sqrt(m.variance + epsilon), mean = m.mean;
                const auto normalized = [=](T value) { return (static_cast<double>(value) - mean) * factor; };
                if (width == 1) {
                    const double *scales = scale.data() + run * length % count, *biases = bias.data() + run * length % count;
                    for (std::int64_t i = 0, at = run * length; i < length; ++i)
                        to[at + i] = static_cast<T>(normalized(from[at + i]) * scales[i] + biases[i]);
                    continue;
                }
                for (std::int64_t at = run * length; at < (run + 1) * length; at += width) {
                    const auto parameter = static_cast<std::size_t>(at / width % count);
                    const double s = scale[parameter], b = bias[parameter];
                    for (std::int64_t i = at; i < at + width; ++i) to[i] = static_cast<T>(normalized(from[i]) * s + b);
                }
            }
        });
    });
}

void instance_normalization(const KernelContext& context) {
    const Planes p(context.required(0).shape());
    check_count(context, 1, p.channels);
    check_count(context, 2, p.channels);
    normalize_runs(context, {p.batch * p.channels, p.size, p.size, doubles(context, 1), doubles(context, 2)},
                   static_cast<double>(attrs<InstanceNormAttrs>(context.node).epsilon));
}

void group_normalization(const KernelContext& context) {
    const auto a = attrs<GroupNormAttrs>(context.node);
    const Planes p(context.required(0).shape());
    if (a.num_groups < 1 || p.channels % a.num_groups != 0)
        context.reject(format("{} channels do not make {} groups", p.channels, a.num_groups));
    const bool per_group = a.parameters == GroupNormAttrs::Parameters::PerGroup;
    const std::int64_t count = per_group ? a.num_groups : p.channels, width = count > 0 ? p.channels * p.size / count : 1;
    check_count(context, 1, count);
    check_count(context, 2, count);
    normalize_runs(context, {p.batch * a.num_groups, p.channels / a.num_groups * p.size, width, doubles(context, 1), doubles(context, 2)},
                   static_cast<double>(a.epsilon));
}

/// Outputs 1 and 2 are the mean and the inverse deviation, in float.
void layer_normalization(const KernelContext& context) {
    const auto a = attrs<LayerNormAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const Shape inner(std::vector<std::int64_t>(x.shape().begin() + axis, x.shape().end()));
    const std::int64_t length = inner.element_count(), runs = x.shape().product(0, axis);
    std::vector<double> scale = broadcast_doubles(context, 1, inner);
    std::vector<double> bias = context.has_input(2) ? broadcast_doubles(context, 2, inner) : std::vector<double>(scale.size(), 0.0);
    normalize_runs(context, {runs, length, 1, std::move(scale), std::move(bias)}, static_cast<double>(a.epsilon));
    if (!context.wants_output(1) && !context.wants_output(2)) return;
    std::vector<std::int64_t> dims = x.shape().dims();
    std::fill(dims.begin() + axis, dims.end(), 1);
    Tensor mean(DType::Float32, Shape(dims)), inverse(DType::Float32, Shape(dims));
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        for (std::int64_t run = 0; run < runs; ++run) {
            const Moments m = moments(x.data<T>() + run * length, length);
            mean.mutable_data<float>()[run] = static_cast<float>(m.mean);
            inverse.mutable_data<float>()[run] = static_cast<float>(1.0 / std::sqrt(m.variance + static_cast<double>(a.epsilon)));
        }
    });
    if (context.wants_output(1)) context.set_output(1, std::move(mean));
    if (context.wants_output(2)) context.set_output(2, std::move(inverse));
}

/// x / sqrt(mean(x²) + epsilon) · scale over [axis, rank), in the scale's element type. SimplifiedLayerNormalization also has the factors.
template <typename T, typename Scale>
void normalize_by_size(const KernelContext& context, const std::vector<double>& scale, std::int64_t runs, double epsilon, float* factors) {
    const Tensor& x = context.input(0);
    const auto length = static_cast<std::int64_t>(scale.size());
    Scale* to = context.make_output(0, context.input(1).dtype(), x.shape()).template mutable_data<Scale>();
    for_ranges(runs, 1, 4 * static_cast<std::int64_t>(x.byte_size()), context.threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t run = begin; run < end; ++run) {
            const T* from = x.data<T>() + run * length;
            double squares = 0.0;
            for (std::int64_t i = 0; i < length; ++i) squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
            const double factor = 1.0 / std::sqrt(squares / static_cast<double>(length) + epsilon);
            if (factors) factors[run] = static_cast<float>(factor);
            for (std::int64_t i = 0; i < length; ++i)
                to[run * length + i] = static_cast<Scale>(static_cast<double>(from[i]) * factor * scale[static_cast<std::size_t>(i)]);
        }
    });
}

void rms_normalization(const KernelContext& context) {
    const auto a = attrs<LayerNormAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const Shape inner(std::vector<std::int64_t>(x.shape().begin() + axis, x.shape().end()));
    const std::int64_t runs = x.shape().product(0, axis);
    const std::vector<double> scale = broadcast_doubles(context, 1, inner);
    float* factors = nullptr;
    if (context.wants_output(1)) {
        std::vector<std::int64_t> dims = x.shape().dims();
        std::fill(dims.begin() + axis, dims.end(), 1);
        factors = context.make_output(1, DType::Float32, Shape(std::move(dims))).mutable_data<float>();
    }
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        dispatch(Floats{}, context, context.input(1).dtype(),
                 [&]<typename Scale>() { normalize_by_size<T, Scale>(context, scale, runs, static_cast<double>(a.epsilon), factors); });
    });
}

/// y = x / (bias + alpha/size · Σ x²)^beta over a window of channels.
void lrn(const KernelContext& context) {
    const auto a = attrs<LrnAttrs>(context.node);
    const Tensor& x = context.required(0);
    const Planes p(x.shape());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        const T* from = x.data<T>();
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t i = 0; i < x.element_count(); ++i) {
            const std::int64_t c = i / p.size % p.channels, base = i - c * p.size;
            double squares = 0.0;
            const std::int64_t first = std::max<std::int64_t>(0, c - (a.size - 1) / 2), last = std::min(p.channels - 1, c + a.size / 2);
            for (std::int64_t k = first; k <= last; ++k)
                squares += static_cast<double>(from[base + k * p.size]) * static_cast<double>(from[base + k * p.size]);
            const double norm = static_cast<double>(a.bias) + static_cast<double>(a.alpha) / static_cast<double>(a.size) * squares;
            to[i] = static_cast<T>(static_cast<double>(from[i]) / std::pow(norm, static_cast<double>(a.beta)));
        }
    });
}

void lp_normalization(const KernelContext& context) {
    const auto a = attrs<LpNormAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.element_count() == 0) return context.set_output(0, x);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const std::int64_t outer = x.shape().product(0, axis), extent = x.shape()[axis], inner = x.shape().product(axis + 1, x.shape().rank());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        const T* from = x.data<T>();
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t line = 0; line < outer * inner; ++line) {
            const std::int64_t base = line / inner * extent * inner + line % inner;
            double norm = 0.0;
            for (std::int64_t i = 0; i < extent; ++i) {
                const double value = std::abs(static_cast<double>(from[base + i * inner]));
                norm += a.p == 1 ? value : value * value;
            }
            if (a.p == 2) norm = std::sqrt(norm);
            for (std::int64_t i = 0; i < extent; ++i)
                to[base + i * inner] = norm == 0.0 ? T{0} : static_cast<T>(static_cast<double>(from[base + i * inner]) / norm);
        }
    });
}

/// (x - mean) / (deviation + 1e-9) over the axes.
void mean_variance_normalization(const KernelContext& context) {
    const Tensor& x = context.required(0);
    std::vector<char> reduced(static_cast<std::size_t>(x.shape().rank()), 0);
    for (const std::int64_t axis : attrs<MeanVarianceNormAttrs>(context.node).axes)
        reduced[static_cast<std::size_t>(checked_axis(context, axis, x.shape().rank()))] = 1;
    const Strides own = x.shape().strides();
    std::vector<std::int64_t> kept_dims, reduced_dims;
    Strides kept_strides, reduced_strides;
    for (std::size_t axis = 0; axis < reduced.size(); ++axis) {
        (reduced[axis] ? reduced_dims : kept_dims).push_back(x.shape()[static_cast<int>(axis)]);
        (reduced[axis] ? reduced_strides : kept_strides).push_back(own[axis]);
    }
    const StridedLoop<1> outer(Shape(kept_dims), {kept_strides}), inner(Shape(reduced_dims), {reduced_strides});
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        const auto normalize = [&](std::int64_t base) {
            std::vector<std::int64_t> places;
            std::vector<T> values;
            inner.run([&](const auto& offset) {
                for (std::int64_t i = 0; i < inner.inner_size(); ++i) {
                    places.push_back(base + offset[0] + i * inner.inner_steps()[0]);
                    values.push_back(x.data<T>()[places.back()]);
                }
            });
            const Moments m = moments(values.data(), static_cast<std::int64_t>(values.size()));
            for (std::size_t i = 0; i < places.size(); ++i)
                to[places[i]] = static_cast<T>((static_cast<double>(values[i]) - m.mean) / (std::sqrt(m.variance) + 1e-9));
        };
        outer.run([&](const auto& offset) {
            for (std::int64_t i = 0; i < outer.inner_size(); ++i) normalize(offset[0] + i * outer.inner_steps()[0]);
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "BatchNormalization", widened_like<batch_normalization, 0, 3, 4, 3, 4>},
    {"", "GroupNormalization", widened<group_normalization>},
    {"", "InstanceNormalization", widened<instance_normalization>},
    {"", "LRN", widened<lrn>},
    {"", "LayerNormalization", widened<layer_normalization>},
    {"", "LpNormalization", widened<lp_normalization>},
    {"", "MeanVarianceNormalization", widened<mean_variance_normalization>},
    {"", "RMSNormalization", widened_like<rms_normalization, 1>},
    {"", "SimplifiedLayerNormalization", widened_like<rms_normalization, 1>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> normalization_kernels() { return kRows; }

}  // namespace mcompress::reference
