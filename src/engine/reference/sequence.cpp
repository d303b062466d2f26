// Operators on sequences and optionals.
#include "ops/sequence.h"

#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/pieces.h"
#include "ir/graph.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

std::int64_t count_of(const RuntimeValue& sequence) { return static_cast<std::int64_t>(sequence.elements().size()); }

/// What an operator makes is bounded as tensors are: all elements together.
void set_sequence(const KernelContext& context, int index, std::vector<RuntimeValue> elements, DType dtype) {
    RuntimeValue made = RuntimeValue::sequence(std::move(elements), dtype);
    if (count_of(made) > kMostSequenceElements)
        fail(codes::kTooLarge, "{}: a sequence of {} elements", context.node.label(), count_of(made));
    context.check_size(DType::UInt8, Shape{made.byte_size()});
    context.set_value(index, std::move(made));
}

/// Input `index` as a place in a sequence of `count`, counted from the end when it is negative; `last` is the largest allowed one.
std::ptrdiff_t place(const KernelContext& context, int index, std::int64_t count, std::int64_t last) {
    const std::int64_t given = integer(context, context.required(index));
    if (given < -count || given > last) context.reject(format("position {} is outside a sequence of {} elements", given, count));
    return static_cast<std::ptrdiff_t>(given < 0 ? given + count : given);
}

void check_element(const KernelContext& context, const Tensor& element, DType dtype) {
    if (dtype != DType::Undefined && element.dtype() != dtype)
        context.reject(format("an element of type {} in a sequence of {}", dtype_name(element.dtype()), dtype_name(dtype)));
}

void construct(const KernelContext& context) {
    std::vector<RuntimeValue> elements;
    for (std::size_t i = 0; i < context.inputs.size(); ++i) {
        const Tensor& element = context.required(static_cast<int>(i));
        check_element(context, element, context.inputs[0].dtype());
        elements.emplace_back(element);
    }
    set_sequence(context, 0, std::move(elements), DType::Undefined);
}

void make_empty(const KernelContext& context) { set_sequence(context, 0, {}, attrs<SequenceEmptyAttrs>(context.node).dtype); }

void at(const KernelContext& context) {
    const RuntimeValue& sequence = context.sequence(0);
    const std::int64_t count = count_of(sequence);
    context.set_value(0, sequence.elements()[static_cast<std::size_t>(place(context, 1, count, count - 1))]);
}

void insert(const KernelContext& context) {
    const RuntimeValue& sequence = context.sequence(0);
    const Tensor& element = context.required(1);
    const std::int64_t count = count_of(sequence);
    check_element(context, element, sequence.element_type());
    const std::ptrdiff_t before = context.has_input(2) ? place(context, 2, count, count) : static_cast<std::ptrdiff_t>(count);
    std::vector<RuntimeValue> elements(sequence.elements().begin(), sequence.elements().end());
    elements.insert(elements.begin() + before, element);
    set_sequence(context, 0, std::move(elements), sequence.element_type());
}

void erase(const KernelContext& context) {
    const RuntimeValue& sequence = context.sequence(0);
    const std::int64_t count = count_of(sequence);
    if (count == 0) context.reject("the sequence is empty: there is nothing to erase");
    const std::ptrdiff_t erased = context.has_input(1) ? place(context, 1, count, count - 1) : static_cast<std::ptrdiff_t>(count - 1);
    std::vector<RuntimeValue> elements(sequence.elements().begin(), sequence.elements().end());
    elements.erase(elements.begin() + erased);
    set_sequence(context, 0, std::move(elements), sequence.element_type());
}

void length(const KernelContext& context) { context.set_output(0, Tensor::scalar(count_of(context.sequence(0)))); }

void concat_from_sequence(const KernelContext& context) {
    const auto a = attrs<ConcatFromSequenceAttrs>(context.node);
    std::vector<Tensor> parts;
    for (const RuntimeValue& element : context.sequence(0).elements()) {
        if (!element.is_tensor()) context.reject("an element is " + element.to_string());
        parts.push_back(element.tensor());
    }
    if (parts.empty()) context.reject("the sequence is empty: there is nothing to join");
    const bool makes_axis = a.joins == ConcatFromSequenceAttrs::Joins::AlongNewAxis;
    const int axis = checked_axis(context, a.axis, parts[0].shape().rank() + (makes_axis ? 1 : 0));
    context.set_output(0, makes_axis ? stack(context, parts, axis) : join(context, parts, axis));
}

/// Lengths of the parts; one each where none are given.
std::vector<std::int64_t> lengths_of(const KernelContext& context, std::int64_t extent) {
    const bool is_given = context.has_input(1);
    const std::vector<std::int64_t> split = is_given ? integers(context, context.input(1)) : std::vector<std::int64_t>{1};
    auto lengths = split_lengths(extent, is_given ? context.input(1).shape() : Shape{}, split);
    if (!lengths) context.reject(format("an axis of {} cannot be split as asked for", extent));
    return std::move(*lengths);
}

void split_to_sequence(const KernelContext& context) {
    const auto a = attrs<SplitToSequenceAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const bool drops_axis = !context.has_input(1) && a.split_axis == SplitToSequenceAttrs::SplitAxis::Drop;
    std::vector<RuntimeValue> parts;
    std::int64_t begin = 0;
    for (const std::int64_t count : lengths_of(context, x.shape()[axis])) {
        parts.emplace_back(drops_axis ? take(x, axis, begin) : cut(x, axis, begin, count));
        begin += count;
    }
    set_sequence(context, 0, std::move(parts), x.dtype());
}

void sequence_map(const KernelContext& context) {
    MCOMPRESS_CHECK(context.bodies);
    const Graph& body = *attrs<SequenceMapAttrs>(context.node).body;
    const std::size_t count = context.sequence(0).elements().size();
    const std::span<const RuntimeValue> given = context.values->inputs;
    for (const RuntimeValue& value : given)
        if (value.is_sequence() && value.elements().size() != count)
            context.reject(format("sequences of {} and {} elements cannot be mapped together", count, value.elements().size()));
    if (body.outputs().size() != context.outputs.size())
        context.reject(format("the body gives {} values, the node has {} outputs", body.outputs().size(), context.outputs.size()));
    std::vector<std::vector<RuntimeValue>> results(body.outputs().size());
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<RuntimeValue> inputs;
        for (const RuntimeValue& value : given) inputs.push_back(value.is_sequence() ? value.elements()[i] : value);
        std::vector<RuntimeValue> outputs = context.bodies->run(0, inputs);
        for (std::size_t k = 0; k < results.size(); ++k) {
            if (!outputs[k].is_tensor()) context.reject("the body gives " + outputs[k].to_string() + " where a tensor is wanted");
            results[k].push_back(std::move(outputs[k]));
        }
    }
    for (std::size_t k = 0; k < results.size(); ++k) {
        const ValueType& type = body.outputs()[k]->type();
        set_sequence(context, static_cast<int>(k), std::move(results[k]), type.is_tensor() ? type.dtype : DType::Undefined);
    }
}

void make_optional(const KernelContext& context) {
    const RuntimeValue& held = context.value(0);
    if (held.is_optional()) context.reject("an optional cannot hold an optional");
    context.set_value(0, held.defined() ? RuntimeValue::optional(held) : RuntimeValue::empty_optional());
}

void has_element(const KernelContext& context) {
    const RuntimeValue& value = context.value(0);
    context.set_output(0, Tensor::scalar(value.is_optional() ? !value.elements().empty() : value.defined()));
}

void get_element(const KernelContext& context) {
    const RuntimeValue& value = context.value(0);
    if (!value.defined()) context.reject("input 0 is missing");
    if (value.is_optional() && value.elements().empty()) context.reject("the optional is empty");
    context.set_value(0, value.is_optional() ? value.elements()[0] : value);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "ConcatFromSequence", concat_from_sequence, Carries::AnyValue},
    {"", "Optional", make_optional, Carries::AnyValue},
    {"", "OptionalGetElement", get_element, Carries::AnyValue},
    {"", "OptionalHasElement", has_element, Carries::AnyValue},
    {"", "SequenceAt", at, Carries::AnyValue},
    {"", "SequenceConstruct", construct, Carries::AnyValue},
    {"", "SequenceEmpty", make_empty, Carries::AnyValue},
    {"", "SequenceErase", erase, Carries::AnyValue},
    {"", "SequenceInsert", insert, Carries::AnyValue},
    {"", "SequenceLength", length, Carries::AnyValue},
    {"", "SequenceMap", sequence_map, Carries::AnyValue},
    {"", "SplitToSequence", split_to_sequence, Carries::AnyValue},
};
// clang-format on

}  // namespace

std::span<const KernelRow> sequence_kernels() { return kRows; }

}  // namespace mcompress::reference
