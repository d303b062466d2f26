#include "engine/reference/strided.h"

#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/ranges.h"
#include "engine/reference/tile_transpose.h"

namespace mcompress::reference {

namespace {

/// A copy of a few bytes without the call of memcpy: two that overlap.
void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
    if (bytes > 32 || bytes < 4) {
        std::memcpy(to, from, bytes);
    } else if (bytes >= 16) {
        std::byte head[16], tail[16];
        std::memcpy(head, from, 16);
        std::memcpy(tail, from + bytes - 16, 16);
        std::memcpy(to, head, 16);
        std::memcpy(to + bytes - 16, tail, 16);
    } else if (bytes >= 8) {
        std::uint64_t head, tail;
        std::memcpy(&head, from, 8);
        std::memcpy(&tail, from + bytes - 8, 8);
        std::memcpy(to, &head, 8);
        std::memcpy(to + bytes - 8, &tail, 8);
    } else {
        std::uint32_t head, tail;
        std::memcpy(&head, from, 4);
        std::memcpy(&tail, from + bytes - 4, 4);
        std::memcpy(to, &head, 4);
        std::memcpy(to + bytes - 4, &tail, 4);
    }
}

/// Calls body.operator()<bytes>() with a size known to the compiler, 0 for all others.
template <typename Body> void with_fixed_size(std::size_t bytes, Body&& body) {
    switch (bytes) {
        case 1: return body.template operator()<1>();
        case 2: return body.template operator()<2>();
        case 4: return body.template operator()<4>();
        case 8: return body.template operator()<8>();
        case 16: return body.template operator()<16>();
        default: return body.template operator()<0>();
    }
}

template <std::size_t fixed> void copy_block(std::byte* to, const std::byte* from, std::size_t bytes) {
    if constexpr (fixed > 0) std::memcpy(to, from, fixed);
    else copy_bytes(to, from, bytes);
}

/// Innermost elements lie `step` apart.
template <typename T> void copy_run(T* to, const T* from, std::int64_t step, std::int64_t count) {
    if (step == 0) std::fill_n(to, count, *from);
    else if (step == 2)
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * 2];
    else if (step == -1)
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[-i];
    else
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * step];
}

/// The axis to change places with the innermost one: its elements lie next to each other in the source.
std::size_t find_partner(const StridedLoop<1>& loop) {
    for (std::size_t axis = 0; axis + 1 < loop.sizes().size(); ++axis)
        if (loop.steps()[axis][0] == 1) return axis;
    return loop.sizes().size();
}

/// All axes but `partner` and the innermost one are walked; these two are transposed block by block.
template <typename T> void copy_transposed(T* to, const T* from, const StridedLoop<1>& loop, std::size_t partner, int threads) {
    const std::size_t last = loop.sizes().size() - 1;
    std::vector<std::int64_t> outer;
    Strides from_steps, to_steps;
    std::int64_t to_step = 1, to_pitch = 0;
    for (std::size_t axis = last + 1; axis-- > 0; to_step *= loop.sizes()[axis]) {
        if (axis == partner) to_pitch = to_step;
        if (axis == partner || axis == last) continue;
        outer.insert(outer.begin(), loop.sizes()[axis]);
        from_steps.insert(from_steps.begin(), loop.steps()[axis][0]);
        to_steps.insert(to_steps.begin(), to_step);
    }
    const StridedLoop<2> walk(Shape(outer), {from_steps, to_steps});
    const std::int64_t rows = loop.sizes()[last], columns = loop.sizes()[partner], from_pitch = loop.steps()[last][0];
    constexpr std::int64_t side = kTile<T>;
    const std::int64_t width = side * side / std::min(rows, side), height = 4 * side * side / std::min(columns, side);
    const std::int64_t across = (columns + width - 1) / width, blocks = across * ((rows + height - 1) / height);
    for_ranges(walk.element_count() * blocks, 1, 2 * to_step * static_cast<std::int64_t>(sizeof(T)), threads,
               [&](std::int64_t begin, std::int64_t end) {
                   walk.run(begin / blocks, (end + blocks - 1) / blocks, [&](const auto& offsets, std::int64_t entry, std::int64_t count) {
                       for (std::int64_t at = std::max(begin, entry * blocks); at < std::min(end, (entry + count) * blocks); ++at) {
                           const std::int64_t inside = at / blocks - entry, block = at % blocks;
                           const std::int64_t c = block % across * width, r = block / across * height;
                           const T* source = from + offsets[0] + inside * walk.inner_steps()[0];
                           T* target = to + offsets[1] + inside * walk.inner_steps()[1];
                           transpose_block<T>({source + r * from_pitch + c, target + c * to_pitch + r, from_pitch, to_pitch,
                                               std::min(height, rows - r), std::min(width, columns - c)});
                       }
                   });
               });
}

template <typename T> void copy_elements(T* to, const T* from, const StridedLoop<1>& loop, int threads) {
    const std::int64_t elements = loop.element_count(), step = loop.inner_steps()[0];
    const std::size_t partner = find_partner(loop);
    if (step != 1 && step != 0 && partner < loop.sizes().size()) return copy_transposed(to, from, loop, partner, threads);
    for_ranges(elements, 64, 2 * elements * static_cast<std::int64_t>(sizeof(T)), threads, [&](std::int64_t begin, std::int64_t end) {
        loop.run(begin, end, [&](const auto& offset, std::int64_t position, std::int64_t count) {
            if (step == 1)
                copy_bytes(reinterpret_cast<std::byte*>(to + position), reinterpret_cast<const std::byte*>(from + offset[0]),
                           static_cast<std::size_t>(count) * sizeof(T));
            else copy_run(to + position, from + offset[0], step, count);
        });
    });
}

}  // namespace

Strides broadcast_strides(const Shape& from, const Shape& to) {
    const Strides own = from.strides();
    Strides result(static_cast<std::size_t>(to.rank()), 0);
    const int shift = to.rank() - from.rank();
    for (int axis = 0; axis < from.rank(); ++axis)
        if (from[axis] != 1) result[static_cast<std::size_t>(axis + shift)] = own[static_cast<std::size_t>(axis)];
    return result;
}

void copy_strided(std::byte* to, const std::byte* from, std::size_t element_bytes, const Shape& shape, const Strides& strides,
                  int threads) {
    if (shape.element_count() == 0) return;
    const StridedLoop<1> loop(shape, {strides});
    const auto copy = [&]<typename T>(T*) { copy_elements(reinterpret_cast<T*>(to), reinterpret_cast<const T*>(from), loop, threads); };
    switch (element_bytes) {
        case 1: return copy(static_cast<std::uint8_t*>(nullptr));
        case 2: return copy(static_cast<std::uint16_t*>(nullptr));
        case 4: return copy(static_cast<std::uint32_t*>(nullptr));
        case 8: return copy(static_cast<std::uint64_t*>(nullptr));
        case 16: return copy(static_cast<Bytes16*>(nullptr));
        default: MCOMPRESS_CHECK(false);
    }
}

void copy_rows(std::byte* to, std::size_t to_pitch, const std::byte* from, std::size_t from_pitch, std::size_t row_bytes, std::int64_t rows,
               int threads) {
    if (row_bytes == 0) return;
    if (row_bytes == to_pitch && row_bytes == from_pitch) {
        const std::size_t bytes = row_bytes * static_cast<std::size_t>(rows);
        return for_ranges(
            static_cast<std::int64_t>(bytes), 64, 2 * static_cast<std::int64_t>(bytes), threads,
            [&](std::int64_t begin, std::int64_t end) { std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin)); });
    }
    for_ranges(rows, 1, 2 * rows * static_cast<std::int64_t>(row_bytes), threads, [&](std::int64_t begin, std::int64_t end) {
        with_fixed_size(row_bytes, [&]<std::size_t fixed>() {
            std::byte* target = to + static_cast<std::size_t>(begin) * to_pitch;
            const std::byte* source = from + static_cast<std::size_t>(begin) * from_pitch;
            for (std::int64_t row = begin; row < end; ++row, target += to_pitch, source += from_pitch)
                copy_block<fixed>(target, source, row_bytes);
        });
    });
}

void gather_rows(std::byte* to, const std::byte* from, std::size_t row_bytes, const std::int64_t* rows, std::int64_t count) {
    with_fixed_size(row_bytes, [&]<std::size_t fixed>() {
        for (std::int64_t i = 0; i < count; ++i, to += row_bytes)
            copy_block<fixed>(to, from + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes);
    });
}

}  // namespace mcompress::reference
