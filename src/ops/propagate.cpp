#include "ops/propagate.h"

#include <algorithm>

#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

struct Operands {
    const Node& node;
    std::span<const ValueType> inputs;
    std::span<const IntegerValues* const> integers;

    const IntegerValues* at(std::size_t index) const { return index < integers.size() ? integers[index] : nullptr; }
    /// A list that may also be an attribute; only numbers count.
    std::optional<std::vector<std::int64_t>> numbers(const IntegersSource& source) const {
        if (source.values || source.input < 0) return source.values;
        const IntegerValues* values = at(static_cast<std::size_t>(source.input));
        const auto tensor = values ? values->tensor() : std::nullopt;
        return tensor ? integers_of(*tensor) : std::nullopt;
    }
};

using Result = std::optional<IntegerValues>;
using Element = IntegerValue;

// ---- one element from two ----

template <typename Operation> Element exact(const Element& a, const Element& b, Operation&& operation) {
    std::int64_t result = 0;
    if (!a.number || !b.number || operation(*a.number, *b.number, &result)) return {};
    return {result, {}};
}

Element add_elements(const Element& a, const Element& b) {
    if (a.number == 0) return b;
    if (b.number == 0) return a;
    return exact(a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_add_overflow(x, y, z); });
}
Element subtract_elements(const Element& a, const Element& b) {
    if (b.number == 0) return a;
    return exact(a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_sub_overflow(x, y, z); });
}
Element multiply_elements(const Element& a, const Element& b) {
    if (a.number == 1) return b;
    if (b.number == 1) return a;
    return exact(a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return __builtin_mul_overflow(x, y, z); });
}
Element divide_elements(const Element& a, const Element& b) {
    if (b.number == 1) return a;
    if (!a.number || !b.number || *b.number == 0 || (*a.number == INT64_MIN && *b.number == -1)) return {};
    return {*a.number / *b.number, {}};
}
Element least(const Element& a, const Element& b) {
    if (!a.number || !b.number) return a == b ? a : Element{};
    return {std::min(*a.number, *b.number), {}};
}
Element greatest(const Element& a, const Element& b) {
    if (!a.number || !b.number) return a == b ? a : Element{};
    return {std::max(*a.number, *b.number), {}};
}
// A symbol stands for an extent and is never negative.
Element equal_elements(const Element& a, const Element& b) {
    if (a.number && b.number) return {*a.number == *b.number, {}};
    if (!a.symbol.empty() && a.symbol == b.symbol) return {1, {}};
    if ((!a.symbol.empty() && b.number && *b.number < 0) || (!b.symbol.empty() && a.number && *a.number < 0)) return {0, {}};
    return {};
}
Element less_elements(const Element& a, const Element& b) {
    return exact(a, b, [](std::int64_t x, std::int64_t y, std::int64_t* z) { return (*z = x < y, false); });
}
Element greater_elements(const Element& a, const Element& b) { return less_elements(b, a); }

// ---- whole operators ----

const Element& broadcast_at(const IntegerValues& values, std::size_t index) {
    return values.elements[values.elements.size() == 1 ? 0 : index];
}

std::optional<std::size_t> broadcast_count(std::initializer_list<const IntegerValues*> operands) {
    std::size_t count = 1;
    for (const IntegerValues* operand : operands) {
        if (!operand) return std::nullopt;
        const std::size_t own = operand->elements.size();
        if (operand->shape.rank() > 1) return std::nullopt;
        if (own != 1 && count != 1 && own != count) return std::nullopt;
        if (own != 1) count = own;
    }
    return count;
}

template <Element (*Operation)(const Element&, const Element&), bool kIsTest = false> Result binary(const Operands& operands) {
    const IntegerValues* a = operands.at(0);
    const IntegerValues* b = operands.at(1);
    const auto count = broadcast_count({a, b});
    if (!count || operands.integers.size() != 2 || operands.node.opset_version() < 7) return std::nullopt;
    IntegerValues result{kIsTest ? DType::Bool : a->dtype, {}, {}};
    for (std::size_t index = 0; index < *count; ++index)
        result.elements.push_back(Operation(broadcast_at(*a, index), broadcast_at(*b, index)));
    return result;
}

Result where(const Operands& operands) {
    const IntegerValues* condition = operands.at(0);
    const IntegerValues* a = operands.at(1);
    const IntegerValues* b = operands.at(2);
    const auto count = broadcast_count({condition, a, b});
    if (!count) return std::nullopt;
    IntegerValues result{a->dtype, {}, {}};
    for (std::size_t index = 0; index < *count; ++index) {
        const Element& test = broadcast_at(*condition, index);
        const Element& x = broadcast_at(*a, index);
        const Element& y = broadcast_at(*b, index);
        if (test.number) result.elements.push_back(*test.number != 0 ? x : y);
        else result.elements.push_back(x == y ? x : Element{});
    }
    return result;
}

Result shape_of(const Operands& operands) {
    const ValueType& input = operands.inputs[0];
    if (!input.has_rank()) return std::nullopt;
    const auto [first, last] = ShapeAttrs::read(operands.node).resolve(input.rank());
    IntegerValues result;
    for (int axis = first; axis < last; ++axis) result.elements.push_back(Element::of((*input.dims)[static_cast<std::size_t>(axis)]));
    return result;
}

Result size_of(const Operands& operands) {
    const auto shape = operands.inputs[0].shape();
    const auto count = shape ? shape->checked_element_count() : std::nullopt;
    if (!count) return std::nullopt;
    return IntegerValues{DType::Int64, {}, {{*count, {}}}};
}

Result copy(const Operands& operands) {
    const IntegerValues* values = operands.at(0);
    return values ? Result(*values) : std::nullopt;
}

Result negate(const Operands& operands) {
    Result result = copy(operands);
    if (!result) return result;
    for (Element& element : result->elements) element = subtract_elements({0, {}}, element);
    return result;
}

Result invert(const Operands& operands) {
    Result result = copy(operands);
    if (!result) return result;
    for (Element& element : result->elements)
        if (element.number) element.number = *element.number == 0 ? 1 : 0;
    return result;
}

Result cast(const Operands& operands) {
    Result result = copy(operands);
    const DType to = CastAttrs::read(operands.node).to;
    if (!result || (to != DType::Int64 && to != DType::Int32 && to != DType::Bool)) return std::nullopt;
    result->dtype = to;
    if (to == DType::Bool)
        for (Element& element : result->elements) element = element.number ? Element{*element.number != 0, {}} : Element{};
    return result;
}

Result gather(const Operands& operands) {
    const IntegerValues* data = operands.at(0);
    const IntegerValues* indices = operands.at(1);
    if (!data || !indices || data->shape.rank() != 1) return std::nullopt;
    const auto count = static_cast<std::int64_t>(data->elements.size());
    IntegerValues result{data->dtype, {}, {}};
    for (const Element& index : indices->elements) {
        if (!index.number) {
            result.elements.emplace_back();
            continue;
        }
        const std::int64_t place = *index.number < 0 ? *index.number + count : *index.number;
        if (place < 0 || place >= count) return std::nullopt;
        result.elements.push_back(data->elements[static_cast<std::size_t>(place)]);
    }
    return result;
}

// The elements at `start` + the multiples of `strides` that `extents` span, row-major.
IntegerValues strided(const IntegerValues& data, std::int64_t start, const std::vector<std::int64_t>& extents,
                      const std::vector<std::int64_t>& strides) {
    IntegerValues result{data.dtype, {}, {}};
    std::vector<std::int64_t> at(extents.size(), 0);
    for (const std::int64_t extent : extents)
        if (extent == 0) return result;
    while (true) {
        std::int64_t place = start;
        for (std::size_t axis = 0; axis < at.size(); ++axis) place += at[axis] * strides[axis];
        result.elements.push_back(data.elements[static_cast<std::size_t>(place)]);
        std::size_t axis = at.size();
        while (axis > 0 && ++at[axis - 1] == extents[axis - 1]) at[--axis] = 0;
        if (axis == 0) return result;
    }
}

Result slice(const Operands& operands) {
    const IntegerValues* data = operands.at(0);
    const SliceAttrs attrs = SliceAttrs::read(operands.node);
    const auto starts = operands.numbers(attrs.starts);
    const auto ends = operands.numbers(attrs.ends);
    const auto axes = operands.numbers(attrs.axes);
    const auto steps = operands.numbers(attrs.steps);
    if (!data || !starts || !ends || (!attrs.axes.is_absent() && !axes) || (!attrs.steps.is_absent() && !steps)) return std::nullopt;
    const auto ranges = SliceAttrs::resolve(data->shape, *starts, *ends, axes, steps);
    const auto strides = data->shape.strides();
    std::int64_t start = 0;
    std::vector<std::int64_t> extents, steps_over;
    for (std::size_t axis = 0; axis < ranges.size(); ++axis) {
        start += ranges[axis].start * strides[axis];
        extents.push_back(ranges[axis].count);
        // A step is only taken between elements, so that it is small where it counts.
        steps_over.push_back(ranges[axis].count > 1 ? ranges[axis].step * strides[axis] : 0);
    }
    return strided(*data, start, extents, steps_over);
}

Result transpose(const Operands& operands) {
    const IntegerValues* data = operands.at(0);
    if (!data) return std::nullopt;
    const auto strides = data->shape.strides();
    std::vector<std::int64_t> extents, moved;
    for (const int axis : TransposeAttrs::read(operands.node).resolve(data->shape.rank())) {
        extents.push_back(data->shape[axis]);
        moved.push_back(strides[static_cast<std::size_t>(axis)]);
    }
    return strided(*data, 0, extents, moved);
}

Result concat(const Operands& operands) {
    IntegerValues result;
    if (ConcatAttrs::read(operands.node).axis != 0) return std::nullopt;
    for (std::size_t index = 0; index < operands.integers.size(); ++index) {
        const IntegerValues* part = operands.at(index);
        const ValueType& type = operands.inputs[index];
        if (part) {
            result.dtype = part->dtype;
            result.elements.insert(result.elements.end(), part->elements.begin(), part->elements.end());
        } else {
            // A vector of known length whose elements are not known leaves room for itself.
            if (!type.has_rank() || type.rank() != 1 || !(*type.dims)[0].is_known()) return std::nullopt;
            if ((*type.dims)[0].extent() > static_cast<std::int64_t>(kLongestIntegerValues)) return std::nullopt;
            result.elements.resize(result.elements.size() + static_cast<std::size_t>((*type.dims)[0].extent()));
            if (type.dtype != DType::Int64 && type.dtype != DType::Int32) return std::nullopt;
            result.dtype = type.dtype;
        }
        if (result.elements.size() > kLongestIntegerValues) return std::nullopt;
    }
    return result;
}

Result constant_of_shape(const Operands& operands) {
    const IntegerValues* shape = operands.at(0);
    const auto value = IntegerValues::of(ConstantOfShapeAttrs::read(operands.node).value);
    const auto extents = shape ? shape->tensor() : std::nullopt;
    if (!extents || !value) return std::nullopt;
    const auto count = Shape(integers_of(*extents).value_or(std::vector<std::int64_t>{-1})).checked_element_count();
    if (!count || *count > static_cast<std::int64_t>(kLongestIntegerValues)) return std::nullopt;
    return IntegerValues{value->dtype, {}, std::vector<Element>(static_cast<std::size_t>(*count), value->elements.front())};
}

Result range(const Operands& operands) {
    const IntegerValues* ends[3] = {operands.at(0), operands.at(1), operands.at(2)};
    std::int64_t numbers[3];
    for (int index = 0; index < 3; ++index) {
        if (!ends[index] || ends[index]->elements.size() != 1 || !ends[index]->elements[0].number) return std::nullopt;
        numbers[index] = *ends[index]->elements[0].number;
    }
    const auto [start, limit, step] = numbers;
    IntegerValues result{ends[0]->dtype, {}, {}};
    if (step == 0) return std::nullopt;
    for (std::int64_t value = start; step > 0 ? value < limit : value > limit;) {
        if (result.elements.size() == kLongestIntegerValues) return std::nullopt;
        result.elements.push_back({value, {}});
        if (__builtin_add_overflow(value, step, &value)) break;
    }
    return result;
}

struct Row {
    std::string_view type;
    Result (*propagate)(const Operands&);
};

// Sorted by name.
constexpr Row kRows[] = {
    {"Add", binary<add_elements>},
    {"Cast", cast},
    {"Concat", concat},
    {"ConstantOfShape", constant_of_shape},
    {"Div", binary<divide_elements>},
    {"Equal", binary<equal_elements, true>},
    {"Gather", gather},
    {"Greater", binary<greater_elements, true>},
    {"Identity", copy},
    {"Less", binary<less_elements, true>},
    {"Max", binary<greatest>},
    {"Min", binary<least>},
    {"Mul", binary<multiply_elements>},
    {"Neg", negate},
    {"Not", invert},
    {"Range", range},
    {"Reshape", copy},
    {"Shape", shape_of},
    {"Size", size_of},
    {"Slice", slice},
    {"Squeeze", copy},
    {"Sub", binary<subtract_elements>},
    {"Transpose", transpose},
    {"Unsqueeze", copy},
    {"Where", where},
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), [](const Row& a, const Row& b) { return a.type < b.type; }));

}  // namespace

std::optional<IntegerValues> propagate_integers(const Node& node, std::span<const ValueType> inputs,
                                                std::span<const IntegerValues* const> integers, const ValueType& output) {
    if (!node.domain().empty() || inputs.empty() || !output.has_rank()) return std::nullopt;
    const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), node.op_type(),
                                       [](const Row& candidate, const std::string& type) { return candidate.type < type; });
    if (row == std::end(kRows) || row->type != node.op_type()) return std::nullopt;
    Result result = row->propagate({node, inputs, integers});
    if (!result || result->elements.size() > kLongestIntegerValues) return std::nullopt;
    // The functions above give elements in row-major order; how they are shaped, the inferred type says.
    const auto count = static_cast<std::int64_t>(result->elements.size());
    const auto shape = output.shape();
    if (!shape && output.rank() != 1) return std::nullopt;
    result->shape = shape ? *shape : Shape{count};
    if (result->shape.checked_element_count() != count) return std::nullopt;
    return result;
}

}  // namespace mcompress
