// Walking tensors by strides: dimensions that lie contiguously in every operand are merged, and the innermost runs as one plain loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "tensor/shape.h"

namespace mcompress::reference {

using Strides = std::vector<std::int64_t>;

/// Strides that read a tensor of shape `from` broadcast to `to` (0 along broadcast dimensions). `from` must broadcast to `to`.
Strides broadcast_strides(const Shape& from, const Shape& to);

/// An index space with `N` operands, each with a stride a dimension.
template <std::size_t N> class StridedLoop {
public:
    using Offsets = std::array<std::int64_t, N>;

    StridedLoop(const Shape& shape, const std::array<Strides, N>& strides) {
        for (int axis = 0; axis < shape.rank(); ++axis) {
            if (shape[axis] == 1) continue;
            Offsets step;
            for (std::size_t n = 0; n < N; ++n) step[n] = strides[n][static_cast<std::size_t>(axis)];
            if (!sizes_.empty() && merges(step, shape[axis])) {
                sizes_.back() *= shape[axis];
                steps_.back() = step;
            } else {
                sizes_.push_back(shape[axis]);
                steps_.push_back(step);
            }
        }
        if (sizes_.empty()) {
            sizes_.push_back(1);
            steps_.push_back({});
        }
    }

    /// Strides of the operands in the innermost loop.
    const Offsets& inner_steps() const { return steps_.back(); }
    std::int64_t inner_size() const { return sizes_.back(); }
    /// The merged dimensions, outermost first, and the operands' strides along them.
    const std::vector<std::int64_t>& sizes() const { return sizes_; }
    const std::vector<Offsets>& steps() const { return steps_; }
    std::int64_t element_count() const {
        std::int64_t count = 1;
        for (const std::int64_t size : sizes_) count *= size;
        return count;
    }

    /// Calls body(offsets) at the start of every innermost run of inner_size() elements, in row-major order.
    template <typename Body> void run(Body&& body) const {
        run(0, element_count(), [&](const Offsets& offsets, std::int64_t, std::int64_t) { body(offsets); });
    }

    /// Calls body(offsets, position, count) for every innermost run of elements [begin, end) in row-major order; the first and the last may
    /// be cut. `position` counts the elements before it.
    template <typename Body> void run(std::int64_t begin, std::int64_t end, Body&& body) const {
        if (begin >= end) return;
        const std::size_t outer = sizes_.size() - 1;
        const std::int64_t inner = sizes_.back();
        std::vector<std::int64_t> index(outer, 0);
        Offsets offsets{};
        std::int64_t rest = begin / inner;
        for (std::size_t axis = outer; axis-- > 0; rest /= sizes_[axis]) {
            index[axis] = rest % sizes_[axis];
            for (std::size_t n = 0; n < N; ++n) offsets[n] += index[axis] * steps_[axis][n];
        }
        std::int64_t position = begin;
        if (const std::int64_t skipped = begin % inner; skipped > 0) {
            Offsets inside = offsets;
            for (std::size_t n = 0; n < N; ++n) inside[n] += skipped * steps_.back()[n];
            const std::int64_t count = std::min(inner - skipped, end - position);
            body(inside, position, count);
            position += count;
            if (position < end) advance(index, offsets);
        }
        for (; position < end; advance(index, offsets)) {
            const std::int64_t count = std::min(inner, end - position);
            body(offsets, position, count);
            position += count;
        }
    }

private:
    /// To the next run; from the last one back to the first.
    void advance(std::vector<std::int64_t>& index, Offsets& offsets) const {
        for (std::size_t axis = index.size(); axis-- > 0;) {
            for (std::size_t n = 0; n < N; ++n) offsets[n] += steps_[axis][n];
            if (++index[axis] < sizes_[axis]) return;
            for (std::size_t n = 0; n < N; ++n) offsets[n] -= steps_[axis][n] * sizes_[axis];
            index[axis] = 0;
        }
    }

    bool merges(const Offsets& step, std::int64_t size) const {
        for (std::size_t n = 0; n < N; ++n)
            if (steps_.back()[n] != step[n] * size) return false;
        return true;
    }

    std::vector<std::int64_t> sizes_;
    std::vector<Offsets> steps_;
};

/// Writes `shape` elements of `element_bytes` bytes (1, 2, 4, 8 or 16) to contiguous `to`, read from `from` with `strides` in elements, which
/// may be 0 or negative: whole runs where elements lie together, tiles where two axes change places.
void copy_strided(std::byte* to, const std::byte* from, std::size_t element_bytes, const Shape& shape, const Strides& strides, int threads);

template <typename T> void copy_strided(T* to, const T* from, const Shape& shape, const Strides& strides, int threads = 1) {
    copy_strided(reinterpret_cast<std::byte*>(to), reinterpret_cast<const std::byte*>(from), sizeof(T), shape, strides, threads);
}

/// `rows` blocks of `row_bytes` bytes, `to_pitch` and `from_pitch` bytes apart.
void copy_rows(std::byte* to, std::size_t to_pitch, const std::byte* from, std::size_t from_pitch, std::size_t row_bytes, std::int64_t rows,
               int threads);

/// Block i of `to` is block rows[i] of `from`; blocks of `row_bytes` bytes.
void gather_rows(std::byte* to, const std::byte* from, std::size_t row_bytes, const std::int64_t* rows, std::int64_t count);

/// Reads contiguous `from` and writes to `to` with `strides`.
template <typename T> void scatter_strided(T* to, const T* from, const Shape& shape, const Strides& strides) {
    const StridedLoop<1> loop(shape, {strides});
    const std::int64_t count = loop.inner_size(), step = loop.inner_steps()[0];
    loop.run([&](const auto& offset) {
        T* target = to + offset[0];
        if (step == 1) std::memcpy(target, from, static_cast<std::size_t>(count) * sizeof(T));
        else
            for (std::int64_t i = 0; i < count; ++i) target[i * step] = from[i];
        from += count;
    });
}

}  // namespace mcompress::reference
