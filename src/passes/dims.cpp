#include "passes/dims.h"

namespace mcompress {

bool is_same_dim(const Dim& a, const Dim& b) { return (a.is_known() || a.is_symbol()) && a == b; }

namespace {

/// Dimensions that are not proven equal; nothing when ranks are unknown or differ.
std::optional<int> open_dims(const ValueType& a, const ValueType& b) {
    if (!a.has_rank() || !b.has_rank() || a.rank() != b.rank()) return std::nullopt;
    int open = 0;
    for (std::size_t axis = 0; axis < a.dims->size(); ++axis) open += is_same_dim((*a.dims)[axis], (*b.dims)[axis]) ? 0 : 1;
    return open;
}

}  // namespace

bool is_same_shape(const ValueType& a, const ValueType& b) { return open_dims(a, b) == 0; }

bool is_same_shape_given_count(const ValueType& a, const ValueType& b) {
    const auto open = open_dims(a, b);
    if (open != 1) return open == 0;
    // An extent of zero elsewhere would leave the open one undetermined.
    for (std::size_t axis = 0; axis < a.dims->size(); ++axis) {
        const Dim& left = (*a.dims)[axis];
        const Dim& right = (*b.dims)[axis];
        if (left.is_known() && right.is_known() && (left.extent() == 0 || !(left == right))) return false;
    }
    return true;
}

}  // namespace mcompress
