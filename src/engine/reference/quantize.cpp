// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/quantization.h"
#include "quant/affine.h"
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

bool is_small(DType dtype) { return dtype_bits(dtype) == 4 || dtype_bits(dtype) == 2; }

/// Zero points as int32, one a scale element.
std::vector<std::int32_t> zero_points(const KernelContext& context, std::int64_t count) {
    std::vector<std::int32_t> result(static_cast<std::size_t>(count), 0);
    if (!context.has_input(2)) return result;
    const Tensor given = context.input(2);
    if (given.element_count() != count) context.reject("scale and zero point differ in shape");
    const Tensor zeros = is_small(given.dtype()) ? unpack_small(given) : given;
    dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>{}, context, zeros.dtype(),
             [&]<typename Q>() { std::copy_n(zeros.data<Q>(), count, result.begin()); });
    return result;
}

/// Scales as float. Float64 does not occur in the operator's types.
Tensor scales(const KernelContext& context) {
    const Tensor& scale = context.required(1);
    if (scale.dtype() != DType::Float32) context.reject_dtype(scale.dtype());
    return scale;
}

template <typename X> float as_float(X value) { return static_cast<float>(value); }

void quantize_linear(const KernelContext& context) {
    const auto a = attrs<QuantizeLinearAttrs>(context.node);
    const Tensor &x = context.required(0), scale = scales(context);
    const Granularity g = granularity(context, a, x.shape(), scale.shape());
    const std::vector<std::int32_t> zeros = zero_points(context, scale.element_count());
    const DType out = context.has_input(2) ? context.input(2).dtype() : quantized_dtype(context.node);
    const bool packs = is_small(out);
    const DType stored = !packs ? out : is_signed_integer(out) ? DType::Int8 : DType::UInt8;
    Tensor& y = context.make_output(0, stored, x.shape());
    dispatch(TypeList<float, std::int32_t>{}, context, x.dtype(), [&]<typename X>() {
        dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t>{}, context, stored, [&]<typename Q>() {
            const QuantRange range = integer_range(out);
            const X* from = x.data<X>();
            Q* to = y.mutable_data<Q>();
            g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
                for (std::int64_t i = 0; i < count; ++i) {
                    const std::int64_t s = at + i * step;
                    to[first + i] = static_cast<Q>(
                        quantize_value(as_float(from[first + i]), scale.data<float>()[s], zeros[static_cast<std::size_t>(s)], range));
                }
            });
        });
    });
    if (packs) context.set_output(0, pack_small(y, out));
}

void dequantize_linear(const KernelContext& context) {
    const auto a = attrs<QuantizeLinearAttrs>(context.node);
    const Tensor given = context.required(0), scale = scales(context);
    const Tensor x = is_small(given.dtype()) ? unpack_small(given) : given;
    const Granularity g = granularity(context, a, x.shape(), scale.shape());
    const std::vector<std::int32_t> zeros = zero_points(context, scale.element_count());
    float* to = context.make_output(0, DType::Float32, x.shape()).mutable_data<float>();
    dispatch(TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>{}, context, x.dtype(), [&]<typename Q>() {
        const Q* from = x.data<Q>();
        g.for_each_run([&](std::int64_t first, std::int64_t count, std::int64_t at, std::int64_t step) {
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t s = at + i * step;
                const std::int64_t difference = static_cast<std::int64_t>(from[first + i]) - zeros[static_cast<std::size_t>(s)];
                to[first + i] = static_cast<float>(difference) * scale.data<float>()[s];
            }
        });
    });
}

/// Range over all elements and zero, 8 bits, as the operator's definition says: scale = (max - min) / 255, zero = round(saturate(-min/scale)).
void dynamic_quantize_linear(const KernelContext& context) {
    const Tensor& x = context.required(0);
    if (x.dtype() != DType::Float32) context.reject_dtype(x.dtype());
    float low = 0.0f, high = 0.0f;
    for (const float value : x.values<float>()) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    const float scale = (high - low) / 255.0f;
    const float zero = scale == 0.0f ? 0.0f : std::nearbyint(std::clamp(0.0f - low / scale, 0.0f, 255.0f));
    const auto zero_point = static_cast<std::uint8_t>(zero);
    std::uint8_t* to = context.make_output(0, DType::UInt8, x.shape()).mutable_data<std::uint8_t>();
    for (std::int64_t i = 0; i < x.element_count(); ++i)
        to[i] = scale == 0.0f ? zero_point : static_cast<std::uint8_t>(quantize_value(x.data<float>()[i], scale, zero_point, {0, 255}));
    context.set_output(1, Tensor::scalar(scale));
    context.set_output(2, Tensor::scalar(zero_point));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "DequantizeLinear", widened<dequantize_linear>},
    {"", "DynamicQuantizeLinear", dynamic_quantize_linear},
    {"", "QuantizeLinear", widened<quantize_linear>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> quantize_kernels() { return kRows; }

}  // namespace mcompress::reference
