// RandomNormal, RandomUniform, their …Like forms, Bernoulli and Multinomial.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/random_numbers.h"
#include "ops/random.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

constexpr std::size_t kChunk = 1 << 14;

/// Output 0 = value_of(position) for every position, rounded to `dtype`; 16-bit floats are rounded from float32.
template <typename List, typename ValueOf>
void fill(const KernelContext& context, List list, DType dtype, const Shape& shape, ValueOf value_of) {
    const bool is_half = dtype == DType::Float16 || dtype == DType::BFloat16;
    const DType stored = is_half ? DType::Float32 : dtype;
    Tensor& y = context.make_output(0, stored, shape);
    dispatch(list, context, stored, [&]<typename T>() {
        T* to = y.mutable_data<T>();
        parallel_chunks(static_cast<std::size_t>(y.element_count()), kChunk, context.threads,
                        [&](std::size_t, std::size_t begin, std::size_t end) {
                            for (std::size_t i = begin; i < end; ++i) to[i] = static_cast<T>(value_of(i));
                        });
    });
    if (is_half) context.set_output(0, float_to_half(y, dtype));
}

/// Output 0 = draw(attributes, stream, position), of the attributes' shape, or that of input 0 for the …Like forms.
template <typename Draw> void draw_numbers(const KernelContext& context, Draw draw) {
    const auto a = attrs<RandomAttrs>(context.node);
    const DType dtype = a.dtype == DType::Undefined ? context.required(0).dtype() : a.dtype;
    const RandomStream stream = random_stream(context.node, a.seed);
    fill(context, Floats{}, dtype, context.has_input(0) ? context.input(0).shape() : Shape(a.shape),
         [&](std::size_t i) { return draw(a, stream, i); });
}

void random_normal(const KernelContext& context) {
    draw_numbers(context,
                 [](const RandomAttrs& a, const RandomStream& stream, std::size_t i) { return a.mean + a.scale * stream.normal(i); });
}

void random_uniform(const KernelContext& context) {
    draw_numbers(context, [](const RandomAttrs& a, const RandomStream& stream, std::size_t i) {
        return a.low + (a.high - a.low) * stream.uniform(i);
    });
}

/// Elements of a float tensor as double.
std::vector<double> doubles(const KernelContext& context, Tensor x) {
    if (x.dtype() == DType::Float16 || x.dtype() == DType::BFloat16) x = half_to_float(x);
    std::vector<double> result;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() { result.assign(x.values<T>().begin(), x.values<T>().end()); });
    return result;
}

void bernoulli(const KernelContext& context) {
    const auto a = attrs<BernoulliAttrs>(context.node);
    const Tensor& x = context.required(0);
    const DType dtype = a.dtype == DType::Undefined ? x.dtype() : a.dtype;
    const std::vector<double> chances = doubles(context, x);
    for (const double chance : chances)
        if (!(chance >= 0.0 && chance <= 1.0)) context.reject(format("{} is no probability", chance));
    const RandomStream stream = random_stream(context.node, a.seed);
    using Targets = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                             std::uint32_t, std::uint64_t, bool>;
    fill(context, Targets{}, dtype, x.shape(), [&](std::size_t i) { return stream.uniform(i) < chances[i] ? 1 : 0; });
}

/// Σ exp(x - largest) up to and including every element; the last is the total.
std::vector<double> cumulative_weights(const KernelContext& context, const double* x, std::int64_t count) {
    const double largest = *std::max_element(x, x + count);
    if (!std::isfinite(largest)) context.reject(format("the largest log-probability is {}", largest));
    std::vector<double> sums;
    double sum = 0.0;
    for (std::int64_t i = 0; i < count; ++i) sums.push_back(sum += std::exp(x[i] - largest));
    if (!std::isfinite(sum)) context.reject("a log-probability is not a number");
    return sums;
}

void multinomial(const KernelContext& context) {
    const auto a = attrs<MultinomialAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.shape().rank() != 2) context.reject(format("log-probabilities of shape {}, expected [batch, classes]", x.shape().to_string()));
    const std::int64_t batch = x.shape()[0], classes = x.shape()[1];
    const Shape shape{batch, a.sample_size};
    context.check_size(a.dtype, shape);
    if (classes == 0 && shape.element_count() > 0) context.reject("there are no classes to draw from");
    const std::vector<double> logs = doubles(context, x);
    std::vector<std::vector<double>> weights;
    for (std::int64_t b = 0; classes > 0 && b < batch; ++b)
        weights.push_back(cumulative_weights(context, logs.data() + b * classes, classes));
    const RandomStream stream = random_stream(context.node, a.seed);
    const auto samples = static_cast<std::size_t>(a.sample_size);
    fill(context, TypeList<std::int32_t, std::int64_t>{}, a.dtype, shape, [&](std::size_t i) {
        const std::vector<double>& sums = weights[i / samples];
        const auto found = std::upper_bound(sums.begin(), sums.end(), stream.uniform(i) * sums.back());
        return std::min<std::int64_t>(found - sums.begin(), classes - 1);  // uniform · total may round up to the total
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Bernoulli", bernoulli},
    {"", "Multinomial", multinomial},
    {"", "RandomNormal", random_normal},
    {"", "RandomNormalLike", random_normal},
    {"", "RandomUniform", random_uniform},
    {"", "RandomUniformLike", random_uniform},
};
// clang-format on

}  // namespace

std::span<const KernelRow> random_kernels() { return kRows; }

}  // namespace mcompress::reference
