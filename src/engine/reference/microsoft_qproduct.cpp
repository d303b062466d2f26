// com.microsoft: products with quantized operands.
#include <algorithm>
#include <cmath>

#include "engine/reference/codes.h"
#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/nbits_weights.h"
#include "engine/reference/product.h"
#include "ops/microsoft.h"

namespace mcompress::reference {

namespace {

/// Scales of the columns of a product: one, or one a column (leading axes of extent 1 or more aside).
struct ColumnScales {
    const float* values;
    bool is_single;
    ColumnScales(const KernelContext& context, int index, std::int64_t columns) {
        const Tensor& scale = context.required(index);
        if (scale.dtype() != DType::Float32) context.reject_dtype(scale.dtype());
        if (scale.element_count() != 1 && scale.element_count() != columns)
            context.reject(format("scale {} fits no {} columns", scale.shape().to_string(), columns));
        values = scale.data<float>();
        is_single = scale.element_count() == 1;
    }
    float operator()(std::int64_t column) const { return values[is_single ? 0 : column]; }
};

}  // namespace

Tensor scaled_sums(const KernelContext& context, const Tensor& sums, float a_scale, int b_scale, int bias_index) {
    const std::int64_t columns = sums.shape().rank() > 0 ? sums.shape()[sums.shape().rank() - 1] : 1;
    const ColumnScales scales(context, b_scale, columns);
    const Tensor& bias = context.input(bias_index);
    if (bias.defined() && (bias.dtype() != DType::Float32 || bias.element_count() != columns))
        context.reject(format("the bias {} fits no {} columns", bias.shape().to_string(), columns));
    std::vector<float> units(static_cast<std::size_t>(columns)), offsets(units.size(), 0.0F);
    for (std::int64_t column = 0; column < columns; ++column) {
        units[static_cast<std::size_t>(column)] = a_scale * scales(column);
        if (bias.defined()) offsets[static_cast<std::size_t>(column)] = bias.data<float>()[column];
    }
    context.check_size(DType::Float32, sums.shape());
    Tensor result = Tensor::uninitialized(DType::Float32, sums.shape());
    float* to = result.mutable_data<float>();
    const std::int32_t* from = sums.data<std::int32_t>();
    for (const float* end = to + result.element_count(); to != end; to += columns, from += columns)
        for (std::int64_t column = 0; column < columns; ++column)
            to[column] =
                static_cast<float>(from[column]) * units[static_cast<std::size_t>(column)] + offsets[static_cast<std::size_t>(column)];
    return result;
}

namespace {

/// A, B, A scale, B scale, A zero point, B zero point, bias.
void matmul_integer_to_float(const KernelContext& context) {
    const Tensor inputs[] = {context.required(0), context.required(1), context.input(4), context.input(5)};
    const Tensor& a_scale = context.required(2);
    if (a_scale.dtype() != DType::Float32) context.reject_dtype(a_scale.dtype());
    if (a_scale.element_count() != 1) context.reject(format("the scale {} is not one number", a_scale.shape().to_string()));
    context.set_output(0, scaled_sums(context, run_standard(context, "MatMulInteger", inputs)[0], a_scale.data<float>()[0], 3, 6));
}

/// A, B, B scale, B zero point, bias. A is quantized as DynamicQuantizeLinear does.
void dynamic_quantize_matmul(const KernelContext& context) {
    const Tensor a[] = {context.required(0)};
    const std::vector<Tensor> codes = run_standard(context, "DynamicQuantizeLinear", a);
    const Tensor inputs[] = {codes[0], context.required(1), codes[2], context.input(3)};
    context.set_output(0, scaled_sums(context, run_standard(context, "MatMulInteger", inputs)[0], codes[1].data<float>()[0], 2, 4));
}

/// C broadcast to the sums, added in 32 bits.
void add_integer_bias(const KernelContext& context, const Tensor& c, Tensor& sums) {
    if (!c.defined()) return;
    const Tensor inputs[] = {sums, c};
    Tensor total = run_standard(context, "Add", inputs)[0];
    if (total.shape() != sums.shape())
        context.reject(format("C of shape {} does not broadcast to {}", c.shape().to_string(), sums.shape().to_string()));
    sums = std::move(total);
}

/// A, A scale, A zero point, B, B scale, B zero point, C, Y scale, Y zero point.
void qgemm(const KernelContext& context) {
    const auto a = attrs<GemmAttrs>(context.node);
    if (context.required(0).shape().rank() != 2 || context.required(3).shape().rank() != 2) context.reject("expected two matrices");
    const auto turned = [&](int index, MatrixOrder order) {
        return order == MatrixOrder::Transposed ? permuted(context, context.input(index), {1, 0}) : context.input(index);
    };
    const Tensor inputs[] = {turned(0, a.a), turned(3, a.b), context.input(2), context.input(5)};
    Tensor sums = run_standard(context, "MatMulInteger", inputs)[0];
    add_integer_bias(context, context.input(6), sums);
    const float a_scale = read_code_scale(context, 1, 2).scale * a.alpha;
    if (!context.has_input(8)) return context.set_output(0, scaled_sums(context, sums, a_scale, 4, -1));
    const std::int64_t columns = sums.shape()[1];
    const ColumnScales b_scale(context, 4, columns);
    const CodeScale y = read_code_scale(context, 7, 8);
    const DType dtype = context.input(8).dtype();
    auto* to = reinterpret_cast<std::uint8_t*>(context.make_output(0, dtype, sums.shape()).mutable_bytes());
    for (std::int64_t i = 0; i < sums.element_count(); ++i) {
        const float scaled = static_cast<float>(sums.data<std::int32_t>()[i]) * (a_scale * b_scale(i % columns) / y.scale);
        to[i] = saturated_byte(std::nearbyintf(scaled) + static_cast<float>(y.zero_point), dtype);
    }
}

/// The packed weights of MatMulNBits, and how a column of them reads as numbers.
class PackedWeights {
public:
    PackedWeights(const KernelContext& context, const MatMulNBitsAttrs& a) : a_(a) {
        const Tensor &codes = context.required(1), &scales = context.required(2), &zeros = context.input(3);
        if (codes.dtype() != DType::UInt8) context.reject_dtype(codes.dtype());
        if (scales.dtype() != DType::Float32) context.reject_dtype(scales.dtype());
        check(context, codes, a.blocks() * a.block_bytes());
        check(context, scales, a.blocks());
        codes_ = codes.data<std::uint8_t>();
        scales_ = scales.data<float>();
        if (context.has_input(4)) context.reject("a group index is not executed");
        if (!zeros.defined()) return;
        if (zeros.dtype() == DType::UInt8) {
            check(context, zeros, a.zero_point_bytes());
            zero_codes_ = zeros.data<std::uint8_t>();
        } else {
            if (zeros.dtype() != DType::Float32) context.reject_dtype(zeros.dtype());
            check(context, zeros, a.blocks());
            zero_numbers_ = zeros.data<float>();
        }
    }

    /// Column `column`, `step` apart.
    void read(std::int64_t column, float* to, std::int64_t step) const {
        for (std::int64_t block = 0; block < a_.blocks(); ++block) {
            const std::uint8_t* codes = codes_ + (column * a_.blocks() + block) * a_.block_bytes();
            const float scale = scales_[column * a_.blocks() + block], zero = zero_point(column, block);
            const std::int64_t first = block * a_.block_size, count = std::min(a_.block_size, a_.inner - first);
            for (std::int64_t i = 0; i < count; ++i) to[(first + i) * step] = (static_cast<float>(code(codes, i)) - zero) * scale;
        }
    }

    float zero_point(std::int64_t column, std::int64_t block) const {
        if (zero_numbers_) return zero_numbers_[column * a_.blocks() + block];
        if (zero_codes_) return static_cast<float>(code(zero_codes_ + column * a_.zero_point_bytes(), block));
        return static_cast<float>(1 << (a_.bits - 1));
    }

private:
    void check(const KernelContext& context, const Tensor& tensor, std::int64_t row) const {
        std::int64_t expected = 0;
        if (__builtin_mul_overflow(a_.columns, row, &expected) || tensor.element_count() != expected)
            context.reject(format("an input of shape {} does not hold {} columns of {}", tensor.shape().to_string(), a_.columns, row));
    }
    int code(const std::uint8_t* from, std::int64_t index) const {
        const std::int64_t bit = index * a_.bits;
        return (from[bit / 8] >> (bit % 8)) & ((1 << a_.bits) - 1);
    }

    const MatMulNBitsAttrs& a_;
    const std::uint8_t* codes_ = nullptr;
    const float* scales_ = nullptr;
    const std::uint8_t* zero_codes_ = nullptr;
    const float* zero_numbers_ = nullptr;
};

/// Columns that are dequantized at once, side by side.
constexpr std::int64_t kTile = 32;

void multiply_tile(const Tensor& a, const PackedWeights& weights, std::int64_t inner, std::int64_t columns, std::int64_t first,
                   const float* bias, float* to) {
    const std::int64_t count = std::min(kTile, columns - first), rows = inner > 0 ? a.element_count() / inner : 0;
    std::vector<float> tile(static_cast<std::size_t>(inner * count));
    for (std::int64_t j = 0; j < count; ++j) weights.read(first + j, tile.data() + j, count);
    std::vector<double> sums(static_cast<std::size_t>(count));
    for (std::int64_t row = 0; row < rows; ++row) {
        product_row(MatrixView<float>{a.data<float>(), inner, 1}, row, MatrixView<float>{tile.data(), count, 1}, inner, sums, 0.0,
                    [](std::int64_t) { return 0.0; });
        for (std::int64_t j = 0; j < count; ++j)
            to[row * columns + first + j] =
                static_cast<float>(sums[static_cast<std::size_t>(j)] + (bias ? static_cast<double>(bias[first + j]) : 0.0));
    }
}

}  // namespace

Tensor dequantized_nbits_weights(const KernelContext& context) {
    const auto a = attrs<MatMulNBitsAttrs>(context.node);
    const PackedWeights weights(context, a);
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{a.columns, a.inner});
    float* to = result.mutable_data<float>();
    parallel_for(static_cast<std::size_t>(a.columns), context.threads, [&](int, std::size_t column) {
        weights.read(static_cast<std::int64_t>(column), to + static_cast<std::int64_t>(column) * a.inner, 1);
    });
    return result;
}

Tensor nbits_zero_points(const KernelContext& context) {
    const auto a = attrs<MatMulNBitsAttrs>(context.node);
    const PackedWeights weights(context, a);
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{a.columns, a.blocks()});
    float* to = result.mutable_data<float>();
    for (std::int64_t column = 0; column < a.columns; ++column)
        for (std::int64_t block = 0; block < a.blocks(); ++block) *to++ = weights.zero_point(column, block);
    return result;
}

namespace {

/// A, packed B, scales, zero points, group index, bias.
void matmul_nbits(const KernelContext& context) {
    const auto a = attrs<MatMulNBitsAttrs>(context.node);
    const Tensor &left = context.required(0), &bias = context.input(5);
    if (left.dtype() != DType::Float32) context.reject_dtype(left.dtype());
    const int rank = left.shape().rank();
    if (rank < 1 || left.shape()[rank - 1] != a.inner)
        context.reject(format("A of shape {} does not have {} columns", left.shape().to_string(), a.inner));
    if (bias.defined() && (bias.dtype() != DType::Float32 || bias.element_count() != a.columns)) context.reject("the bias does not fit");
    const PackedWeights weights(context, a);
    Shape shape = left.shape();
    shape[rank - 1] = a.columns;
    float* to = context.make_output(0, DType::Float32, shape).mutable_data<float>();
    const std::int64_t tiles = (a.columns + kTile - 1) / kTile;
    const bool pays = left.element_count() * a.columns + a.inner * a.columns > kWorthThreads;
    parallel_for(static_cast<std::size_t>(tiles), pays ? context.threads : 1, [&](int, std::size_t tile) {
        multiply_tile(left, weights, a.inner, a.columns, static_cast<std::int64_t>(tile) * kTile,
                      bias.defined() ? bias.data<float>() : nullptr, to);
    });
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "DynamicQuantizeMatMul", dynamic_quantize_matmul},
    {kDomain, "MatMulIntegerToFloat", widened<matmul_integer_to_float>},
    {kDomain, "MatMulNBits", widened<matmul_nbits>},
    {kDomain, "QGemm", qgemm},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_qproduct_kernels() { return kRows; }

}  // namespace mcompress::reference
