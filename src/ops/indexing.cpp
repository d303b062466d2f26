// Operators that pick or place elements by index.
#include "ops/indexing.h"

#include <utility>

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_gather(InferContext& context) {
    const GatherAttrs attrs = GatherAttrs::read(context.node());
    const ValueType& data = context.input(0);
    const ValueType& indices = context.input(1);
    if (!data.has_rank()) return context.set_output(0, tensor_of(data.dtype));
    const int axis = checked_axis(context, attrs.axis, data.rank());
    if (!indices.has_rank()) return context.set_output(0, tensor_of(data.dtype));
    Dims output(data.dims->begin(), data.dims->begin() + axis);
    output.insert(output.end(), indices.dims->begin(), indices.dims->end());
    output.insert(output.end(), data.dims->begin() + axis + 1, data.dims->end());
    context.set_output(0, ValueType::tensor(data.dtype, std::move(output)));
}

void infer_gather_elements(InferContext& context) {
    const GatherAttrs attrs = GatherAttrs::read(context.node());
    const ValueType& data = context.input(0);
    const ValueType& indices = context.input(1);
    if (data.has_rank()) (void)checked_axis(context, attrs.axis, data.rank());
    if (data.has_rank() && indices.has_rank() && data.rank() != indices.rank()) context.reject("data and indices have different ranks");
    context.set_output(0, {ValueType::Kind::Tensor, data.dtype, indices.dims, nullptr, {}});
}

void infer_gather_nd(InferContext& context) {
    const GatherNdAttrs attrs = GatherNdAttrs::read(context.node());
    const ValueType& data = context.input(0);
    const ValueType& indices = context.input(1);
    context.set_output(0, tensor_of(data.dtype));
    if (!data.has_rank() || !indices.has_rank()) return;
    if (indices.rank() < 1) context.reject("the indices are a scalar");
    if (attrs.batch_dims >= indices.rank() || attrs.batch_dims >= data.rank()) context.reject("batch_dims is not below the ranks");
    const Dim& depth = indices.dims->back();
    if (!depth.is_known()) return;
    if (depth.extent() > data.rank() - attrs.batch_dims) context.reject("the indices have more entries than the data has axes");
    Dims output(indices.dims->begin(), indices.dims->end() - 1);
    output.insert(output.end(), data.dims->begin() + attrs.batch_dims + depth.extent(), data.dims->end());
    context.set_output(0, ValueType::tensor(data.dtype, std::move(output)));
}

void infer_scatter(InferContext& context) {
    const ScatterAttrs attrs = ScatterAttrs::read(context.node());
    const ValueType& data = context.input(0);
    if (data.has_rank()) (void)checked_axis(context, attrs.axis, data.rank());
    if (data.has_rank() && context.input(1).has_rank() && context.input(1).rank() != data.rank())
        context.reject("data and indices have different ranks");
    infer_same(context);
}

void infer_one_hot(InferContext& context) {
    const OneHotAttrs attrs = OneHotAttrs::read(context.node());
    const ValueType& indices = context.input(0);
    const DType dtype = context.input(2).dtype;
    if (const ValueType& values = context.input(2); values.shape() && values.shape()->element_count() != 2)
        context.reject(format("{} values are given, two are expected: off and on", values.shape()->element_count()));
    if (!indices.has_rank()) return context.set_output(0, tensor_of(dtype));
    const int axis = checked_axis(context, attrs.axis, indices.rank() + 1);
    const Tensor* tensor = context.constant(1);
    const auto depth = tensor ? scalar_of(*tensor) : std::nullopt;
    if (depth && !(*depth >= 0 && *depth < 1e15)) context.reject(format("the depth is {}", *depth));
    Dims output = *indices.dims;
    output.insert(output.begin() + axis, depth ? Dim(static_cast<std::int64_t>(*depth)) : Dim());
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

void infer_non_zero(InferContext& context) {
    Dims output = unknown_dims(2);
    if (context.input(0).has_rank()) output[0] = context.input(0).rank();
    context.set_output(0, ValueType::tensor(DType::Int64, std::move(output)));
}

void infer_compress(InferContext& context) {
    const CompressAttrs attrs = CompressAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!attrs.axis) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(1)));
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    Dims output = *input.dims;
    output[static_cast<std::size_t>(checked_axis(context, *attrs.axis, input.rank()))] = Dim();
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_unique(InferContext& context) {
    const UniqueAttrs attrs = UniqueAttrs::read(context.node());
    const ValueType& input = context.input(0);
    for (int index = 1; index < 4; ++index) context.set_output(index, ValueType::tensor(DType::Int64, unknown_dims(1)));
    if (!attrs.axis) context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(1)));
    else context.set_output(0, tensor_of(input.dtype));
    if (!input.has_rank()) return;
    // The inverse has one entry for every slice of the input.
    Dim entries;
    if (attrs.axis) {
        Dims output = *input.dims;
        std::swap(entries, output[static_cast<std::size_t>(checked_axis(context, *attrs.axis, input.rank()))]);
        context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
    } else {
        entries = product(context, *input.dims, 0, input.rank());
    }
    context.set_output(2, ValueType::tensor(DType::Int64, Dims{entries}));
}

void infer_reverse_sequence(InferContext& context) {
    const ReverseSequenceAttrs attrs = ReverseSequenceAttrs::read(context.node());
    for (const std::int64_t axis : {attrs.batch_axis, attrs.time_axis})
        if (context.input(0).has_rank()) (void)checked_axis(context, axis, context.input(0).rank());
    infer_same(context);
}

void infer_eye_like(InferContext& context) {
    const EyeLikeAttrs attrs = EyeLikeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    (void)dims_of_rank(context, 0, 2);
    context.set_output(0, {ValueType::Kind::Tensor, attrs.dtype == DType::Undefined ? input.dtype : attrs.dtype, input.dims, nullptr, {}});
}

void infer_trilu(InferContext& context) {
    if (context.input(0).has_rank() && context.input(0).rank() < 2) context.reject("the input has rank below 2");
    infer_same(context);
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Compress", 9, 2, 2, 1, 1, infer_compress, check_attrs<CompressAttrs>, nullptr, DataFlow::Selects},
    {"", "Compress", 11, 2, 2, 1, 1, infer_compress, check_attrs<CompressAttrs>, nullptr, DataFlow::Selects},
    {"", "EyeLike", 9, 1, 1, 1, 1, infer_eye_like, check_attrs<EyeLikeAttrs>},
    {"", "EyeLike", 22, 1, 1, 1, 1, infer_eye_like, check_attrs<EyeLikeAttrs>},
    {"", "Gather", 1, 2, 2, 1, 1, infer_gather, check_attrs<GatherAttrs>, nullptr, DataFlow::Selects},
    {"", "Gather", 11, 2, 2, 1, 1, infer_gather, check_attrs<GatherAttrs>, nullptr, DataFlow::Selects},
    {"", "Gather", 13, 2, 2, 1, 1, infer_gather, check_attrs<GatherAttrs>, nullptr, DataFlow::Selects},
    {"", "GatherElements", 11, 2, 2, 1, 1, infer_gather_elements, check_attrs<GatherAttrs>, nullptr, DataFlow::Selects},
    {"", "GatherElements", 13, 2, 2, 1, 1, infer_gather_elements, check_attrs<GatherAttrs>, nullptr, DataFlow::Selects},
    {"", "GatherND", 11, 2, 2, 1, 1, infer_gather_nd, check_attrs<GatherNdAttrs>, nullptr, DataFlow::Selects},
    {"", "GatherND", 12, 2, 2, 1, 1, infer_gather_nd, check_attrs<GatherNdAttrs>, nullptr, DataFlow::Selects},
    {"", "GatherND", 13, 2, 2, 1, 1, infer_gather_nd, check_attrs<GatherNdAttrs>, nullptr, DataFlow::Selects},
    {"", "NonZero", 9, 1, 1, 1, 1, infer_non_zero},
    {"", "NonZero", 13, 1, 1, 1, 1, infer_non_zero},
    {"", "OneHot", 9, 3, 3, 1, 1, infer_one_hot, check_attrs<OneHotAttrs>},
    {"", "OneHot", 11, 3, 3, 1, 1, infer_one_hot, check_attrs<OneHotAttrs>},
    {"", "ReverseSequence", 10, 2, 2, 1, 1, infer_reverse_sequence, check_attrs<ReverseSequenceAttrs>, nullptr, DataFlow::Selects},
    {"", "Scatter", 9, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "Scatter", 11, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "ScatterElements", 11, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "ScatterElements", 13, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "ScatterElements", 16, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "ScatterElements", 18, 3, 3, 1, 1, infer_scatter, check_attrs<ScatterAttrs>},
    {"", "ScatterND", 11, 3, 3, 1, 1, infer_same, check_attrs<ScatterAttrs>},
    {"", "ScatterND", 13, 3, 3, 1, 1, infer_same, check_attrs<ScatterAttrs>},
    {"", "ScatterND", 16, 3, 3, 1, 1, infer_same, check_attrs<ScatterAttrs>},
    {"", "ScatterND", 18, 3, 3, 1, 1, infer_same, check_attrs<ScatterAttrs>},
    {"", "Trilu", 14, 1, 2, 1, 1, infer_trilu, check_attrs<TriluAttrs>},
    {"", "Unique", 11, 1, 1, 1, 4, infer_unique, check_attrs<UniqueAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> indexing_rows() { return kRows; }

}  // namespace mcompress
