#include "passes/compress/remove_channels.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "ops/infer.h"
#include "ops/shape.h"
#include "passes/compress/list_argument.h"
#include "passes/rewriter.h"
#include "support/check.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// What is left of axes.
class Survivors {
public:
    Survivors(const ChannelUnits& units, const std::vector<bool>& removed) : units_(units), removed_(removed) {}

    bool stays(int unit) const { return unit < 0 || !removed_[static_cast<std::size_t>(unit)]; }
    std::vector<std::int64_t> kept(const std::vector<int>& units) const {
        std::vector<std::int64_t> indices;
        for (std::size_t index = 0; index < units.size(); ++index)
            if (stays(units[index])) indices.push_back(static_cast<std::int64_t>(index));
        return indices;
    }
    std::vector<std::int64_t> kept_of(std::span<const Atom> atoms) const { return kept(units_.units_of(atoms)); }

private:
    const ChannelUnits& units_;
    const std::vector<bool>& removed_;
};

void slice_constants(const ChannelUnits& units, const Survivors& survivors) {
    for (const UnitAxis& axis : units.axes) {
        if (axis.input < 0) continue;
        const std::vector<std::int64_t> kept = survivors.kept(axis.units);
        if (kept.size() == axis.units.size()) continue;
        const Value* value = axis.node->input(axis.input);
        put_constant(axis.node, axis.input, take_along(*known_tensor(value), axis.axis, kept), value->name());
    }
}

/// Elements that are indices along an axis count its survivors in front of them.
void renumber(const ChannelUnits& units, const Survivors& survivors) {
    for (const IndexedInput& each : units.relations.indices) {
        const std::vector<std::int64_t> kept = survivors.kept_of(each.along);
        if (kept.size() == each.along.size()) continue;
        const Value* value = each.node->input(each.input);
        Tensor tensor = *known_tensor(value);
        std::vector<std::int64_t> list = *integers_of(tensor);
        for (std::int64_t& index : list) {
            const std::int64_t old = index < 0 ? index + static_cast<std::int64_t>(each.along.size()) : index;
            index = std::lower_bound(kept.begin(), kept.end(), old) - kept.begin();
        }
        if (tensor.dtype() == DType::Int64) tensor = Tensor::from_values(tensor.shape(), list);
        else tensor = Tensor::from_values(tensor.shape(), std::vector<std::int32_t>(list.begin(), list.end()));
        put_constant(each.node, each.input, std::move(tensor), value->name());
    }
}

void set_types(Graph& graph, const ChannelUnits& units, const Survivors& survivors) {
    for (const UnitAxis& axis : units.axes) {
        if (axis.input >= 0) continue;
        Value* value = axis.node->output(axis.output);
        ValueType type = value->type();
        (*type.dims)[static_cast<std::size_t>(axis.axis)] = static_cast<std::int64_t>(survivors.kept(axis.units).size());
        graph.set_type(value, std::move(type));
    }
}

void recount(Graph& graph, const CountedInteger& counted, const Survivors& survivors) {
    auto count = static_cast<std::int64_t>(survivors.kept_of(counted.atoms).size());
    if (count == static_cast<std::int64_t>(counted.atoms.size())) return;
    if (counted.sign == CountedInteger::Sign::Negative) count = -count;
    Node& node = *counted.node;
    if (counted.input >= 0) return put_list_element(node, counted.input, counted.index, count);
    if (counted.index < 0) return graph.set_attribute(&node, counted.attribute, count);
    auto list = std::get<std::vector<std::int64_t>>(node.attribute(counted.attribute)->value);
    list[static_cast<std::size_t>(counted.index)] = count;
    graph.set_attribute(&node, counted.attribute, std::move(list));
}

/// Parts that are no longer equal are listed.
void list_splits(Graph& graph, const ChannelUnits& units) {
    for (Node* node : units.relations.equal_splits) {
        const int axis = *normalize_axis(attrs<SplitAttrs>(*node).axis, node->input(0)->type().rank());
        std::vector<std::int64_t> sizes;
        for (const Value* output : node->outputs()) sizes.push_back((*output->type().dims)[static_cast<std::size_t>(axis)].extent());
        if (std::all_of(sizes.begin(), sizes.end(), [&](std::int64_t size) { return size == sizes[0]; })) continue;
        graph.erase_attribute(node, "num_outputs");
        if (node->opset_version() < 13) graph.set_attribute(node, "split", sizes);
        else put_constant(node, 1, Tensor::from_values({static_cast<std::int64_t>(sizes.size())}, sizes), node->display_name() + "_split");
    }
}

}  // namespace

Tensor take_along(const Tensor& tensor, int axis, std::span<const std::int64_t> indices) {
    const Shape& shape = tensor.shape();
    std::vector<std::int64_t> dims = shape.dims();
    dims[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(indices.size());
    Tensor taken = Tensor::uninitialized(tensor.dtype(), Shape(dims));
    const auto width = static_cast<std::size_t>(dtype_bits(tensor.dtype())) / 8;
    const std::size_t run = static_cast<std::size_t>(shape.product(axis + 1, shape.rank())) * width;
    const std::size_t rows = static_cast<std::size_t>(shape[axis]);
    std::byte* to = taken.mutable_bytes();
    for (std::int64_t outer = 0; outer < shape.product(0, axis); ++outer)
        for (const std::int64_t index : indices) {
            std::memcpy(to, tensor.bytes() + (static_cast<std::size_t>(outer) * rows + static_cast<std::size_t>(index)) * run, run);
            to += run;
        }
    return taken;
}

void remove_channels(Graph& graph, const ChannelUnits& units, const std::vector<bool>& removed) {
    MCOMPRESS_CHECK(removed.size() == static_cast<std::size_t>(units.count));
    const Survivors survivors(units, removed);
    slice_constants(units, survivors);
    renumber(units, survivors);
    set_types(graph, units, survivors);
    for (const CountedInteger& counted : units.relations.counts) recount(graph, counted, survivors);
    list_splits(graph, units);
    try {
        infer_types(graph);
    } catch (const Error& error) {
        fail(codes::kInternal, "after the removal of channels the graph contradicts itself: {}", error.what());
    }
}

}  // namespace mcompress
