#include "ops/infer_rules.h"

#include <algorithm>

#include "ops/elementwise.h"

namespace mcompress {

namespace {

Dim broadcast_dim(const InferContext& context, const Dim& a, const Dim& b) {
    if (a == Dim(1)) return b;
    if (b == Dim(1)) return a;
    if (a.is_known() && b.is_known()) {
        if (a != b) context.reject(format("extents {} and {} do not broadcast", a.to_string(), b.to_string()));
        return a;
    }
    // A known extent above 1 decides: the other side must be equal or 1.
    if (a.is_known()) return a;
    if (b.is_known()) return b;
    return a == b ? a : Dim();
}

// Rules of opset < 7: shapes are equal, or B lies inside A from `axis` on. The output is like A.
Dims legacy_dims(const InferContext& context, const BroadcastAttrs& attrs, const Dims& a, const Dims& b) {
    const std::size_t rank_a = a.size();
    const std::size_t rank_b = b.size();
    if (attrs.rule == BroadcastAttrs::Rule::None) {
        if (rank_a != rank_b) context.reject("the inputs have different ranks and are not to be broadcast");
        Dims result;
        for (std::size_t axis = 0; axis < rank_a; ++axis) result.push_back(merge_dims(context, a[axis], b[axis]));
        return result;
    }
    if (rank_b > rank_a) context.reject("the second input has more axes than the first");
    std::size_t start = rank_a - rank_b;
    if (attrs.axis) {
        const int axis = checked_axis(context, *attrs.axis, static_cast<int>(rank_a) + 1);
        start = static_cast<std::size_t>(axis);
    }
    if (start + rank_b > rank_a) context.reject("the second input does not fit the first from that axis on");
    for (std::size_t axis = 0; axis < rank_b; ++axis)
        if (b[axis] != Dim(1)) (void)merge_dims(context, a[start + axis], b[axis]);
    return a;
}

void infer_two(InferContext& context, DType dtype) {
    const ValueType& a = context.input(0);
    const ValueType& b = context.input(1);
    if (!a.has_rank() || !b.has_rank()) return context.set_output(0, tensor_of(dtype));
    const BroadcastAttrs attrs = BroadcastAttrs::read(context.node());
    const bool is_numpy = attrs.rule == BroadcastAttrs::Rule::NumPy;
    context.set_output(
        0, ValueType::tensor(dtype, is_numpy ? broadcast_dims(context, *a.dims, *b.dims) : legacy_dims(context, attrs, *a.dims, *b.dims)));
}

}  // namespace

void infer_nothing(InferContext&) {}

void infer_same(InferContext& context) {
    ValueType type = context.input(0);
    type.extra.clear();
    context.set_output(0, std::move(type));
}

void infer_same_bool(InferContext& context) {
    context.set_output(0, {ValueType::Kind::Tensor, DType::Bool, context.input(0).dims, nullptr, {}});
}

void infer_broadcast(InferContext& context) { infer_two(context, merge_dtypes(context, 0, 1)); }

void infer_broadcast_mixed(InferContext& context) { infer_two(context, context.input(0).dtype); }

void infer_broadcast_bool(InferContext& context) {
    (void)merge_dtypes(context, 0, 1);
    infer_two(context, DType::Bool);
}

void infer_variadic_broadcast(InferContext& context) {
    for (int index = 1; index < context.input_count(); ++index) (void)merge_dtypes(context, 0, index);
    const auto dims = broadcast_inputs(context, 0, context.input_count());
    context.set_output(0, {ValueType::Kind::Tensor, context.input(0).dtype, dims, nullptr, {}});
}

ValueType tensor_of(DType dtype) { return ValueType::tensor(dtype); }

Dims unknown_dims(int rank) { return Dims(static_cast<std::size_t>(std::max(rank, 0))); }

const Dims* dims_of_rank(const InferContext& context, int index, int rank) {
    const ValueType& type = context.input(index);
    if (!type.has_rank()) return nullptr;
    if (type.rank() != rank) context.reject(format("input {} has rank {}, expected {}", index, type.rank(), rank));
    return &*type.dims;
}

int checked_axis(const InferContext& context, std::int64_t axis, int rank) {
    const auto normal = normalize_axis(axis, rank);
    if (!normal) context.reject(format("axis {} is out of range for rank {}", axis, rank));
    return *normal;
}

Dims broadcast_dims(const InferContext& context, const Dims& a, const Dims& b) {
    const std::size_t rank = std::max(a.size(), b.size());
    Dims result(rank);
    for (std::size_t back = 1; back <= rank; ++back) {
        if (back > a.size()) result[rank - back] = b[b.size() - back];
        else if (back > b.size()) result[rank - back] = a[a.size() - back];
        else result[rank - back] = broadcast_dim(context, a[a.size() - back], b[b.size() - back]);
    }
    return result;
}

std::optional<Dims> broadcast_inputs(const InferContext& context, int first, int last) {
    Dims result;
    for (int index = first; index < last; ++index) {
        const ValueType& type = context.input(index);
        if (!type.has_rank()) return std::nullopt;
        result = index == first ? *type.dims : broadcast_dims(context, result, *type.dims);
    }
    return result;
}

Dim merge_dims(const InferContext& context, const Dim& a, const Dim& b) {
    if (a.is_known() && b.is_known() && a != b) context.reject(format("extents {} and {} differ", a.to_string(), b.to_string()));
    if (a.is_known()) return a;
    if (b.is_known()) return b;
    return a.is_symbol() ? a : b;
}

DType merge_dtypes(const InferContext& context, int a, int b) {
    const DType first = context.input(a).dtype;
    const DType second = context.input(b).dtype;
    if (first == DType::Undefined) return second;
    if (second != DType::Undefined && first != second)
        context.reject(format("inputs {} and {} are {} and {}, expected the same type", a, b, dtype_name(first), dtype_name(second)));
    return first;
}

Dim multiply(const InferContext& context, const Dim& a, const Dim& b) {
    if (a == Dim(1)) return b;
    if (b == Dim(1)) return a;
    if (!a.is_known() || !b.is_known()) return {};
    std::int64_t result = 0;
    if (__builtin_mul_overflow(a.extent(), b.extent(), &result)) context.reject("an output extent overflows");
    return result;
}

Dim add(const InferContext& context, const Dim& a, const Dim& b) {
    if (a == Dim(0)) return b;
    if (b == Dim(0)) return a;
    if (!a.is_known() || !b.is_known()) return {};
    std::int64_t result = 0;
    if (__builtin_add_overflow(a.extent(), b.extent(), &result)) context.reject("an output extent overflows");
    return result;
}

Dim product(const InferContext& context, const Dims& dims, int begin, int end) {
    Dim result = 1;
    for (int axis = begin; axis < end; ++axis) result = multiply(context, result, dims[static_cast<std::size_t>(axis)]);
    return result;
}

std::int64_t element_count(const ValueType& type) {
    std::int64_t count = 1;
    if (type.dims)
        for (const Dim& dim : *type.dims) count = saturating_multiply(count, std::max<std::int64_t>(dim.extent(), 0));
    return count;
}

}  // namespace mcompress
