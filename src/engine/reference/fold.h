// Reductions over any axes: contiguous rows in lanes, columns side by side, always in an order that depends on the shapes alone.
#pragma once

#include <algorithm>
#include <memory>

#include "engine/reference/kernel.h"
#include "engine/reference/ranges.h"
#include "engine/reference/strided.h"

namespace mcompress::reference {

/// A reduction over elements of type T: `add` takes an element into an accumulator, `merge` joins two accumulators.
template <typename Acc, typename Add, typename Merge> struct Folding {
    Acc start;
    Add add;
    Merge merge;
};
template <typename Acc, typename Add, typename Merge> Folding(Acc, Add, Merge) -> Folding<Acc, Add, Merge>;

/// The axes of a contiguous tensor that stay and those that go.
struct ReductionAxes {
    Shape kept, reduced;
    Strides kept_strides, reduced_strides;
};

/// Accumulators that take turns on a contiguous row: additions in a row do not wait for each other, and fill vector registers.
inline constexpr std::int64_t kFoldLanes = 16;
/// Columns that are accumulated side by side.
inline constexpr std::int64_t kFoldColumns = 256;
/// A row longer than this is folded in pieces of this length, which threads share.
inline constexpr std::int64_t kFoldPiece = std::int64_t{1} << 16;

/// Joins accumulators pairwise: 0 with n/2, 1 with n/2 + 1, …
template <typename Acc, typename Merge> Acc join_lanes(Acc* lanes, std::int64_t count, Merge merge) {
    for (std::int64_t width = count / 2; width > 0; width /= 2)
        for (std::int64_t lane = 0; lane < width; ++lane) lanes[lane] = merge(lanes[lane], lanes[lane + width]);
    return lanes[0];
}

/// All of a contiguous row.
template <typename T, typename Acc, typename Add, typename Merge>
Acc fold_row(const T* from, std::int64_t count, const Folding<Acc, Add, Merge>& folding) {
    if (count < kFoldLanes) {
        Acc total = folding.start;
        for (std::int64_t i = 0; i < count; ++i) total = folding.add(total, from[i]);
        return total;
    }
    Acc lanes[kFoldLanes];
    std::fill_n(lanes, kFoldLanes, folding.start);
    std::int64_t i = 0;
    for (; i + kFoldLanes <= count; i += kFoldLanes)
        for (std::int64_t lane = 0; lane < kFoldLanes; ++lane) lanes[lane] = folding.add(lanes[lane], from[i + lane]);
    for (std::int64_t lane = 0; i < count; ++i, ++lane) lanes[lane] = folding.add(lanes[lane], from[i]);
    return join_lanes(lanes, kFoldLanes, folding.merge);
}

/// The reduced axes include the innermost one: one output at a time, row by row.
template <typename T, typename Acc, typename Add, typename Merge, typename Store>
void fold_rows(const T* from, const StridedLoop<1>& kept, const StridedLoop<1>& reduced, const Folding<Acc, Add, Merge>& folding,
               int threads, Store&& store) {
    const std::int64_t outputs = kept.element_count(), length = reduced.inner_size(), rows = reduced.element_count() / length;
    const std::int64_t pieces = (length + kFoldPiece - 1) / kFoldPiece, parts = rows * pieces;
    const std::int64_t bytes = outputs * rows * length * static_cast<std::int64_t>(sizeof(T));
    const auto fold_parts = [&](std::int64_t base, std::int64_t begin, std::int64_t end, Acc* sums) {
        reduced.run(begin / pieces * length, (end + pieces - 1) / pieces * length,
                    [&](const auto& offset, std::int64_t position, std::int64_t) {
                        for (std::int64_t part = std::max(begin, position / length * pieces);
                             part < std::min(end, (position / length + 1) * pieces); ++part) {
                            const std::int64_t at = part % pieces * kFoldPiece;
                            *sums++ = fold_row(from + base + offset[0] + at, std::min(kFoldPiece, length - at), folding);
                        }
                    });
    };
    const auto join = [&](const Acc* sums) {
        Acc total = sums[0];
        for (std::int64_t i = 1; i < parts; ++i) total = folding.merge(total, sums[i]);
        return total;
    };
    if (outputs == 1) {
        const auto sums = std::make_unique<Acc[]>(static_cast<std::size_t>(parts));
        for_ranges(parts, 1, bytes, threads, [&](std::int64_t begin, std::int64_t end) { fold_parts(0, begin, end, sums.get() + begin); });
        return store(0, join(sums.get()));
    }
    for_ranges(outputs, 1, bytes, threads, [&](std::int64_t begin, std::int64_t end) {
        if (parts == 1) {  // a walk of one step would cost more than a short row
            kept.run(begin, end, [&](const auto& offset, std::int64_t position, std::int64_t count) {
                for (std::int64_t i = 0; i < count; ++i)
                    store(position + i, fold_row(from + offset[0] + i * kept.inner_steps()[0], length, folding));
            });
            return;
        }
        const auto sums = std::make_unique<Acc[]>(static_cast<std::size_t>(parts));
        kept.run(begin, end, [&](const auto& offset, std::int64_t position, std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i) {
                fold_parts(offset[0] + i * kept.inner_steps()[0], 0, parts, sums.get());
                store(position + i, join(sums.get()));
            }
        });
    });
}

/// One block of adjacent columns of [rows, columns] matrices whose starts `reduced` walks; `pitch` elements from row to row.
template <typename T, typename Acc, typename Add>
void fold_column_block(const T* from, std::int64_t rows, std::int64_t pitch, std::int64_t width, Acc* sums, Add add) {
    for (std::int64_t row = 0; row < rows; ++row, from += pitch)
        for (std::int64_t column = 0; column < width; ++column) sums[column] = add(sums[column], from[column]);
}

/// The innermost axis stays: blocks of columns side by side, row after row. Where columns are few, several rows make one.
template <typename T, typename Acc, typename Add, typename Merge, typename Store>
void fold_columns(const T* from, const StridedLoop<1>& kept, const StridedLoop<1>& reduced, const Folding<Acc, Add, Merge>& folding,
                  int threads, Store&& store) {
    const std::int64_t columns = kept.inner_size(), rows = reduced.inner_size(), pitch = reduced.inner_steps()[0];
    const std::int64_t outer = kept.element_count() / columns, blocks = (columns + kFoldColumns - 1) / kFoldColumns;
    const bool is_dense = pitch == columns && columns <= kFoldColumns / 2;
    const std::int64_t together = is_dense ? std::min(rows, kFoldColumns / columns) : 1;
    const std::int64_t bytes = outer * columns * reduced.element_count() * static_cast<std::int64_t>(sizeof(T));
    for_ranges(outer * blocks, 1, bytes, threads, [&](std::int64_t begin, std::int64_t end) {
        Acc sums[kFoldColumns];
        for (std::int64_t block = begin; block < end; ++block) {
            const std::int64_t entry = block / blocks, first = block % blocks * kFoldColumns,
                               width = std::min(kFoldColumns, columns - first);
            std::fill_n(sums, width * together, folding.start);
            std::int64_t base = 0;
            kept.run(entry * columns, entry * columns + 1,
                     [&](const auto& offset, std::int64_t, std::int64_t) { base = offset[0] + first; });
            reduced.run([&](const auto& offset) {
                const T* start = from + base + offset[0];
                const std::int64_t whole = rows / together;
                fold_column_block(start, whole, pitch * together, width * together, sums, folding.add);
                fold_column_block(start + whole * together * pitch, rows % together, pitch, width, sums, folding.add);
            });
            for (std::int64_t row = 1; row < together; ++row)
                for (std::int64_t column = 0; column < width; ++column)
                    sums[column] = folding.merge(sums[column], sums[row * width + column]);
            for (std::int64_t column = 0; column < width; ++column) store(entry * columns + first + column, sums[column]);
        }
    });
}

/// Calls store(output index, accumulator) once for every element that stays, on up to `threads` threads.
template <typename T, typename Acc, typename Add, typename Merge, typename Store>
void fold_axes(const T* from, const ReductionAxes& axes, const Folding<Acc, Add, Merge>& folding, int threads, Store&& store) {
    const std::int64_t outputs = axes.kept.element_count();
    if (axes.reduced.element_count() == 0) {
        for (std::int64_t i = 0; i < outputs; ++i) store(i, folding.start);
        return;
    }
    if (outputs == 0) return;
    const StridedLoop<1> kept(axes.kept, {axes.kept_strides}), reduced(axes.reduced, {axes.reduced_strides});
    if (kept.inner_steps()[0] == 1 && kept.element_count() > 1) return fold_columns(from, kept, reduced, folding, threads, store);
    fold_rows(from, kept, reduced, folding, threads, store);
}

}  // namespace mcompress::reference
