// Reductions along axes: ReduceX, ArgMax, ArgMin; running sums; TopK.
#include "ops/reduce.h"

#include <algorithm>

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

Dims without(const Dims& dims, const std::vector<int>& axes, bool keeps_dims) {
    Dims result;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        const bool is_reduced = std::binary_search(axes.begin(), axes.end(), static_cast<int>(axis));
        if (!is_reduced) result.push_back(dims[axis]);
        else if (keeps_dims) result.push_back(1);
    }
    return result;
}

void infer_reduce(InferContext& context) {
    const ReduceAttrs attrs = ReduceAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    auto axes = context.constant_integers(attrs.axes);
    if (attrs.axes.is_absent()) axes.emplace();
    if (!axes) {
        const auto count = context.sizes(attrs.axes.input);
        if (attrs.keeps_dims) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
        if (!count || count->empty()) return context.set_output(0, tensor_of(input.dtype));
        if (static_cast<int>(count->size()) > input.rank()) context.reject("more axes are listed than the input has");
        return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank() - static_cast<int>(count->size()))));
    }
    context.set_output(0, ValueType::tensor(input.dtype, without(*input.dims, attrs.resolve(input.rank(), *axes), attrs.keeps_dims)));
}

void infer_arg_reduce(InferContext& context) {
    const ArgReduceAttrs attrs = ArgReduceAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(DType::Int64));
    const int axis = checked_axis(context, attrs.axis, input.rank());
    context.set_output(0, ValueType::tensor(DType::Int64, without(*input.dims, {axis}, attrs.keeps_dims)));
}

void infer_top_k(InferContext& context) {
    const TopKAttrs attrs = TopKAttrs::read(context.node());
    const ValueType& input = context.input(0);
    std::optional<Dims> dims = input.dims;
    if (dims) {
        const auto axis = static_cast<std::size_t>(checked_axis(context, attrs.axis, input.rank()));
        const auto k = context.constant_integers(attrs.k);
        if (k && (k->size() != 1 || k->front() < 0)) context.reject("k is not one number of at least 0");
        if (k && (*dims)[axis].is_known() && k->front() > (*dims)[axis].extent())
            context.reject(format("k is {}, the axis has {} elements", k->front(), (*dims)[axis].extent()));
        (*dims)[axis] = k ? Dim(k->front()) : Dim();
    }
    context.set_output(0, {ValueType::Kind::Tensor, input.dtype, dims, nullptr, {}});
    context.set_output(1, {ValueType::Kind::Tensor, DType::Int64, dims, nullptr, {}});
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "ArgMax", 1, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMax", 11, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMax", 12, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMax", 13, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMin", 1, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMin", 11, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMin", 12, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "ArgMin", 13, 1, 1, 1, 1, infer_arg_reduce, check_attrs<ArgReduceAttrs>},
    {"", "CumSum", 11, 2, 2, 1, 1, infer_same, check_attrs<CumSumAttrs>},
    {"", "CumSum", 14, 2, 2, 1, 1, infer_same, check_attrs<CumSumAttrs>},
    {"", "ReduceL1", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL1", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL1", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL1", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL2", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL2", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL2", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceL2", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSum", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSum", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSum", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSum", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSumExp", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSumExp", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSumExp", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceLogSumExp", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceMax", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMax", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMax", 12, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMax", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMax", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMax", 20, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMean", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceMean", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceMean", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceMean", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceMin", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMin", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMin", 12, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMin", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMin", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceMin", 20, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>, nullptr, DataFlow::Selects},
    {"", "ReduceProd", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceProd", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceProd", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceProd", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSum", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSum", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSum", 13, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSumSquare", 1, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSumSquare", 11, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSumSquare", 13, 1, 1, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "ReduceSumSquare", 18, 1, 2, 1, 1, infer_reduce, check_attrs<ReduceAttrs>},
    {"", "TopK", 1, 1, 1, 2, 2, infer_top_k, check_attrs<TopKAttrs>, nullptr, DataFlow::Selects},
    {"", "TopK", 10, 2, 2, 2, 2, infer_top_k, check_attrs<TopKAttrs>, nullptr, DataFlow::Selects},
    {"", "TopK", 11, 2, 2, 2, 2, infer_top_k, check_attrs<TopKAttrs>, nullptr, DataFlow::Selects},
    {"", "TopK", 24, 2, 2, 2, 2, infer_top_k, check_attrs<TopKAttrs>, nullptr, DataFlow::Selects},
};
// clang-format on

}  // namespace

std::span<const OpInfo> reduce_rows() { return kRows; }

}  // namespace mcompress
