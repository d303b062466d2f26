#include "tune/row_gathering.h"

#include "support/splitmix.h"
#include "tune/pooled_pictures.h"

namespace mcompress {

std::vector<std::int64_t> spread_positions(std::int64_t total, std::int64_t count, std::size_t sample, std::size_t layer) {
    const std::uint64_t seed = splitmix64(sample) + layer;
    std::vector<std::int64_t> chosen;
    for (std::int64_t at = 0; at < count; ++at) {
        const std::int64_t begin = at * total / count, end = (at + 1) * total / count;
        const std::uint64_t jitter = splitmix64(seed * 0x100000001b3U + static_cast<std::uint64_t>(at));
        chosen.push_back(begin + static_cast<std::int64_t>(jitter % static_cast<std::uint64_t>(std::max<std::int64_t>(1, end - begin))));
    }
    return chosen;
}

RowGathering::RowGathering(const Layer& layer, std::size_t number, std::size_t samples, std::size_t bytes)
    : layer_(layer),
      number_(number),
      found_(samples, 0),
      parts_(samples, 1),
      is_held_out_(held_out_samples(samples)),
      slots_(samples, kNone) {
    const std::int64_t row = layer.groups * layer.inputs * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t rows = std::clamp<std::int64_t>(static_cast<std::int64_t>(bytes) / std::max<std::int64_t>(1, row), 256, 8192);
    const auto count = static_cast<std::int64_t>(samples);
    per_sample_ = std::max<std::int64_t>(1, rows / count);
    // Of more samples than rows, some have none: memory does not follow their number.
    for (const std::int64_t sample : spread_positions(count, std::min(count, rows), 0, number)) {
        Part& part = part_of(static_cast<std::size_t>(sample));
        slots_[static_cast<std::size_t>(sample)] = part.capacity / per_sample_;
        part.capacity += per_sample_;
    }
    for (Part* part : {&fit_, &held_out_}) part->values.resize(static_cast<std::size_t>(layer.groups * part->capacity * layer.inputs));
}

void RowGathering::expect_residuals() {
    has_residual_.assign(found_.size(), 1);
    for (Part* part : {&fit_, &held_out_})
        part->residuals.resize(static_cast<std::size_t>(part->capacity * layer_.groups * layer_.outputs));
}

void RowGathering::add_residual(std::size_t sample, const Shape& shape, const Tensor& residual) {
    const RowReader reader(layer_, shape);
    has_residual_[sample] = reader.fits_results(residual) ? 1 : 0;
    if (!has_residual_[sample] || slots_[sample] == kNone) return;
    const std::int64_t width = layer_.groups * layer_.outputs;
    float* row = part_of(sample).residuals.data() + slots_[sample] * per_sample_ * width;
    for (const std::int64_t position : spread_positions(reader.positions(), found_[sample], sample, number_)) {
        reader.read_result(residual.data<float>(), position, row);
        row += width;
    }
}

void RowGathering::add_parts(std::size_t sample, const Tensor& tensor) {
    if (slots_[sample] == kNone) return;
    const PooledPictures reader(tensor.shape(), per_sample_);
    const std::vector<std::int64_t> chosen = spread_positions(reader.positions(), reader.chosen_positions(), sample, number_);
    found_[sample] = std::min(per_sample_, reader.rows());
    parts_[sample] = reader.rows_of_picture();
    for (std::int64_t at = 0; at < found_[sample]; ++at)
        reader.read(tensor.data<float>(), at, chosen, part_of(sample).values.data() + (slots_[sample] * per_sample_ + at) * layer_.inputs);
}

SplitRows RowGathering::split() {
    SplitRows rows;
    if (found_.size() == 1) {  // it has to serve as both
        Part copy = part_of(0);
        rows = {rows_of(part_of(0), false), rows_of(copy, true)};
    } else {
        rows = {rows_of(fit_, false), rows_of(held_out_, true)};
    }
    return rows;
}

bool RowGathering::have_residuals() const {
    return !has_residual_.empty() && std::all_of(has_residual_.begin(), has_residual_.end(), [](std::uint8_t has) { return has != 0; });
}

/// What is wanted moves to the front: mostly all of it is, and stays where it is.
LayerRows RowGathering::rows_of(Part& part, bool held_out) const {
    LayerRows rows;
    const auto move_rows = [&](std::vector<float>& values, std::int64_t width, std::int64_t groups, bool only_pictures) {
        float* to = values.data();
        for (std::int64_t group = 0; group < groups; ++group)
            for (std::size_t sample = 0; sample < found_.size(); ++sample) {
                if (found_[sample] == 0 || (found_.size() > 1 && is_held_out_[sample] != held_out)) continue;
                const float* const first = values.data() + (group * part.capacity + slots_[sample] * per_sample_) * width;
                for (std::int64_t at = 0; at < found_[sample]; at += only_pictures ? parts_[sample] : 1) {
                    if (to != first + at * width) std::copy_n(first + at * width, width, to);
                    to += width;
                }
            }
        values.resize(static_cast<std::size_t>(to - values.data()));
        if (values.size() < values.capacity() / 2) values.shrink_to_fit();
    };
    for (std::size_t sample = 0; sample < found_.size(); ++sample)
        if (found_.size() == 1 || is_held_out_[sample] == held_out)
            rows.count += held_out ? (found_[sample] + parts_[sample] - 1) / parts_[sample] : found_[sample];
    move_rows(part.values, layer_.inputs, layer_.groups, held_out);
    rows.values = std::move(part.values);
    if (!have_residuals()) {
        part.residuals = std::vector<float>();  // {} would keep the memory
        return rows;
    }
    move_rows(part.residuals, layer_.groups * layer_.outputs, 1, false);
    rows.residual = std::move(part.residuals);
    return rows;
}

}  // namespace mcompress
