// Transposes a block of a matrix: registers full of elements at a time, through a tile that stays in the first cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mcompress::reference {

/// A matrix to be written transposed: element (r, c) is read at from[r·from_pitch + c] and written at to[c·to_pitch + r].
template <typename T> struct TransposedBlock {
    const T* from;
    T* to;
    std::int64_t from_pitch, to_pitch;  // in elements
    std::int64_t rows, columns;         // of what is read
};

/// Elements along both sides of a tile.
template <typename T> inline constexpr std::int64_t kTile = sizeof(T) <= 4 ? 64 : 32;

namespace tile {

template <typename T> inline constexpr std::size_t kLanes = 16 / sizeof(T);
template <typename T> using Register __attribute__((vector_size(16))) = T;

/// a0 b0 a1 b1 … from the first or the second half of two registers.
template <std::size_t first, typename V, std::size_t... I> V interleave(V a, V b, std::index_sequence<I...>) {
    return __builtin_shufflevector(a, b, (first + I / 2 + (I % 2) * sizeof...(I))...);
}

/// A square of kLanes × kLanes elements: interleaving row i with row i + n/2, log2(n) times over, transposes it.
template <typename T> void square(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch) {
    constexpr std::size_t n = kLanes<T>;
    using V = Register<T>;
    constexpr auto kAll = std::make_index_sequence<n>{};
    V rows[n], mixed[n];
    // Unrolled, all of them, so that the arrays are registers.
#pragma GCC unroll 16
    for (std::size_t r = 0; r < n; ++r) std::memcpy(&rows[r], from + static_cast<std::int64_t>(r) * from_pitch, 16);
#pragma GCC unroll 4
    for (std::size_t stage = 1; stage < n; stage *= 2) {
#pragma GCC unroll 16
        for (std::size_t r = 0; r < n / 2; ++r) {
            mixed[2 * r] = interleave<0>(rows[r], rows[r + n / 2], kAll);
            mixed[2 * r + 1] = interleave<n / 2>(rows[r], rows[r + n / 2], kAll);
        }
#pragma GCC unroll 16
        for (std::size_t r = 0; r < n; ++r) rows[r] = mixed[r];
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < n; ++r) std::memcpy(to + static_cast<std::int64_t>(r) * to_pitch, &rows[r], 16);
}

/// Few rows whose elements come to lie next to each other.
template <int rows, typename T> void weave(const TransposedBlock<T>& b) {
    for (std::int64_t c = 0; c < b.columns; ++c)
        for (std::int64_t r = 0; r < rows; ++r) b.to[c * rows + r] = b.from[r * b.from_pitch + c];
}

/// Few columns: the elements of one come apart.
template <int columns, typename T> void unweave(const TransposedBlock<T>& b) {
    for (std::int64_t r = 0; r < b.rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) b.to[c * b.to_pitch + r] = b.from[r * columns + c];
}

/// A block of at most kTile × kTile elements.
template <typename T> void through_tile(const TransposedBlock<T>& b) {
    alignas(64) T buffer[static_cast<std::size_t>(kTile<T> * kTile<T>)];
    constexpr auto n = static_cast<std::int64_t>(kLanes<T>);
    const std::int64_t whole_rows = b.rows / n * n, whole_columns = b.columns / n * n;
    for (std::int64_t r = 0; r < whole_rows; r += n)
        for (std::int64_t c = 0; c < whole_columns; c += n) {
            if constexpr (n > 1) square(b.from + r * b.from_pitch + c, b.from_pitch, buffer + c * kTile<T> + r, kTile<T>);
            else buffer[c * kTile<T> + r] = b.from[r * b.from_pitch + c];
        }
    for (std::int64_t r = 0; r < b.rows; ++r)
        for (std::int64_t c = r < whole_rows ? whole_columns : 0; c < b.columns; ++c)
            buffer[c * kTile<T> + r] = b.from[r * b.from_pitch + c];
    for (std::int64_t c = 0; c < b.columns; ++c)
        std::memcpy(b.to + c * b.to_pitch, buffer + c * kTile<T>, static_cast<std::size_t>(b.rows) * sizeof(T));
}

}  // namespace tile

/// Any block; large ones tile by tile.
template <typename T> void transpose_block(const TransposedBlock<T>& b) {
    if (b.rows <= 4 && b.to_pitch == b.rows) {
        if (b.rows == 2) return tile::weave<2>(b);
        if (b.rows == 3) return tile::weave<3>(b);
        if (b.rows == 4) return tile::weave<4>(b);
    }
    if (b.columns <= 4 && b.from_pitch == b.columns) {
        if (b.columns == 2) return tile::unweave<2>(b);
        if (b.columns == 3) return tile::unweave<3>(b);
        if (b.columns == 4) return tile::unweave<4>(b);
    }
    for (std::int64_t c = 0; c < b.columns; c += kTile<T>)
        for (std::int64_t r = 0; r < b.rows; r += kTile<T>)
            tile::through_tile<T>({b.from + r * b.from_pitch + c, b.to + c * b.to_pitch + r, b.from_pitch, b.to_pitch,
                                   std::min(kTile<T>, b.rows - r), std::min(kTile<T>, b.columns - c)});
}

}  // namespace mcompress::reference
