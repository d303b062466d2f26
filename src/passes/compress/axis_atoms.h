// Union-find over the indices along the axes of values: which of them operators force to be treated alike.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// One index along one axis of one value.
using Atom = std::int32_t;

/// The atoms of a tensor, axis by axis; an axis without atoms is empty.
using Axes = std::span<const std::vector<Atom>>;

/// Why an atom cannot be changed. The clause is a string literal: "its weight is not a constant".
struct FreezeReason {
    const Node* node = nullptr;  // where the reason lies; null for the graph's interface
    std::string_view clause;
};

/// Which values of a graph get atoms.
enum class AtomScope { Float32Activations, Activations };

/// Atoms for every axis of known extent of the activations and sparse constants of one graph (its bodies left out). Joined atoms are one; what freezes one
/// of them freezes all. An axis without atoms (a dynamic one, of another type, of unknown rank) counts as frozen.
class AxisAtoms {
public:
    AxisAtoms(const Graph& graph, AtomScope scope);

    /// In order along the axis; empty when it has none.
    std::span<const Atom> along(const Value* value, int axis) const;
    /// None for a value without atoms.
    Axes axes(const Value* value) const;
    /// 0 for a value without atoms.
    int rank(const Value* value) const;
    std::size_t count() const { return parents_.size(); }
    /// Atoms for an axis that no activation has: of a constant operand, or a part of an axis. None when the extent is beyond what is followed.
    std::vector<Atom> create(std::int64_t extent);

    Atom root(Atom atom) const;
    void join(Atom a, Atom b);
    /// The first reason an atom meets stays.
    void freeze(Atom atom, FreezeReason reason);
    void freeze(std::span<const Atom> atoms, FreezeReason reason);
    /// The graph's interface, what bodies of its nodes read (others rely on them as they are), and sparse constants, which are carried as they are.
    void freeze_fixed_values(const Graph& graph);
    bool is_frozen(Atom atom) const { return reason_ids_[static_cast<std::size_t>(root(atom))] >= 0; }
    /// Every atom is frozen (so it is when there is none).
    bool are_frozen(std::span<const Atom> atoms) const;
    /// Requires is_frozen().
    const FreezeReason& reason(Atom atom) const;

private:
    void add(const Value* value, AtomScope scope);

    std::unordered_map<const Value*, std::vector<std::vector<Atom>>> axes_;
    mutable std::vector<Atom> parents_;  // paths are halved while they are walked
    std::vector<std::int32_t> reason_ids_;
    std::vector<FreezeReason> reasons_;
};

}  // namespace mcompress
