#include "tensor/shape.h"

#include <algorithm>

#include "support/error.h"

namespace mcompress {

namespace {

/// 0 when the product does not fit 64 bits: in a tensor that exists, only beside a dimension of 0, and then there is no element to reach.
std::int64_t multiplied(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? 0 : result;
}

}  // namespace

std::optional<std::int64_t> Shape::checked_element_count() const {
    std::int64_t count = 1;
    bool empty = false;
    bool overflow = false;
    for (const std::int64_t dim : dims_) {
        if (dim < 0) return std::nullopt;
        if (dim == 0) empty = true;
        else if (__builtin_mul_overflow(count, dim, &count)) overflow = true;
    }
    if (overflow || (empty && count > kMostBesideNone)) return std::nullopt;
    return empty ? 0 : count;
}

std::int64_t Shape::element_count() const {
    if (const auto count = checked_element_count()) return *count;
    fail(codes::kTensorInvalid, "shape {} has a negative dimension, too many elements, or beside a dimension of 0 others of more than 2^31",
         to_string());
}

std::int64_t Shape::product(int begin, int end) const {
    std::int64_t count = 1;
    for (int axis = begin; axis < end; ++axis) count = multiplied(count, (*this)[axis]);
    return count;
}

std::vector<std::int64_t> Shape::strides() const {
    std::vector<std::int64_t> result(dims_.size(), 1);
    for (std::size_t axis = dims_.size(); axis-- > 1;) result[axis - 1] = multiplied(result[axis], dims_[axis]);
    return result;
}

std::string Shape::to_string() const {
    std::string text = "[";
    for (std::size_t axis = 0; axis < dims_.size(); ++axis) {
        if (axis > 0) text += ',';
        text += std::to_string(dims_[axis]);
    }
    return text + ']';
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
    const int rank = std::max(a.rank(), b.rank());
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
    for (int axis = 0; axis < rank; ++axis) {
        const int in_a = axis - (rank - a.rank());
        const int in_b = axis - (rank - b.rank());
        const std::int64_t x = in_a < 0 ? 1 : a[in_a];
        const std::int64_t y = in_b < 0 ? 1 : b[in_b];
        if (x != y && x != 1 && y != 1) return std::nullopt;
        dims[static_cast<std::size_t>(axis)] = x == 1 ? y : x;
    }
    return Shape(std::move(dims));
}

std::optional<int> normalize_axis(std::int64_t axis, int rank) {
    if (axis < -rank || axis >= rank) return std::nullopt;
    return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace mcompress
