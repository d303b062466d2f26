// MatMul and Gemm.
#include "ops/matmul.h"
#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/product.h"

namespace mcompress::reference {

namespace {

std::vector<std::int64_t> batch_offsets(const Shape& operand, const Shape& batch, std::int64_t matrix_size) {
    const Shape own(std::vector<std::int64_t>(operand.begin(), operand.end() - 2));
    std::vector<std::int64_t> offsets;
    const StridedLoop<1> loop(batch, {broadcast_strides(own, batch)});
    loop.run([&](const auto& offset) {
        for (std::int64_t i = 0; i < loop.inner_size(); ++i) offsets.push_back((offset[0] + i * loop.inner_steps()[0]) * matrix_size);
    });
    return offsets;
}

}  // namespace

MatMulSizes::MatMulSizes(const KernelContext& context, const Shape& a_given, const Shape& b_given) {
    if (a_given.rank() == 0 || b_given.rank() == 0) context.reject("a scalar is no matrix");
    Shape a = a_given, b = b_given;
    if (a.rank() == 1) a = Shape{1, a[0]};
    if (b.rank() == 1) b = Shape{b[0], 1};
    rows = a[a.rank() - 2];
    inner = a[a.rank() - 1];
    columns = b[b.rank() - 1];
    const auto leading =
        broadcast(Shape(std::vector<std::int64_t>(a.begin(), a.end() - 2)), Shape(std::vector<std::int64_t>(b.begin(), b.end() - 2)));
    if (inner != b[b.rank() - 2] || !leading)
        context.reject(format("matrices {} and {} cannot be multiplied", a_given.to_string(), b_given.to_string()));
    // Without elements there are no products, however many the leading axes would make.
    batch = rows > 0 && columns > 0 ? leading->element_count() : 0;
    if (batch > 0) {
        a_offsets = batch_offsets(a, *leading, rows * inner);
        b_offsets = batch_offsets(b, *leading, inner * columns);
    }
    std::vector<std::int64_t> dims = leading->dims();
    if (a_given.rank() > 1) dims.push_back(rows);
    if (b_given.rank() > 1) dims.push_back(columns);
    output = Shape(std::move(dims));
}

namespace {

/// By the engine's routines; one product of all rows where every batch entry meets the same matrix.
void multiply_by_routines(const KernelContext& context, const MatMulSizes& sizes, const float* a, const float* b, float* to) {
    if (sizes.batch == 0) return;
    bool is_one = true;
    for (std::int64_t entry = 0; entry < sizes.batch; ++entry) {
        const auto at = static_cast<std::size_t>(entry);
        is_one = is_one && sizes.b_offsets[at] == 0 && sizes.a_offsets[at] == entry * sizes.rows * sizes.inner;
    }
    const std::int64_t products = is_one ? 1 : sizes.batch;
    const ProductSizes product{is_one ? sizes.batch * sizes.rows : sizes.rows, sizes.inner, sizes.columns};
    const std::int64_t work = products * product.rows * product.inner * product.columns;
    const bool is_parallel = products >= context.threads && work > kWorthThreads;
    context.routines->for_each(products, is_parallel ? context.threads : 1, [&](std::int64_t at) {
        const auto entry = static_cast<std::size_t>(at);
        context.routines->multiply(product, {a + sizes.a_offsets[entry], sizes.inner}, {b + sizes.b_offsets[entry], sizes.columns}, 1.0F,
                                   to + at * sizes.rows * sizes.columns, sizes.columns, is_parallel ? 1 : context.threads);
    });
}

template <typename T, typename Acc> void multiply(const KernelContext& context, const Tensor& a, const Tensor& b) {
    const MatMulSizes sizes(context, a.shape(), b.shape());
    T* to = context.make_output(0, a.dtype(), sizes.output).mutable_data<T>();
    if constexpr (std::is_same_v<T, float>)
        if (context.routines) return multiply_by_routines(context, sizes, a.data<T>(), b.data<T>(), to);
    for_each_row(context, sizes, [&](std::int64_t entry, std::int64_t row) {
        std::vector<Acc> sums(static_cast<std::size_t>(sizes.columns));
        const auto at = static_cast<std::size_t>(entry);
        product_row(MatrixView<T>{a.data<T>() + sizes.a_offsets[at], sizes.inner, 1}, row,
                    MatrixView<T>{b.data<T>() + sizes.b_offsets[at], sizes.columns, 1}, sizes.inner, sums, Acc{},
                    [](std::int64_t) { return Acc{}; });
        T* out = to + (entry * sizes.rows + row) * sizes.columns;
        for (std::size_t j = 0; j < sums.size(); ++j) out[j] = static_cast<T>(sums[j]);
    });
}

void mat_mul(const KernelContext& context) {
    const Tensor &a = context.required(0), &b = context.required(1);
    if (a.dtype() != b.dtype()) context.reject_dtype(b.dtype());
    dispatch(TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>{}, context, a.dtype(), [&]<typename T>() {
        if constexpr (std::is_integral_v<T>) multiply<T, std::make_unsigned_t<T>>(context, a, b);
        else multiply<T, double>(context, a, b);
    });
}

/// C broadcast to [rows, columns], times beta, as double.
template <typename T> void add_scaled(const KernelContext& context, const Tensor& c, const Shape& shape, double beta, T* to) {
    if (!broadcast(c.shape(), shape) || *broadcast(c.shape(), shape) != shape)
        context.reject(format("C of shape {} does not broadcast to {}", c.shape().to_string(), shape.to_string()));
    const StridedLoop<1> loop(shape, {broadcast_strides(c.shape(), shape)});
    const std::int64_t step = loop.inner_steps()[0];
    loop.run([&](const auto& offset) {
        const T* from = c.data<T>() + offset[0];
        for (std::int64_t i = 0; i < loop.inner_size(); ++i, ++to)
            *to = static_cast<T>(static_cast<double>(*to) + beta * static_cast<double>(from[i * step]));
    });
}

/// alpha A' B' of a Gemm's inputs.
template <typename T> void multiply_scaled(const KernelContext& context, const GemmAttrs& attributes, const MatMulSizes& sizes, T* to) {
    const Tensor &a = context.input(0), &b = context.input(1);
    const std::int64_t a_step = a.shape()[1], b_step = b.shape()[1];
    if constexpr (std::is_same_v<T, float>)
        if (context.routines)
            return context.routines->multiply({sizes.rows, sizes.inner, sizes.columns}, {a.data<T>(), a_step, attributes.a},
                                              {b.data<T>(), b_step, attributes.b}, attributes.alpha, to, sizes.columns, context.threads);
    const bool turn_a = attributes.a == MatrixOrder::Transposed, turn_b = attributes.b == MatrixOrder::Transposed;
    const MatrixView<T> left{a.data<T>(), turn_a ? 1 : a_step, turn_a ? a_step : 1};
    const MatrixView<T> right{b.data<T>(), turn_b ? 1 : b_step, turn_b ? b_step : 1};
    for_each_row(context, sizes, [&](std::int64_t, std::int64_t row) {
        std::vector<double> sums(static_cast<std::size_t>(sizes.columns));
        product_row(left, row, right, sizes.inner, sums, 0.0, [](std::int64_t) { return 0.0; });
        for (std::size_t j = 0; j < sums.size(); ++j)
            to[row * sizes.columns + static_cast<std::int64_t>(j)] = static_cast<T>(static_cast<double>(attributes.alpha) * sums[j]);
    });
}

void gemm(const KernelContext& context) {
    const auto attributes = attrs<GemmAttrs>(context.node);
    const Tensor &a = context.required(0), &b = context.required(1), &c = context.input(2);
    if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.dtype() != b.dtype() || (c.defined() && c.dtype() != a.dtype()))
        context.reject("expected two matrices and a sum of one type");
    const bool turn_a = attributes.a == MatrixOrder::Transposed, turn_b = attributes.b == MatrixOrder::Transposed;
    const std::int64_t rows = a.shape()[turn_a ? 1 : 0], inner = a.shape()[turn_a ? 0 : 1], columns = b.shape()[turn_b ? 0 : 1];
    if (b.shape()[turn_b ? 1 : 0] != inner)
        context.reject(format("matrices {} and {} cannot be multiplied", a.shape().to_string(), b.shape().to_string()));
    const MatMulSizes sizes(context, Shape{rows, inner}, Shape{inner, columns});
    dispatch(TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>{}, context, a.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, a.dtype(), Shape{rows, columns}).template mutable_data<T>();
        multiply_scaled<T>(context, attributes, sizes, to);
        if (c.defined()) add_scaled<T>(context, c, Shape{rows, columns}, static_cast<double>(attributes.beta), to);
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Gemm", widened<gemm>},
    {"", "MatMul", widened<mat_mul>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> matmul_kernels() { return kRows; }

}  // namespace mcompress::reference
