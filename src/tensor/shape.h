// A concrete tensor shape: every dimension known and not negative.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mcompress {

/// What the other dimensions of a tensor without elements may make together.
inline constexpr std::int64_t kMostBesideNone = std::int64_t{1} << 31;

class Shape {
public:
    Shape() = default;  // rank 0: a scalar
    Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
    explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}
    explicit Shape(std::span<const std::int64_t> dims) : dims_(dims.begin(), dims.end()) {}

    int rank() const { return static_cast<int>(dims_.size()); }
    std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
    std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(axis)]; }
    const std::vector<std::int64_t>& dims() const { return dims_; }
    auto begin() const { return dims_.begin(); }
    auto end() const { return dims_.end(); }

    /// Product of the dimensions, 1 for a scalar. Throws kTensorInvalid on a negative dimension, beyond 2^63, and where the dimensions beside one of
    /// 0 make more than kMostBesideNone: kernels count rows and planes, and make room for them, before they see that these are empty.
    std::int64_t element_count() const;
    /// As above, without a throw.
    std::optional<std::int64_t> checked_element_count() const;
    /// Product of dims [begin, end).
    std::int64_t product(int begin, int end) const;
    /// Row-major strides in elements.
    std::vector<std::int64_t> strides() const;

    bool operator==(const Shape&) const = default;

    /// "[1,3,224,224]"
    std::string to_string() const;

private:
    std::vector<std::int64_t> dims_;
};

/// NumPy broadcasting of two shapes; nothing when they do not fit.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// Maps a possibly negative axis into [0, rank); nothing when it is out of range.
std::optional<int> normalize_axis(std::int64_t axis, int rank);

}  // namespace mcompress
