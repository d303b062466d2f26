// Sequences and optionals.
#include "ops/sequence.h"

#include <algorithm>

#include "ops/bodies.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

using Kind = ValueType::Kind;

/// Rejects an input that is known to be something else.
const ValueType& sequence_input(const InferContext& context, int index) {
    const ValueType& type = context.input(index);
    if (type.kind != Kind::Sequence && type.kind != Kind::Unknown)
        context.reject(format("input {} is {}, a sequence is wanted", index, type.to_string()));
    return type;
}

const ValueType& tensor_input(const InferContext& context, int index) {
    const ValueType& type = context.input(index);
    if (!type.is_tensor() && type.kind != Kind::Unknown)
        context.reject(format("input {} is {}, a tensor is wanted", index, type.to_string()));
    return type;
}

void check_position(const InferContext& context, int index) {
    const ValueType& type = tensor_input(context, index);
    if (!type.is_tensor() || type.dtype == DType::Undefined || type.dtype == DType::Int32 || type.dtype == DType::Int64) return;
    context.reject(format("a position is an int32 or an int64, not {}", dtype_name(type.dtype)));
}

/// The type of a sequence of elements of either of two types; rejects known element types that differ.
ValueType merge_elements(const InferContext& context, const ValueType& a, const ValueType& b) {
    const ValueType merged = either_type(a, b);
    if (a.is_tensor() && b.is_tensor() && a.dtype != b.dtype && a.dtype != DType::Undefined && b.dtype != DType::Undefined)
        context.reject(format("{} and {} cannot be in one sequence", a.to_string(), b.to_string()));
    return merged;
}

void infer_length(InferContext& context) {
    sequence_input(context, 0);
    context.set_output(0, ValueType::tensor(DType::Int64, Dims{}));
}

void infer_construct(InferContext& context) {
    ValueType element = tensor_input(context, 0);
    for (int index = 1; index < context.input_count(); ++index) element = merge_elements(context, element, tensor_input(context, index));
    context.set_output(0, sequence_of(std::move(element)));
}

void infer_empty(InferContext& context) { context.set_output(0, sequence_of(tensor_of(SequenceEmptyAttrs::read(context.node()).dtype))); }

void infer_at(InferContext& context) {
    check_position(context, 1);
    context.set_output(0, element_type(sequence_input(context, 0)));
}

void infer_erase(InferContext& context) {
    check_position(context, 1);
    context.set_output(0, sequence_of(element_type(sequence_input(context, 0))));
}

void infer_insert(InferContext& context) {
    check_position(context, 2);
    const ValueType element = element_type(sequence_input(context, 0));
    const ValueType& inserted = tensor_input(context, 1);
    // Into a sequence of unknown elements: those there share the element type at least.
    const bool tells_nothing = element.kind == Kind::Unknown;
    context.set_output(0, sequence_of(tells_nothing ? without_shape(inserted) : merge_elements(context, element, inserted)));
}

void infer_concat_from_sequence(InferContext& context) {
    const auto attrs = ConcatFromSequenceAttrs::read(context.node());
    const ValueType element = element_type(sequence_input(context, 0));
    if (!element.is_tensor()) return;
    if (!element.has_rank()) return context.set_output(0, tensor_of(element.dtype));
    Dims dims = *element.dims;
    const bool makes_axis = attrs.joins == ConcatFromSequenceAttrs::Joins::AlongNewAxis;
    const int axis = checked_axis(context, attrs.axis, element.rank() + (makes_axis ? 1 : 0));
    if (makes_axis) dims.insert(dims.begin() + axis, Dim());
    else dims[static_cast<std::size_t>(axis)] = Dim();
    context.set_output(0, ValueType::tensor(element.dtype, std::move(dims)));
}

/// The length that all parts have, where that is known; rejects lengths that do not fit.
Dim part_length(const InferContext& context, const Dim& extent) {
    if (!context.has_input(1)) return Dim(1);
    const Tensor* split = context.constant(1);
    const auto values = context.constant_integers(1);
    if (!values || !extent.is_known()) return {};
    const auto lengths = split_lengths(extent.extent(), split->shape(), *values);
    if (!lengths) context.reject(format("an axis of {} cannot be split as asked for", extent.extent()));
    const bool is_even = !lengths->empty() && std::equal(lengths->begin() + 1, lengths->end(), lengths->begin());
    return is_even ? Dim(lengths->front()) : Dim();
}

void infer_split_to_sequence(InferContext& context) {
    const auto attrs = SplitToSequenceAttrs::read(context.node());
    const ValueType& input = tensor_input(context, 0);
    if (!input.has_rank()) return context.set_output(0, sequence_of(input.is_tensor() ? tensor_of(input.dtype) : ValueType{}));
    const int axis = checked_axis(context, attrs.axis, input.rank());
    Dims dims = *input.dims;
    Dim& split = dims[static_cast<std::size_t>(axis)];
    split = part_length(context, split);
    if (!context.has_input(1) && attrs.split_axis == SplitToSequenceAttrs::SplitAxis::Drop) dims.erase(dims.begin() + axis);
    context.set_output(0, sequence_of(ValueType::tensor(input.dtype, std::move(dims))));
}

void infer_sequence_map(InferContext& context) {
    (void)SequenceMapAttrs::read(context.node());
    sequence_input(context, 0);
    const auto body = context.body_types(0);
    if (!body.empty() && body.size() != static_cast<std::size_t>(context.output_count()))
        context.reject("the body does not have as many outputs as the node");
    for (int index = 0; index < context.output_count(); ++index)
        context.set_output(index, sequence_of(body.empty() ? ValueType{} : body[static_cast<std::size_t>(index)]));
}

void infer_optional(InferContext& context) {
    if (context.input(0).kind == Kind::Optional) context.reject("an optional cannot hold an optional");
    context.set_output(0, optional_of(context.input(0)));
}

void infer_has_element(InferContext& context) { context.set_output(0, ValueType::tensor(DType::Bool, Dims{})); }

void infer_get_element(InferContext& context) {
    const ValueType& type = context.input(0);
    context.set_output(0, type.kind == Kind::Optional ? element_type(type) : type);
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "ConcatFromSequence", 11, 1, 1, 1, 1, infer_concat_from_sequence, check_attrs<ConcatFromSequenceAttrs>},
    {"", "Optional", 15, 0, 1, 1, 1, infer_optional},
    {"", "OptionalGetElement", 15, 1, 1, 1, 1, infer_get_element},
    {"", "OptionalGetElement", 18, 1, 1, 1, 1, infer_get_element},
    {"", "OptionalHasElement", 15, 1, 1, 1, 1, infer_has_element},
    {"", "OptionalHasElement", 18, 0, 1, 1, 1, infer_has_element},
    {"", "SequenceAt", 11, 2, 2, 1, 1, infer_at},
    {"", "SequenceConstruct", 11, 1, kVariadic, 1, 1, infer_construct},
    {"", "SequenceEmpty", 11, 0, 0, 1, 1, infer_empty, check_attrs<SequenceEmptyAttrs>},
    {"", "SequenceErase", 11, 1, 2, 1, 1, infer_erase},
    {"", "SequenceInsert", 11, 2, 3, 1, 1, infer_insert},
    {"", "SequenceLength", 11, 1, 1, 1, 1, infer_length},
    {"", "SequenceMap", 17, 1, kVariadic, 1, kVariadic, infer_sequence_map, check_attrs<SequenceMapAttrs>},
    {"", "SplitToSequence", 11, 1, 2, 1, 1, infer_split_to_sequence, check_attrs<SplitToSequenceAttrs>},
    {"", "SplitToSequence", 24, 1, 2, 1, 1, infer_split_to_sequence, check_attrs<SplitToSequenceAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> sequence_rows() { return kRows; }

std::vector<ValueType> sequence_map_body_inputs(std::span<const ValueType> inputs) {
    std::vector<ValueType> types;
    for (const ValueType& type : inputs) types.push_back(type.kind == ValueType::Kind::Sequence ? element_type(type) : type);
    return types;
}

}  // namespace mcompress
