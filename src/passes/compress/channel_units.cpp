#include "passes/compress/channel_units.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "ops/attributes.h"
#include "passes/rewriter.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::string_view kOtherPart = "another part of a split axis carries its channels";

// ---- axes made of parts ----

std::vector<std::size_t> open_parts(const CompositeAxis& composite, const AxisAtoms& atoms) {
    std::vector<std::size_t> open;
    for (std::size_t part = 0; part < composite.parts.size(); ++part)
        if (!atoms.are_frozen(composite.parts[part])) open.push_back(part);
    return open;
}

/// Every index of the axis goes with its index in the one part; what freezes anything of the others is said.
void carry(const CompositeAxis& composite, std::size_t carrier, AxisAtoms& atoms) {
    std::size_t inner = 1;
    for (std::size_t part = carrier + 1; part < composite.parts.size(); ++part) inner *= composite.parts[part].size();
    const std::vector<Atom>& along = composite.parts[carrier];
    for (std::size_t index = 0; index < composite.whole.size(); ++index)
        atoms.join(composite.whole[index], along[index / inner % along.size()]);
    for (std::size_t part = 0; part < composite.parts.size(); ++part)
        if (part != carrier) atoms.freeze(composite.parts[part], {composite.node, kOtherPart});
}

/// Nothing is left to choose: true when the axis is settled.
bool settle(const CompositeAxis& composite, AxisAtoms& atoms) {
    const std::vector<std::size_t> open = open_parts(composite, atoms);
    if (!atoms.are_frozen(composite.whole) && open.size() > 1) return false;
    if (!atoms.are_frozen(composite.whole) && open.size() == 1) {
        carry(composite, open[0], atoms);
        return true;
    }
    const auto reason = [&](std::span<const Atom> frozen) {
        return frozen.empty() ? FreezeReason{composite.node, "its axis is too long"} : atoms.reason(frozen[0]);
    };
    if (atoms.are_frozen(composite.whole))
        for (const std::vector<Atom>& part : composite.parts) atoms.freeze(part, reason(composite.whole));
    else atoms.freeze(composite.whole, composite.parts.empty() ? FreezeReason{composite.node, kOtherPart} : reason(composite.parts[0]));
    return true;
}

std::size_t choose_carrier(const CompositeAxis& composite, const AxisAtoms& atoms, const std::unordered_set<Atom>& heads) {
    const std::vector<std::size_t> open = open_parts(composite, atoms);
    for (const std::size_t part : open)
        if (heads.contains(atoms.root(composite.parts[part][0]))) return part;
    return *std::max_element(open.begin(), open.end(),
                             [&](std::size_t a, std::size_t b) { return composite.parts[a].size() < composite.parts[b].size(); });
}

void resolve_composites(ChannelRelations& relations) {
    std::vector<const CompositeAxis*> pending;
    for (const CompositeAxis& composite : relations.composites) pending.push_back(&composite);
    const auto settle_all = [&] {
        for (std::size_t before = pending.size() + 1; pending.size() < before;) {
            before = pending.size();
            std::erase_if(pending, [&](const CompositeAxis* composite) { return settle(*composite, relations.atoms); });
        }
    };
    settle_all();
    // Later freezing can reach an axis that was settled: its part and whole are joined, so that they freeze together.
    while (!pending.empty()) {
        std::unordered_set<Atom> heads;
        for (const Atom atom : relations.heads) heads.insert(relations.atoms.root(atom));
        carry(*pending.front(), choose_carrier(*pending.front(), relations.atoms, heads), relations.atoms);
        pending.erase(pending.begin());
        settle_all();
    }
}

// ---- units ----

struct Numbering {
    ChannelUnits& units;

    std::vector<bool> is_active;  // by atom: an activation lies along its class

    void activate(Axes axes) {
        for (const std::vector<Atom>& axis : axes)
            for (const Atom atom : axis) is_active[static_cast<std::size_t>(units.relations.atoms.root(atom))] = true;
    }
    void number(Axes axes) {
        const AxisAtoms& atoms = units.relations.atoms;
        for (const std::vector<Atom>& axis : axes)
            for (const Atom atom : axis) {
                const auto root = static_cast<std::size_t>(atoms.root(atom));
                if (!atoms.is_frozen(atom) && is_active[root] && units.unit_of_root[root] < 0) units.unit_of_root[root] = units.count++;
            }
    }
    void add(Axes axes, UnitAxis place) {
        for (std::size_t axis = 0; axis < axes.size(); ++axis) {
            place.axis = static_cast<int>(axis);
            place.units = units.units_of(axes[axis]);
            if (std::any_of(place.units.begin(), place.units.end(), [](int unit) { return unit >= 0; })) units.axes.push_back(place);
        }
    }
};

void collect_axes(const std::vector<Node*>& order, ChannelUnits& units) {
    Numbering numbering{units, std::vector<bool>(units.relations.atoms.count(), false)};
    units.unit_of_root.assign(units.relations.atoms.count(), -1);
    for (const Node* node : order)
        for (int output = 0; output < node->output_count(); ++output) numbering.activate(units.relations.out(*node, output));
    for (const Node* node : order)
        for (int input = 0; input < node->input_count(); ++input)
            if (known_tensor(node->input(input))) numbering.number(units.relations.in(*node, input));
    for (Node* node : order) {
        for (int input = 0; input < node->input_count(); ++input)
            if (known_tensor(node->input(input)))
                numbering.add(units.relations.in(*node, input), {.node = node, .input = input, .units = {}});
        for (int output = 0; output < node->output_count(); ++output)
            if (node->output(output)) numbering.add(units.relations.out(*node, output), {.node = node, .output = output, .units = {}});
    }
}

/// Units that meet along an axis are one group.
void collect_groups(ChannelUnits& units) {
    std::vector<int> parents(static_cast<std::size_t>(units.count));
    for (int unit = 0; unit < units.count; ++unit) parents[static_cast<std::size_t>(unit)] = unit;
    const auto root = [&](int unit) {
        while (parents[static_cast<std::size_t>(unit)] != unit) {
            int& parent = parents[static_cast<std::size_t>(unit)];
            unit = parent = parents[static_cast<std::size_t>(parent)];
        }
        return unit;
    };
    for (const UnitAxis& axis : units.axes) {
        int first = -1;
        for (const int unit : axis.units) {
            if (unit < 0) continue;
            const int a = first < 0 ? root(unit) : root(first), b = root(unit);
            parents[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
            first = std::min(a, b);
        }
    }
    std::map<int, std::size_t> group_of;
    for (int unit = 0; unit < units.count; ++unit) {
        const auto [found, is_new] = group_of.try_emplace(root(unit), units.groups.size());
        if (is_new) units.groups.emplace_back();
        units.groups[found->second].units.push_back(unit);
    }
    for (const UnitAxis& axis : units.axes) {
        const int unit = *std::find_if(axis.units.begin(), axis.units.end(), [](int each) { return each >= 0; });
        std::string& name = units.groups[group_of.at(root(unit))].name;
        if (name.empty() && axis.input < 0) name = axis.node->output(axis.output)->name();
    }
}

// ---- what stays ----

struct ProductRow {
    std::string_view op;
    int weight;        // input
    int channel_axis;  // of output 0; -1: the last one
};
// clang-format off
constexpr ProductRow kProducts[] = {
    {"Attention", 1, -1},
    {"Conv", 1, 1},
    {"ConvInteger", 1, 1},
    {"ConvTranspose", 1, 1},
    {"FusedConv", 1, 1},
    {"GRU", 1, -1},
    {"Gemm", 1, 1},
    {"LSTM", 1, -1},
    {"MatMul", 1, -1},
    {"MatMulInteger", 1, -1},
    {"MatMulNBits", 1, -1},
    {"QLinearConv", 3, 1},
    {"QLinearMatMul", 3, -1},
    {"RNN", 1, -1},
};
// clang-format on

std::string describe(const FreezeReason& reason) {
    if (!reason.node) return std::string(reason.clause);
    return format("'{}' ({}): {}", reason.node->display_name(), reason.node->op_type(), reason.clause);
}

/// A constant, also behind an operator that dequantizes or reshapes it.
bool is_weight(const Value* value) {
    if (known_tensor(value)) return true;
    const Node* producer = value ? value->producer() : nullptr;
    return producer && producer->input_count() > 0 && known_tensor(producer->input(0));
}

/// The row of a node whose weight is a constant, and of every convolution; null for others.
const ProductRow* product_row(const Node& node) {
    const auto row =
        std::find_if(std::begin(kProducts), std::end(kProducts), [&](const ProductRow& each) { return each.op == node.op_type(); });
    if (row == std::end(kProducts)) return nullptr;
    return row->op.find("Conv") != std::string_view::npos || is_weight(node.input(row->weight)) ? row : nullptr;
}

const Value* result_of(const Node& node) { return node.output(0) ? node.output(0) : node.output(1); }

void collect_frozen(Graph& graph, const std::vector<Node*>& order, ChannelUnits& units) {
    const AxisAtoms& atoms = units.relations.atoms;
    for (const Node* node : order) {
        const ProductRow* row = product_row(*node);
        if (!row) continue;
        const Axes axes = atoms.axes(result_of(*node));
        const std::span<const Atom> channels = ChannelRelations::at(axes, row->channel_axis < 0 ? static_cast<int>(axes.size()) - 1 : 1);
        if (channels.empty()) units.frozen.push_back(skip(*node, "its number of channels is not known"));
        else if (atoms.are_frozen(channels)) units.frozen.push_back(skip(*node, describe(atoms.reason(channels[0]))));
    }
    for_each_graph(graph, [&](Graph& each) {
        if (&each == &graph) return;
        for (const Node* node : each.order())
            if (product_row(*node)) units.frozen.push_back(skip(*node, "it lies in the body of another node"));
    });
}

}  // namespace

std::vector<int> ChannelUnits::units_of(std::span<const Atom> atoms) const {
    std::vector<int> units;
    units.reserve(atoms.size());
    for (const Atom atom : atoms)
        units.push_back(relations.atoms.is_frozen(atom) ? -1 : unit_of_root[static_cast<std::size_t>(relations.atoms.root(atom))]);
    return units;
}

ChannelUnits find_channel_units(Graph& graph, NormalizedAxes normalized) {
    ChannelUnits units(relate_channels(graph, normalized));
    resolve_composites(units.relations);
    const std::vector<Node*> order = graph.order();
    collect_axes(order, units);
    collect_groups(units);
    collect_frozen(graph, order, units);
    return units;
}

std::vector<LayerWidth> layer_widths(const Graph& graph) {
    std::vector<LayerWidth> widths;
    for (const Node* node : graph.order()) {
        const ProductRow* row = product_row(*node);
        if (!row || !result_of(*node)->type().has_rank()) continue;
        const ValueType& type = result_of(*node)->type();
        const int axis = row->channel_axis < 0 ? type.rank() - 1 : row->channel_axis;
        if (axis < 0 || axis >= type.rank() || !(*type.dims)[static_cast<std::size_t>(axis)].is_known()) continue;
        widths.push_back({node->display_name(), node->op_type(), (*type.dims)[static_cast<std::size_t>(axis)].extent()});
    }
    return widths;
}

std::vector<bool> choosable(const ChannelUnits& units, const std::vector<int>& wanted) {
    std::vector<std::vector<std::size_t>> axes_of(static_cast<std::size_t>(units.count));
    std::vector<std::size_t> left;
    for (std::size_t axis = 0; axis < units.axes.size(); ++axis) {
        left.push_back(units.axes[axis].units.size());
        for (const int unit : units.axes[axis].units)
            if (unit >= 0) axes_of[static_cast<std::size_t>(unit)].push_back(axis);
    }
    std::vector<bool> removed(static_cast<std::size_t>(units.count), false);
    for (const int unit : wanted) {
        std::vector<std::size_t>& axes = axes_of[static_cast<std::size_t>(unit)];
        if (removed[static_cast<std::size_t>(unit)]) continue;
        for (const std::size_t axis : axes) --left[axis];
        removed[static_cast<std::size_t>(unit)] = std::all_of(axes.begin(), axes.end(), [&](std::size_t axis) { return left[axis] > 0; });
        if (removed[static_cast<std::size_t>(unit)]) continue;
        for (const std::size_t axis : axes) ++left[axis];
    }
    return removed;
}

}  // namespace mcompress
