// com.microsoft: elementwise operators, concatenation, softmax and mean on 8-bit codes, with the arithmetic of ONNX Runtime.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference/broadcast.h"
#include "engine/reference/codes.h"
#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/elementwise.h"
#include "ops/microsoft.h"
#include "support/error.h"

namespace mcompress::reference {

CodeScale read_code_scale(const KernelContext& context, int scale, int zero_point) {
    const Tensor& factor = context.required(scale);
    if (factor.dtype() != DType::Float32) context.reject_dtype(factor.dtype());
    if (factor.element_count() != 1) context.reject(format("the scale {} is not one number", factor.shape().to_string()));
    CodeScale result{factor.data<float>()[0], 0};
    if (!context.has_input(zero_point)) return result;
    const Tensor& zero = context.input(zero_point);
    if (zero.element_count() != 1) context.reject(format("the zero point {} is not one number", zero.shape().to_string()));
    result.zero_point = code_of(*code_bytes(context, zero), zero.dtype());
    return result;
}

const std::uint8_t* code_bytes(const KernelContext& context, const Tensor& tensor) {
    if (tensor.dtype() != DType::UInt8 && tensor.dtype() != DType::Int8) context.reject_dtype(tensor.dtype());
    return reinterpret_cast<const std::uint8_t*>(tensor.bytes());
}

namespace {

std::uint8_t* make_codes(const KernelContext& context, DType dtype, Shape shape) {
    return reinterpret_cast<std::uint8_t*>(context.make_output(0, dtype, std::move(shape)).mutable_bytes());
}

/// Inputs 0 to 2 and 3 to 5 are tensor, scale, zero point; 6 and 7 the output's scale and zero point.
struct BinaryCodes {
    CodeScale a, b, c;
    DType dtype;

    explicit BinaryCodes(const KernelContext& context)
        : a(read_code_scale(context, 1, 2)),
          b(read_code_scale(context, 4, 5)),
          c(read_code_scale(context, 6, 7)),
          dtype(context.required(0).dtype()) {
        if (context.required(3).dtype() != dtype) context.reject_dtype(context.input(3).dtype());
    }
};

/// Calls run(to, from a, step of a, from b, step of b, count) for innermost runs of the broadcast inputs 0 and 3.
template <typename Run> void for_each_run(const KernelContext& context, DType dtype, Run&& run) {
    const Tensor &a = context.required(0), &b = context.required(3);
    const Shape shape = broadcast_shape(context, a.shape(), b.shape());
    const std::uint8_t *from_a = code_bytes(context, a), *from_b = code_bytes(context, b);
    std::uint8_t* to = make_codes(context, dtype, shape);
    const StridedLoop<2> loop(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    const auto steps = loop.inner_steps();
    loop.run([&](const auto& offset) {
        run(to, from_a + offset[0], steps[0], from_b + offset[1], steps[1], loop.inner_size());
        to += loop.inner_size();
    });
}

/// a·ra + (b·rb + offset), each product fused with its sum; a scalar operand comes second.
struct SumFactors {
    float a, b, offset;
    SumFactors(const CodeScale& first, const CodeScale& second, const CodeScale& sum)
        : a(first.scale / sum.scale), b(second.scale / sum.scale) {
        const float zero_b = b * static_cast<float>(second.zero_point);
        offset = static_cast<float>(sum.zero_point) - std::fma(a, static_cast<float>(first.zero_point), zero_b);
    }
};

void qlinear_add(const KernelContext& context) {
    const BinaryCodes codes(context);
    const SumFactors forward(codes.a, codes.b, codes.c), backward(codes.b, codes.a, codes.c);
    const DType dtype = codes.dtype;
    for_each_run(
        context, dtype,
        [&](std::uint8_t* to, const std::uint8_t* a, std::int64_t a_step, const std::uint8_t* b, std::int64_t b_step, std::int64_t count) {
            const bool swaps = a_step == 0 && b_step != 0;
            if (swaps) std::swap(a, b), std::swap(a_step, b_step);
            const SumFactors& f = swaps ? backward : forward;
            for (std::int64_t i = 0; i < count; ++i) {
                const float inner = std::fma(static_cast<float>(code_of(b[i * b_step], dtype)), f.b, f.offset);
                to[i] = saturated_byte(std::fma(static_cast<float>(code_of(a[i * a_step], dtype)), f.a, inner), dtype);
            }
        });
}

void qlinear_mul(const KernelContext& context) {
    const BinaryCodes codes(context);
    const float ratio = codes.a.scale * codes.b.scale / codes.c.scale, zero = static_cast<float>(codes.c.zero_point);
    const DType dtype = codes.dtype;
    for_each_run(
        context, dtype,
        [&](std::uint8_t* to, const std::uint8_t* a, std::int64_t a_step, const std::uint8_t* b, std::int64_t b_step, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int32_t product =
                    (code_of(a[i * a_step], dtype) - codes.a.zero_point) * (code_of(b[i * b_step], dtype) - codes.b.zero_point);
                to[i] = saturated_byte(static_cast<float>(product) * ratio + zero, dtype);
            }
        });
}

/// X, its scale and zero point, the scale and zero point of Y.
template <typename Function> void map_codes(const KernelContext& context, Function function) {
    const Tensor& x = context.required(0);
    const std::uint8_t* from = code_bytes(context, x);
    const ByteTable table = byte_table(x.dtype(), read_code_scale(context, 1, 2), read_code_scale(context, 3, 4), function);
    std::transform(from, from + x.element_count(), make_codes(context, x.dtype(), x.shape()),
                   [&](std::uint8_t byte) { return table[byte]; });
}

void qlinear_sigmoid(const KernelContext& context) {
    map_codes(context, [](float x) { return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x)))); });
}

void qlinear_leaky_relu(const KernelContext& context) {
    const float alpha = attrs<LeakyReluAttrs>(context.node).alpha;
    map_codes(context, [=](float x) { return x >= 0.0F ? x : alpha * x; });
}

/// Codes of one scale as codes of another; equal scales leave them as they are.
ByteTable rescaling_table(DType dtype, const CodeScale& from, const CodeScale& to) {
    if (!(from == to)) return byte_table(dtype, from, to, [](float x) { return x; });
    ByteTable table{};
    for (std::size_t byte = 0; byte < table.size(); ++byte) table[byte] = static_cast<std::uint8_t>(byte);
    return table;
}

Tensor rescaled(const KernelContext& context, const Tensor& x, const CodeScale& from, const CodeScale& to) {
    const std::uint8_t* bytes = code_bytes(context, x);
    const ByteTable table = rescaling_table(x.dtype(), from, to);
    Tensor result = Tensor::uninitialized(x.dtype(), x.shape());
    std::transform(bytes, bytes + x.element_count(), reinterpret_cast<std::uint8_t*>(result.mutable_bytes()),
                   [&](std::uint8_t byte) { return table[byte]; });
    return result;
}

/// Y scale, Y zero point, then tensor, scale, zero point of every input.
void qlinear_concat(const KernelContext& context) {
    (void)context.required(1);
    const CodeScale to = read_code_scale(context, 0, 1);
    std::vector<Tensor> parts;
    for (int index = 2; index + 2 < static_cast<int>(context.inputs.size()); index += 3) {
        if (context.required(index).dtype() != context.input(1).dtype()) context.reject_dtype(context.input(index).dtype());
        parts.push_back(rescaled(context, context.required(index), read_code_scale(context, index + 1, index + 2), to));
    }
    context.set_output(0, run_standard(context, "Concat", parts)[0]);
}

/// Condition, X, its scale and zero point, Y, its scale and zero point, the scale and zero point of Z.
void qlinear_where(const KernelContext& context) {
    const CodeScale to = read_code_scale(context, 7, 8);
    const Tensor parts[] = {context.required(0), rescaled(context, context.required(1), read_code_scale(context, 2, 3), to),
                            rescaled(context, context.required(4), read_code_scale(context, 5, 6), to)};
    context.set_output(0, run_standard(context, "Where", parts)[0]);
}

/// exp of every code relative to the largest one, shifted up as far as a sum of `count` of them stays finite.
std::array<float, 256> exponentials(float scale, std::int64_t count) {
    const double room = std::log(static_cast<double>(std::numeric_limits<float>::max()) / static_cast<double>(count));
    const double shift = std::max(0.0, room - 5.0) / static_cast<double>(scale);
    std::array<float, 256> table{};
    for (int step = 0; step < 256; ++step)
        table[static_cast<std::size_t>(step)] =
            static_cast<float>(std::exp((static_cast<double>(step) - 255.0 + shift) * static_cast<double>(scale)));
    return table;
}

/// One run of `count` codes, `step` apart: round(e·floor(1 / y scale) / Σe) + zero point.
void softmax_run(const std::uint8_t* from, std::uint8_t* to, std::int64_t count, std::int64_t step, DType dtype,
                 const std::array<float, 256>& table, const CodeScale& y) {
    std::int32_t largest = integer_range(dtype).min;
    for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, code_of(from[i * step], dtype));
    const auto exponential = [&](std::int64_t i) {
        return table[static_cast<std::size_t>(255 - (largest - code_of(from[i * step], dtype)))];
    };
    float sum = 0.0F;
    for (std::int64_t i = 0; i < count; ++i) sum += exponential(i);
    const float factor = std::floor(1.0F / y.scale);
    for (std::int64_t i = 0; i < count; ++i) {
        const float quotient = sum == 0.0F ? 0.0F : std::nearbyintf(exponential(i) * factor / sum);
        to[i * step] = saturated_byte(quotient + static_cast<float>(y.zero_point), dtype);
    }
}

void qlinear_softmax(const KernelContext& context) {
    const auto a = attrs<QLinearSoftmaxAttrs>(context.node);
    const Tensor& x = context.required(0);
    const CodeScale from = read_code_scale(context, 1, 2), to = read_code_scale(context, 3, 4);
    const int rank = x.shape().rank(), axis = checked_axis(context, a.axis, rank);
    const std::int64_t outer = x.shape().product(0, axis), inner = a.one_axis ? x.shape().product(axis + 1, rank) : 1;
    const std::int64_t extent = a.one_axis ? x.shape()[axis] : x.shape().product(axis, rank);
    const std::uint8_t* codes = code_bytes(context, x);
    std::uint8_t* out = make_codes(context, x.dtype(), x.shape());
    if (extent == 0) return;
    const auto table = exponentials(from.scale, extent);
    for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i) {
            const std::int64_t base = o * extent * inner + i;
            softmax_run(codes + base, out + base, extent, inner, x.dtype(), table, to);
        }
}

void qlinear_reduce_mean(const KernelContext& context) {
    const auto a = attrs<QLinearReduceMeanAttrs>(context.node);
    const Tensor& x = context.required(0);
    const CodeScale from = read_code_scale(context, 1, 2), to = read_code_scale(context, 3, 4);
    const int rank = x.shape().rank();
    std::vector<std::int64_t> kept(x.shape().begin(), x.shape().end()), pruned;
    std::vector<bool> reduces(static_cast<std::size_t>(rank), a.axes.empty());
    for (const std::int64_t axis : a.axes) reduces[static_cast<std::size_t>(checked_axis(context, axis, rank))] = true;
    for (std::size_t axis = 0; axis < reduces.size(); ++axis) {
        if (reduces[axis]) kept[axis] = 1;
        if (!reduces[axis] || a.keeps_dims) pruned.push_back(kept[axis]);
    }
    const Shape sums_shape(kept);
    std::vector<std::int64_t> sums(static_cast<std::size_t>(sums_shape.element_count()), 0);
    const std::uint8_t* codes = code_bytes(context, x);
    Strides strides = sums_shape.strides();
    for (std::size_t axis = 0; axis < reduces.size(); ++axis)
        if (reduces[axis]) strides[axis] = 0;
    const StridedLoop<1> loop(x.shape(), {strides});
    loop.run([&](const auto& offset) {
        for (std::int64_t i = 0; i < loop.inner_size(); ++i)
            sums[static_cast<std::size_t>(offset[0] + i * loop.inner_steps()[0])] += code_of(*codes++, x.dtype()) - from.zero_point;
    });
    const auto count = static_cast<double>(x.element_count()) / static_cast<double>(std::max<std::size_t>(1, sums.size()));
    std::uint8_t* out = make_codes(context, x.dtype(), Shape(pruned));
    for (const std::int64_t sum : sums) {
        const auto mean = static_cast<float>(static_cast<double>(sum) / count * static_cast<double>(from.scale));
        *out++ = static_cast<std::uint8_t>(quantize_value(mean, to.scale, to.zero_point, integer_range(x.dtype())));
    }
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "QLinearAdd", qlinear_add},
    {kDomain, "QLinearConcat", qlinear_concat},
    {kDomain, "QLinearLeakyRelu", qlinear_leaky_relu},
    {kDomain, "QLinearMul", qlinear_mul},
    {kDomain, "QLinearReduceMean", qlinear_reduce_mean},
    {kDomain, "QLinearSigmoid", qlinear_sigmoid},
    {kDomain, "QLinearSoftmax", qlinear_softmax},
    {kDomain, "QLinearWhere", qlinear_where},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_qlinear_kernels() { return kRows; }

}  // namespace mcompress::reference
