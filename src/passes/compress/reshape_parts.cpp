#include "passes/compress/reshape_parts.h"

#include <algorithm>

#include "passes/dims.h"

namespace mcompress {

namespace {

constexpr std::string_view kUnmatched = "it joins and splits axes in ways that do not fit together";

/// One side of a Reshape: what is left of each axis, and the parts found at its front and at its back (those last to first).
struct Side {
    explicit Side(const Dims& dims) : front(dims.size()), back(dims.size()) {
        for (const Dim& dim : dims) left.push_back(dim.is_known() ? dim.extent() : -1);
        end = static_cast<int>(dims.size());
    }
    std::int64_t& at(int axis) { return left[static_cast<std::size_t>(axis)]; }

    std::vector<std::int64_t> left;  // -1: not known
    std::vector<std::vector<std::vector<Atom>>> front, back;
    int begin = 0, end = 0;  // axes not yet done
};

enum class Direction { Front, Back };

int current(const Side& side, Direction direction) { return direction == Direction::Front ? side.begin : side.end - 1; }
void advance(Side& side, Direction direction) { direction == Direction::Front ? ++side.begin : --side.end; }
void add_part(Side& side, Direction direction, const std::vector<Atom>& part) {
    const auto axis = static_cast<std::size_t>(current(side, direction));
    (direction == Direction::Front ? side.front : side.back)[axis].push_back(part);
    side.left[axis] /= static_cast<std::int64_t>(part.size());
    if (side.left[axis] == 1) advance(side, direction);
}

void match(Side& from, Side& to, const Dims& from_dims, const Dims& to_dims, Direction direction, AxisAtoms& atoms) {
    while (from.begin < from.end && to.begin < to.end) {
        const int a = current(from, direction), b = current(to, direction);
        const std::int64_t x = from.at(a), y = to.at(b);
        if (x == 1) advance(from, direction);
        else if (y == 1) advance(to, direction);
        else if (x < 0 && y < 0 && is_same_dim(from_dims[static_cast<std::size_t>(a)], to_dims[static_cast<std::size_t>(b)])) {
            advance(from, direction);
            advance(to, direction);
        } else {
            if (x <= 0 || y <= 0 || std::max(x, y) % std::min(x, y) != 0) return;
            const std::vector<Atom> part = atoms.create(std::min(x, y));
            if (part.empty()) return;
            add_part(from, direction, part);
            add_part(to, direction, part);
        }
    }
}

void compose_side(const Node& node, ChannelRelations& relations, Axes axes, Side& side) {
    for (std::size_t axis = 0; axis < side.left.size(); ++axis) {
        if (axis >= axes.size() || axes[axis].size() < 2) {  // too long to be followed, or a single one: what it is made of stays
            for (const auto* parts : {&side.front[axis], &side.back[axis]})
                for (const std::vector<Atom>& part : *parts) relations.freeze(node, part, kUnmatched);
            continue;
        }
        std::vector<std::vector<Atom>> parts = std::move(side.front[axis]);
        if (side.left[axis] != 1) {
            parts.push_back(relations.atoms.create(side.left[axis]));
            relations.freeze(node, parts.back(), kUnmatched);
        }
        parts.insert(parts.end(), side.back[axis].rbegin(), side.back[axis].rend());
        relations.compose(node, axes[axis], std::move(parts));
    }
}

}  // namespace

void relate_same_elements(const Node& node, ChannelRelations& relations) {
    const Dims& from_dims = *node.input(0)->type().dims;
    const Dims& to_dims = *node.output(0)->type().dims;
    Side from(from_dims), to(to_dims);
    match(from, to, from_dims, to_dims, Direction::Front, relations.atoms);
    match(from, to, from_dims, to_dims, Direction::Back, relations.atoms);
    compose_side(node, relations, relations.in(node, 0), from);
    compose_side(node, relations, relations.out(node, 0), to);
}

int target_length(const Node& node) {
    const Value* target = node.input(1);
    if (!target || !target->type().has_rank() || target->type().rank() != 1) return 0;
    return static_cast<int>(std::max<std::int64_t>(0, (*target->type().dims)[0].extent()));
}

}  // namespace mcompress
