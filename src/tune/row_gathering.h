// The rows of one layer while they are gathered from all samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "tensor/tensor.h"
#include "tune/layer_samples.h"
#include "tune/row_reader.h"

namespace mcompress {

/// `count` of [0, total), one in each of `count` equal parts, the same every time for a sample and a layer.
std::vector<std::int64_t> spread_positions(std::int64_t total, std::int64_t count, std::size_t sample, std::size_t layer);

/// Each sample has its own places. `bytes` bounds them, however many samples there are (256 rows are let through at least).
class RowGathering {
public:
    RowGathering(const Layer& layer, std::size_t number, std::size_t samples, std::size_t bytes);

    /// From several threads, each with its own sample.
    template <typename T, typename ToReal> void add(std::size_t sample, const Shape& shape, const T* from, const ToReal& to_real) {
        if (slots_[sample] == kNone) return;
        const RowReader reader(layer_, shape);
        const std::int64_t count = std::min(per_sample_, reader.positions());
        found_[sample] = count;
        Part& part = part_of(sample);
        float* row = part.values.data() + slots_[sample] * per_sample_ * layer_.inputs;
        for (const std::int64_t position : spread_positions(reader.positions(), count, sample, number_)) {
            reader.read(from, position, row, part.capacity * layer_.inputs, to_real, padding_);
            row += layer_.inputs;
        }
    }

    /// Before anything is added: what a window sees of the padding is not a number instead of 0.
    void mark_padding() { padding_ = std::numeric_limits<float>::quiet_NaN(); }

    /// Before anything is added: there will be residuals, too.
    void expect_residuals();

    /// What is added to the layer's results, at the places of the sample's rows.
    void add_residual(std::size_t sample, const Shape& shape, const Tensor& residual);

    /// The same of what is pooled in front of the layer.
    void add_parts(std::size_t sample, const Tensor& tensor);

    /// Hands the rows over; nothing is left here. Held out are whole pictures only: they are what the layer will see.
    SplitRows split();

private:
    /// Room for the rows of the samples that are held out, or of the others.
    struct Part {
        std::int64_t capacity = 0;
        std::vector<float> values;     // [groups][capacity][inputs]
        std::vector<float> residuals;  // [capacity][groups * outputs]
    };
    Part& part_of(std::size_t sample) { return is_held_out_[sample] ? held_out_ : fit_; }
    bool have_residuals() const;
    /// Without what was not found, and of a held-out picture without the rows that are of parts of it.
    LayerRows rows_of(Part& part, bool held_out) const;

    static constexpr std::int64_t kNone = -1;

    const Layer& layer_;
    std::size_t number_;
    std::int64_t per_sample_ = 0;
    float padding_ = 0.0F;
    std::vector<std::int64_t> found_;  // by sample
    std::vector<std::int64_t> parts_;  // by sample: rows of each picture, the first of the whole of it
    std::vector<bool> is_held_out_;    // likewise
    std::vector<std::int64_t> slots_;  // likewise: its number in its part; kNone where it has no rows
    Part fit_, held_out_;
    std::vector<std::uint8_t> has_residual_;  // by sample; empty when none are expected
};

}  // namespace mcompress
