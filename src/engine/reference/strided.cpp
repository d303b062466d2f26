#include "engine/reference/strided.h"

namespace mcompress::reference {

Strides broadcast_strides(const Shape& from, const Shape& to) {
    const Strides own = from.strides();
    Strides result(static_cast<std::size_t>(to.rank()), 0);
    const int shift = to.rank() - from.rank();
    for (int axis = 0; axis < from.rank(); ++axis)
        if (from[axis] != 1) result[static_cast<std::size_t>(axis + shift)] = own[static_cast<std::size_t>(axis)];
    return result;
}

}  // namespace mcompress::reference
