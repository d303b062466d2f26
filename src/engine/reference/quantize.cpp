// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/small_floats.h"
#include "ops/quantization.h"
#include "quant/affine.h"
#include "quant/choose_params.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Which scale belongs to which element. The tensor is [outer, extent, inner]; blocks of `block` along the extent share a scale.
struct Granularity {
    std::int64_t outer = 1, extent = 1, inner = 1, block = 1;
    std::int64_t outer_step = 0, block_step = 0, inner_step = 0;  // in scale elements

    /// Calls body(first element, count, first scale, scale step) for runs of elements.
    template <typename Body> void for_each_run(Body&& body) const {
        for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t i = 0; i < extent; ++i)
                body((o * extent + i) * inner, inner, o * outer_step + i / block * block_step, inner_step);
    }
};

Granularity granularity(const KernelContext& context, const QuantizeLinearAttrs& a, const Shape& x, const Shape& scale) {
    Granularity g;
    switch (a.granularity(scale)) {
        case QuantizationGranularity::PerTensor:
            if (scale.element_count() != 1) context.reject(format("a scale of shape {} is not one number", scale.to_string()));
            g.inner = x.element_count();
            return g;
        case QuantizationGranularity::PerAxis: break;
        case QuantizationGranularity::Blocked: g.block = a.block_size; break;
    }
    const int axis = checked_axis(context, a.axis, x.rank());
    g.outer = x.product(0, axis);
    g.extent = x[axis];
    g.inner = x.product(axis + 1, x.rank());
    const std::int64_t blocks = (g.extent + g.block - 1) / g.block;
    g.block_step = 1;
    if (a.granularity(scale) == QuantizationGranularity::Blocked) {
        g.block_step = g.inner;
        g.inner_step = 1;
        g.outer_step = blocks * g.inner;
    }
    const std::int64_t expected = g.inner_step ? g.outer * blocks * g.inner : blocks;
    if (scale.element_count() != expected)
        context.reject(format("scale {} does not fit shape {} along axis {}", scale.to_string(), x.to_string(), axis));
    return g;
}

/// Integers of less than a byte.
bool is_small(DType dtype) { return (is_signed_integer(dtype) || is_unsigned_integer(dtype)) && dtype_bits(dtype) < 8; }
bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }

void check_zero_point(const KernelContext& context, std::int64_t count, DType dtype) {
    if (context.input(2).element_count() != count) context.reject("scale and zero point differ in shape");
    if (context.input(2).dtype() != dtype) context.reject("values and zero point differ in type");
}

/// Zero points of an integer type as int32, one a scale element.
std::vector<std::int32_t> zero_points(const KernelContext& context, std::int64_t count, DType dtype) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count), 0);
    if (!context.has_input(2)) return result;
    check_zero_point(context, count, dtype);
    const Tensor zeros = is_small(dtype) ? unpack_small(context.input(2)) : context.input(2);
    dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>{}, context, zeros.dtype(),
             [&]<typename Q>() { std::copy_n(zeros.data<Q>(), count, result.begin()); });
    return result;
}

/// Zero points of a float type of 8 or 4 bits.
std::vector<float> float_zero_points(const KernelContext& context, std::int64_t count, DType dtype) {
    if (!context.has_input(2)) return std::vector<float>(static_cast<std::size_t>(count), 0.0f);
    check_zero_point(context, count, dtype);
    const Tensor zeros = small_to_float(context.input(2));
    return {zeros.values<float>().begin(), zeros.values<float>().end()};
}

/// Scales of any type as float32. Float64 does not occur in the operator's types.
Tensor scales(const KernelContext& context) {
    Tensor scale = as_float32(context.required(1));
    if (scale.dtype() != DType::Float32) context.reject_dtype(scale.dtype());
    return scale;
}

/// x / scale, rounded to the type that the division is done in.
Tensor quotients(const KernelContext& context, const QuantizeLinearAttrs& a, const Tensor& scale, const Granularity& g) {
    const DType given = a.precision != DType::Undefined ? a.precision : context.required(1).dtype();
    const Tensor x = as_float32(context.required(0));
    if (x.dtype() != DType::Float32) context.reject_dtype(x.dtype());
    // Operands of a lower precision than x are rounded to it first.
    const auto rounded = [&](const Tensor& tensor) { return is_half(given) ? half_to_float(float_to_half(tensor, given)) : tensor; };
    const Tensor top = rounded(x), bottom = rounded(scale);
    Tensor result = Tensor::uninitialized(DType::Float32, x.shape());
    const float *from = top.data<float>(), *divisors = bottom.data<float>();
    float* to = result.mutable_data<float>();
    g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
        for (std::int64_t i = 0; i < count; ++i) to[first + i] = from[first + i] / divisors[at + i * step];
    });
    return rounded(result);
}

void quantize_to_integers(const KernelContext& context, const Tensor& x, std::int64_t scale_count, const Granularity& g, DType out) {
    const std::vector<std::int32_t> zeros = zero_points(context, scale_count, out);
    const bool packs = is_small(out);
    const DType stored = !packs ? out : is_signed_integer(out) ? DType::Int8 : DType::UInt8;
    Tensor& y = context.make_output(0, stored, x.shape());
    dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t>{}, context, stored, [&]<typename Q>() {
        const QuantRange range = integer_range(out);
        const float* from = x.data<float>();
        Q* to = y.mutable_data<Q>();
        g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
            for (std::int64_t i = 0; i < count; ++i)
                to[first + i] =
                    static_cast<Q>(quantize_value(from[first + i], 1.0f, zeros[static_cast<std::size_t>(at + i * step)], range));
        });
    });
    if (packs) context.set_output(0, pack_small(y, out));
}

/// y = x / scale + zero point, rounded to the type of y. Float8 has no use for zero points: as in the published tests, they only name the type.
void quantize_to_floats(const KernelContext& context, Tensor x, bool saturates, std::int64_t scale_count, const Granularity& g, DType out) {
    const std::vector<float> zeros = float_zero_points(context, scale_count, out);
    float* values = x.mutable_data<float>();
    if (out == DType::Float4E2M1)
        g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
            for (std::int64_t i = 0; i < count; ++i) values[first + i] += zeros[static_cast<std::size_t>(at + i * step)];
        });
    context.set_output(0, float_to_small(x, out, saturates ? FloatOverflow::Saturates : FloatOverflow::Escapes));
}

void quantize_linear(const KernelContext& context) {
    const auto a = attrs<QuantizeLinearAttrs>(context.node);
    const Tensor scale = scales(context);
    const Granularity g = granularity(context, a, context.required(0).shape(), scale.shape());
    const DType out = context.has_input(2) ? context.input(2).dtype() : quantized_dtype(context.node);
    context.check_size(out, context.required(0).shape());
    const Tensor x = quotients(context, a, scale, g);
    if (is_small_float(out)) quantize_to_floats(context, x, a.saturate, scale.element_count(), g, out);
    else quantize_to_integers(context, x, scale.element_count(), g, out);
}

/// y[i] = (x[i] - zero point) · scale
template <typename Q, typename Zero>
void dequantize(const Q* x, const std::vector<Zero>& zeros, const float* scale, const Granularity& g, float* y) {
    using Difference = std::conditional_t<std::is_integral_v<Q>, std::int64_t, float>;
    g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t s = at + i * step;
            const auto difference = static_cast<Difference>(x[first + i]) - static_cast<Difference>(zeros[static_cast<std::size_t>(s)]);
            y[first + i] = static_cast<float>(difference) * scale[s];
        }
    });
}

void dequantize_linear(const KernelContext& context) {
    const auto a = attrs<QuantizeLinearAttrs>(context.node);
    const Tensor &given = context.required(0), scale = scales(context);
    const bool is_float = is_small_float(given.dtype());
    const Tensor x = is_float ? small_to_float(given) : is_small(given.dtype()) ? unpack_small(given) : given;
    const Granularity g = granularity(context, a, x.shape(), scale.shape());
    const DType natural = is_half(context.input(1).dtype()) ? context.input(1).dtype() : DType::Float32;
    const DType out = a.output_dtype == DType::Undefined ? natural : a.output_dtype;
    if (out != DType::Float32 && !is_half(out)) context.reject_dtype(out);
    Tensor& y = context.make_output(0, DType::Float32, x.shape());
    float* to = y.mutable_data<float>();
    const std::int64_t count = scale.element_count();
    if (is_float && given.dtype() != DType::Float4E2M1)
        for (const float zero : float_zero_points(context, count, given.dtype()))
            if (zero != 0.0f) context.reject("the zero point of a float8 type must be zero");
    if (is_float) dequantize(x.data<float>(), float_zero_points(context, count, given.dtype()), scale.data<float>(), g, to);
    else
        dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>{}, context, x.dtype(),
                 [&]<typename Q>() { dequantize(x.data<Q>(), zero_points(context, count, given.dtype()), scale.data<float>(), g, to); });
    if (is_half(out)) context.set_output(0, float_to_half(y, out));
}

void dynamic_quantize_linear(const KernelContext& context) {
    const Tensor& x = context.required(0);
    if (x.dtype() != DType::Float32) context.reject_dtype(x.dtype());
    ValueRange range;
    for (const float value : x.values<float>()) range = {std::min(range.min, value), std::max(range.max, value)};
    const auto [scale, zero, dtype] = choose_dynamic_params(range);
    const auto zero_point = static_cast<std::uint8_t>(zero);
    std::uint8_t* to = context.make_output(0, dtype, x.shape()).mutable_data<std::uint8_t>();
    for (std::int64_t i = 0; i < x.element_count(); ++i)
        to[i] = scale == 0.0f ? zero_point : static_cast<std::uint8_t>(quantize_value(x.data<float>()[i], scale, zero_point, {0, 255}));
    context.set_output(1, Tensor::scalar(scale));
    context.set_output(2, Tensor::scalar(zero_point));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "DequantizeLinear", dequantize_linear},
    {"", "DynamicQuantizeLinear", dynamic_quantize_linear},
    {"", "QuantizeLinear", quantize_linear},
};
// clang-format on

}  // namespace

std::span<const KernelRow> quantize_kernels() { return kRows; }

}  // namespace mcompress::reference
