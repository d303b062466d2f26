// Rows for a product behind a global average pool, of which each picture has only one: more are made of parts of it.
#pragma once

#include <cstdint>
#include <span>

#include "tune/layer.h"

namespace mcompress {

/// What a global average pool in front of a Gemm or MatMul reads, when nothing but a change of shape lies between; else null.
const Value* pooled_source(const Layer& layer, const Value* input);

/// Reads pictures [N, C, H, W]. The rows of a picture are, as far as there is room: its average; those of its four corners, each a little more than half as high and
/// wide; and its average drawn half-way to single positions of it, which vary as pictures do, in more directions than few pictures show.
class PooledPictures {
public:
    PooledPictures(const Shape& input, std::int64_t most_rows);

    static bool can_read(const Layer& layer, const Tensor& tensor);

    std::int64_t rows_of_picture() const { return rows_; }
    std::int64_t rows() const { return pictures_ * rows_; }
    /// How many of a picture's rows are of single positions, and of how many there are.
    std::int64_t chosen_positions() const { return rows_ > kParts ? rows_ - kParts : 0; }
    std::int64_t positions() const { return height_ * width_; }

    /// Writes row `row` of all. `chosen` says which positions serve as rows.
    void read(const float* from, std::int64_t row, std::span<const std::int64_t> chosen, float* to) const;

private:
    static constexpr std::int64_t kParts = 5;

    struct Window {
        std::int64_t top, left, bottom, right;
    };
    Window window_of(std::int64_t part) const;
    double average(const float* plane, const Window& window) const;

    std::int64_t pictures_, channels_, height_, width_, rows_;
};

}  // namespace mcompress
