// MatMulInteger and QLinearMatMul.
#include <algorithm>
#include <optional>

#include "engine/reference/codes.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/product.h"

namespace mcompress::reference {

namespace {

using Bytes = TypeList<std::uint8_t, std::int8_t>;

/// Sums of products wrap around like the int32 they are stored as.
using Sum = std::uint32_t;

/// Zero points of a matrix: one, or one a row (of A) or column (of B).
std::vector<std::int32_t> zero_points(const KernelContext& context, int index, std::int64_t count) {
    const Tensor& tensor = context.input(index);
    std::vector<std::int32_t> result(static_cast<std::size_t>(count), 0);
    if (!tensor.defined()) return result;
    dispatch(Bytes{}, context, tensor.dtype(), [&]<typename T>() {
        if (tensor.element_count() == 1) std::fill(result.begin(), result.end(), tensor.data<T>()[0]);
        else if (tensor.element_count() == count) std::copy_n(tensor.data<T>(), count, result.begin());
        else context.reject(format("zero point {} fits no {} rows or columns", tensor.shape().to_string(), count));
    });
    return result;
}

/// All products, where the engine has a routine for them: one zero point a matrix.
std::optional<Tensor> product_by_routines(const KernelContext& context, const MatMulSizes& sizes, const Tensor& a, const Tensor& b,
                                          const std::vector<std::int32_t>& a_zero, const std::vector<std::int32_t>& b_zero) {
    const auto is_one = [](const std::vector<std::int32_t>& zeros) {
        return !zeros.empty() && std::ranges::all_of(zeros, [&](std::int32_t zero) { return zero == zeros[0]; });
    };
    if (!context.routines || !is_one(a_zero) || !is_one(b_zero)) return std::nullopt;
    const Shape shape{sizes.batch, sizes.rows, sizes.columns};
    context.check_size(DType::Int32, shape);
    Tensor product = Tensor::uninitialized(DType::Int32, shape);
    for (std::int64_t entry = 0; entry < sizes.batch; ++entry) {
        const auto at = static_cast<std::size_t>(entry);
        const CodeMatrix left{a.bytes() + sizes.a_offsets[at], a.dtype(), a_zero[0], sizes.inner},
            right{b.bytes() + sizes.b_offsets[at], b.dtype(), b_zero[0], sizes.columns};
        std::int32_t* to = product.mutable_data<std::int32_t>() + entry * sizes.rows * sizes.columns;
        if (!context.routines->multiply({sizes.rows, sizes.inner, sizes.columns}, left, right, to, context.threads)) return std::nullopt;
    }
    return product;
}

/// Calls finish(row of the result, sums) for all rows of the product of inputs `a_index` and `b_index`.
template <typename Finish>
void multiply(const KernelContext& context, const MatMulSizes& sizes, const Tensor& a, const Tensor& b,
              const std::vector<std::int32_t>& a_zero, const std::vector<std::int32_t>& b_zero, Finish finish) {
    if (const auto product = product_by_routines(context, sizes, a, b, a_zero, b_zero)) {
        std::vector<Sum> sums(static_cast<std::size_t>(sizes.columns));
        for (std::int64_t row = 0; row < sizes.batch * sizes.rows; ++row) {
            std::copy_n(product->data<std::int32_t>() + row * sizes.columns, sizes.columns, sums.begin());
            finish(row, sums);
        }
        return;
    }
    dispatch(Bytes{}, context, a.dtype(), [&]<typename A>() {
        dispatch(Bytes{}, context, b.dtype(), [&]<typename B>() {
            for_each_row(context, sizes, [&](std::int64_t entry, std::int64_t row) {
                const auto at = static_cast<std::size_t>(entry);
                std::vector<Sum> sums(static_cast<std::size_t>(sizes.columns));
                product_row(MatrixView<A>{a.data<A>() + sizes.a_offsets[at], sizes.inner, 1}, row,
                            MatrixView<B>{b.data<B>() + sizes.b_offsets[at], sizes.columns, 1}, sizes.inner, sums,
                            static_cast<Sum>(a_zero[static_cast<std::size_t>(row)]),
                            [&](std::int64_t j) { return static_cast<Sum>(b_zero[static_cast<std::size_t>(j)]); });
                finish(entry * sizes.rows + row, sums);
            });
        });
    });
}

void mat_mul_integer(const KernelContext& context) {
    const Tensor &a = context.required(0), &b = context.required(1);
    const MatMulSizes sizes(context, a.shape(), b.shape());
    const std::vector<std::int32_t> a_zero = zero_points(context, 2, sizes.rows), b_zero = zero_points(context, 3, sizes.columns);
    if (const auto product = product_by_routines(context, sizes, a, b, a_zero, b_zero))
        return context.set_output(0, product->reshaped(sizes.output));
    std::int32_t* to = context.make_output(0, DType::Int32, sizes.output).mutable_data<std::int32_t>();
    multiply(context, sizes, a, b, a_zero, b_zero, [&](std::int64_t row, const std::vector<Sum>& sums) {
        std::transform(sums.begin(), sums.end(), to + row * sizes.columns, [](Sum sum) { return static_cast<std::int32_t>(sum); });
    });
}

/// A scale per matrix, or one a row or column.
std::vector<float> scales(const KernelContext& context, int index, std::int64_t count) {
    Tensor tensor = context.required(index);
    if (tensor.dtype() == DType::Float16 || tensor.dtype() == DType::BFloat16) tensor = half_to_float(tensor);
    if (tensor.dtype() != DType::Float32) context.reject_dtype(tensor.dtype());
    if (tensor.element_count() == 1) return std::vector<float>(static_cast<std::size_t>(count), tensor.data<float>()[0]);
    if (tensor.element_count() != count) context.reject(format("scale {} fits no {} rows or columns", tensor.shape().to_string(), count));
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

/// Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point.
void qlinear_mat_mul(const KernelContext& context) {
    const Tensor &a = context.required(0), &b = context.required(3);
    const MatMulSizes sizes(context, a.shape(), b.shape());
    const DType out = context.required(7).dtype();
    if (out != DType::UInt8 && out != DType::Int8) context.reject_dtype(out);
    const QuantRange range = integer_range(out);
    const std::int32_t y_zero = zero_points(context, 7, 1)[0];
    const float y_scale = scales(context, 6, 1)[0];
    const std::vector<float> a_scales = scales(context, 1, sizes.rows), b_scales = scales(context, 4, sizes.columns);
    std::byte* to = context.make_output(0, out, sizes.output).mutable_bytes();
    multiply(context, sizes, a, b, zero_points(context, 2, sizes.rows), zero_points(context, 5, sizes.columns),
             [&](std::int64_t row, const std::vector<Sum>& sums) {
                 for (std::int64_t j = 0; j < sizes.columns; ++j) {
                     const auto column = static_cast<std::size_t>(j);
                     const float product = a_scales[static_cast<std::size_t>(row % sizes.rows)] * b_scales[column];
                     to[row * sizes.columns + j] =
                         static_cast<std::byte>(requantized_sum(static_cast<std::int32_t>(sums[column]), product / y_scale, y_zero, range));
                 }
             });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "MatMulInteger", mat_mul_integer},
    {"", "QLinearMatMul", qlinear_mat_mul},
};
// clang-format on

}  // namespace

std::span<const KernelRow> integer_product_kernels() { return kRows; }

}  // namespace mcompress::reference
