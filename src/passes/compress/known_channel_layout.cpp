#include "passes/compress/known_channel_layout.h"

#include <algorithm>
#include <numeric>

#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/resize.h"
#include "ops/shape.h"
#include "passes/compress/remove_channels.h"
#include "passes/constant_values.h"

namespace mcompress {

namespace {

using Table = KnownChannelTable;

const KnownChannels* find(const Table& table, const Value* value) {
    const auto found = table.find(value);
    return found == table.end() ? nullptr : &found->second;
}

std::int64_t extent(const Value* value, int axis) {
    return value->type().has_rank() && axis < value->type().rank() ? (*value->type().dims)[static_cast<std::size_t>(axis)].extent() : -1;
}

/// The channels of `known` at these places, as those of another axis.
KnownChannels taken(const KnownChannels& known, int axis, const std::vector<std::int64_t>& places) {
    KnownChannels result{axis, {}, take_along(known.numbers, 0, places)};
    for (const std::int64_t place : places) result.is_known.push_back(known.is_known[static_cast<std::size_t>(place)]);
    return result;
}

void put(Table& table, const Value* value, KnownChannels known) {
    const bool is_any = std::find(known.is_known.begin(), known.is_known.end(), true) != known.is_known.end();
    if (is_any && extent(value, known.axis) == static_cast<std::int64_t>(known.is_known.size()))
        table.insert_or_assign(value, std::move(known));
}

std::vector<std::int64_t> range(std::int64_t begin, std::int64_t count) {
    std::vector<std::int64_t> places(static_cast<std::size_t>(count));
    std::iota(places.begin(), places.end(), begin);
    return places;
}

void move_transpose(const Node& node, const KnownChannels& known, Table& table) {
    const std::vector<int> perm = attrs<TransposeAttrs>(node).resolve(node.input(0)->type().rank());
    KnownChannels moved = known;
    moved.axis = static_cast<int>(std::find(perm.begin(), perm.end(), known.axis) - perm.begin());
    put(table, node.output(0), std::move(moved));
}

void move_split(const Node& node, const KnownChannels& known, Table& table) {
    const std::optional<int> axis = normalize_axis(attrs<SplitAttrs>(node).axis, node.input(0)->type().rank());
    std::int64_t begin = 0;
    for (const Value* output : node.outputs()) {
        if (!output) return;
        if (axis != known.axis) {
            put(table, output, known);
            continue;
        }
        const std::int64_t count = extent(output, known.axis);
        if (count < 0 || begin + count > static_cast<std::int64_t>(known.is_known.size())) return;
        put(table, output, taken(known, known.axis, range(begin, count)));
        begin += count;
    }
}

void move_slice(const Node& node, const KnownChannels& known, Table& table) {
    const SliceAttrs slice = attrs<SliceAttrs>(node);
    const auto is_settled = [](const IntegersSource& source) { return source.is_absent() || source.values; };
    if (!slice.starts.values || !slice.ends.values || !is_settled(slice.axes) || !is_settled(slice.steps)) return;
    std::vector<std::int64_t> dims;
    for (const Dim& dim : *node.input(0)->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
    const SliceRange picked = SliceAttrs::resolve(Shape(std::move(dims)), *slice.starts.values, *slice.ends.values, slice.axes.values,
                                                  slice.steps.values)[static_cast<std::size_t>(known.axis)];
    std::vector<std::int64_t> places = range(0, picked.count);
    for (std::int64_t& place : places) place = picked.start + place * picked.step;
    put(table, node.output(0), taken(known, known.axis, places));
}

/// What is padded along another axis keeps a channel one number only where it pads with that number.
void move_pad(const Node& node, const KnownChannels& known, Table& table) {
    const PadAttrs pad = attrs<PadAttrs>(node);
    const auto numbers = doubles_of(known.numbers);
    if (!pad.pads.values || !(pad.axes.is_absent() || pad.axes.values) || !pad.value.is_settled() || !numbers) return;
    const int rank = node.input(0)->type().rank();
    const double value = pad.value.value.value_or(0.0);
    const std::vector<PadAttrs::Amount> amounts = PadAttrs::resolve(rank, *pad.pads.values, pad.axes.values);
    const bool is_constant = pad.mode == PadAttrs::Mode::Constant;
    KnownChannels padded = known;
    for (int axis = 0; axis < rank; ++axis)
        if (const PadAttrs::Amount& amount = amounts[static_cast<std::size_t>(axis)];
            is_constant && axis != known.axis && (amount.begin > 0 || amount.end > 0))
            for (std::size_t at = 0; at < numbers->size(); ++at) padded.is_known[at] = padded.is_known[at] && (*numbers)[at] == value;
    const PadAttrs::Amount& own = amounts[static_cast<std::size_t>(known.axis)];
    if (own == PadAttrs::Amount{}) return put(table, node.output(0), std::move(padded));
    const std::int64_t count = extent(node.output(0), known.axis);
    if (!is_constant || count < 0) return;
    std::vector<double> all(static_cast<std::size_t>(count), value);
    KnownChannels result{known.axis, std::vector<bool>(all.size(), true), {}};
    for (std::int64_t at = 0; at < count; ++at) {
        const std::int64_t from = at - own.begin;
        if (from < 0 || from >= static_cast<std::int64_t>(numbers->size())) continue;
        all[static_cast<std::size_t>(at)] = (*numbers)[static_cast<std::size_t>(from)];
        result.is_known[static_cast<std::size_t>(at)] = padded.is_known[static_cast<std::size_t>(from)];
    }
    result.numbers = tensor_of_doubles(known.numbers.dtype(), Shape{count}, all);
    put(table, node.output(0), std::move(result));
}

/// Elements from one axis to the next along `axis`; -1 when it is not known.
std::int64_t stride_of(const Value* value, int axis) {
    std::int64_t stride = 1;
    for (int behind = axis + 1; behind < value->type().rank(); ++behind) {
        if (extent(value, behind) < 1) return -1;
        stride *= extent(value, behind);
    }
    return stride;
}

/// Reshape and its kin: an axis of the result of which each index holds elements of one channel, or of channels that are the same number.
void move_reshape(const Node& node, const KnownChannels& known, Table& table) {
    const Value *from = node.input(0), *to = node.output(0);
    const auto channels = static_cast<std::int64_t>(known.is_known.size());
    const std::int64_t stride = stride_of(from, known.axis);
    if (stride < 1 || !to->type().has_rank()) return;
    for (int axis = to->type().rank() - 1; axis >= 0; --axis) {
        const std::int64_t count = extent(to, axis), step = stride_of(to, axis);
        if (count < 2 || step < 1) continue;
        const bool is_finer = stride % step == 0, is_coarser = step % stride == 0;
        if ((!is_finer && !is_coarser) || (count * step) % (stride * channels) != 0) continue;
        std::vector<std::int64_t> places;
        for (std::int64_t at = 0; at < count; ++at) places.push_back(at * step / stride % channels);
        KnownChannels moved = taken(known, axis, places);
        const auto numbers = doubles_of(known.numbers);
        if (!is_finer && !numbers) return;
        for (std::size_t at = 0; !is_finer && at < places.size(); ++at)
            for (std::int64_t next = 1; next < std::min(step / stride, channels); ++next) {
                const auto first = static_cast<std::size_t>(places[at]), other = static_cast<std::size_t>((places[at] + next) % channels);
                if (!known.is_known[other] || (*numbers)[other] != (*numbers)[first]) moved.is_known[at] = false;
            }
        return put(table, to, std::move(moved));
    }
}

void move_same_axis(const Node& node, const KnownChannels& known, Table& table) {
    if (node.output(0)->type().has_rank() && node.output(0)->type().rank() == node.input(0)->type().rank())
        put(table, node.output(0), known);
}

void move_average_pool(const Node& node, const KnownChannels& known, Table& table) {
    const PoolAttrs pool = attrs<PoolAttrs>(node);
    KnownChannels moved = known;
    const auto numbers = doubles_of(known.numbers);
    for (std::size_t at = 0; pool.count_include_pad && numbers && at < numbers->size(); ++at)
        moved.is_known[at] = moved.is_known[at] && (*numbers)[at] == 0.0;
    if (numbers) move_same_axis(node, moved, table);
}

void move_reduction(const Node& node, const KnownChannels& known, Table& table) {
    const ReduceAttrs reduce = attrs<ReduceAttrs>(node);
    if (reduce.axes.input >= 0 && node.input(reduce.axes.input) && !reduce.axes.values) return;
    const int rank = node.input(0)->type().rank();
    const std::vector<int> reduced = reduce.resolve(rank, reduce.axes.values.value_or(std::vector<std::int64_t>{}));
    if (std::binary_search(reduced.begin(), reduced.end(), known.axis)) return;
    KnownChannels moved = known;
    if (!reduce.keeps_dims)
        moved.axis -= static_cast<int>(std::count_if(reduced.begin(), reduced.end(), [&](int axis) { return axis < known.axis; }));
    put(table, node.output(0), std::move(moved));
}

/// Parts side by side along the axis of their channels; parts of which nothing is known are part of it.
void move_concat(const Node& node, Table& table) {
    const KnownChannels* first = nullptr;
    for (const Value* input : node.inputs())
        if (const KnownChannels* known = find(table, input); known && !first) first = known;
    const Value* result = node.output(0);
    if (!first || !result->type().has_rank()) return;
    const std::optional<int> axis = normalize_axis(attrs<ConcatAttrs>(node).axis, result->type().rank());
    const std::int64_t total = axis == first->axis ? extent(result, first->axis) : -1;
    if (total < 0) return;
    std::vector<double> numbers;
    KnownChannels joined{first->axis, {}, {}};
    for (const Value* input : node.inputs()) {
        const std::int64_t count = extent(input, first->axis);
        if (count < 0) return;
        for (const std::optional<double>& number : known_numbers(table, input, first->axis, count)) {
            numbers.push_back(number.value_or(0.0));
            joined.is_known.push_back(number.has_value());
        }
    }
    if (static_cast<std::int64_t>(numbers.size()) != total || !is_float_to_compute_with(first->numbers.dtype())) return;
    joined.numbers = tensor_of_doubles(first->numbers.dtype(), Shape{total}, numbers);
    put(table, result, std::move(joined));
}

void move_resize(const Node& node, const KnownChannels& known, Table& table) {
    if (attrs<ResizeAttrs>(node).coordinates != ResizeAttrs::Coordinates::TfCropAndResize) move_same_axis(node, known, table);
}

struct MoveRow {
    std::string_view op;
    void (*move)(const Node&, const KnownChannels&, Table&);
};
// clang-format off
constexpr MoveRow kRows[] = {
    {"AveragePool", move_average_pool},
    {"Flatten", move_reshape},
    {"GlobalAveragePool", move_same_axis},
    {"GlobalMaxPool", move_same_axis},
    {"Identity", move_same_axis},
    {"MaxPool", move_same_axis},
    {"Pad", move_pad},
    {"ReduceMax", move_reduction},
    {"ReduceMean", move_reduction},
    {"ReduceMin", move_reduction},
    {"Reshape", move_reshape},
    {"Resize", move_resize},
    {"Slice", move_slice},
    {"Split", move_split},
    {"Squeeze", move_reshape},
    {"Transpose", move_transpose},
    {"Unsqueeze", move_reshape},
    {"Upsample", move_resize},
};
// clang-format on

}  // namespace

void move_known_channels(const Node& node, KnownChannelTable& table) {
    if (!node.domain().empty()) return;
    if (node.is("Concat")) return move_concat(node, table);
    const KnownChannels* known = node.input_count() > 0 ? find(table, node.input(0)) : nullptr;
    if (!known) return;
    const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const MoveRow& each) { return each.op == node.op_type(); });
    if (row != std::end(kRows)) row->move(node, KnownChannels(*known), table);
}

}  // namespace mcompress
