// Walking tensors by strides: dimensions that lie contiguously in every operand are merged, and the innermost runs as one plain loop.
#pragma once

#include <array>
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

    /// Calls body(offsets) at the start of every innermost run of inner_size() elements, in row-major order.
    template <typename Body> void run(Body&& body) const {
        for (const std::int64_t size : sizes_)
            if (size == 0) return;
        const std::size_t outer = sizes_.size() - 1;
        std::vector<std::int64_t> index(outer, 0);
        Offsets offsets{};
        while (true) {
            body(offsets);
            std::size_t axis = outer;
            while (axis > 0) {
                --axis;
                for (std::size_t n = 0; n < N; ++n) offsets[n] += steps_[axis][n];
                if (++index[axis] < sizes_[axis]) break;
                for (std::size_t n = 0; n < N; ++n) offsets[n] -= steps_[axis][n] * sizes_[axis];
                index[axis] = 0;
                if (axis == 0) return;
            }
            if (outer == 0) return;
        }
    }

private:
    bool merges(const Offsets& step, std::int64_t size) const {
        for (std::size_t n = 0; n < N; ++n)
            if (steps_.back()[n] != step[n] * size) return false;
        return true;
    }

    std::vector<std::int64_t> sizes_;
    std::vector<Offsets> steps_;
};

/// Writes `shape` elements to contiguous `to`, read from `from` with `strides` (in elements; may be 0 or negative).
template <typename T> void copy_strided(T* to, const T* from, const Shape& shape, const Strides& strides) {
    const StridedLoop<1> loop(shape, {strides});
    const std::int64_t count = loop.inner_size(), step = loop.inner_steps()[0];
    loop.run([&](const auto& offset) {
        const T* source = from + offset[0];
        if (step == 1) std::memcpy(to, source, static_cast<std::size_t>(count) * sizeof(T));
        else
            for (std::int64_t i = 0; i < count; ++i) to[i] = source[i * step];
        to += count;
    });
}

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
