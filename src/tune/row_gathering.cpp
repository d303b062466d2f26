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
    : layer_(layer), number_(number), first_row_(samples, kNone), found_(samples, 0), parts_(samples, 1) {
    const std::int64_t row = layer.groups * layer.inputs * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t rows = std::clamp<std::int64_t>(static_cast<std::int64_t>(bytes) / std::max<std::int64_t>(1, row), 256, 8192);
    const auto count = static_cast<std::int64_t>(samples);
    per_sample_ = std::max<std::int64_t>(1, rows / count);
    // Of more samples than rows, some have none: memory does not follow their number.
    std::int64_t next = 0;
    for (const std::int64_t sample : spread_positions(count, std::min(count, rows), 0, number))
        first_row_[static_cast<std::size_t>(sample)] = per_sample_ * next++;
    capacity_ = per_sample_ * next;
    values_.resize(static_cast<std::size_t>(layer.groups * capacity_ * layer.inputs));
}

void RowGathering::expect_residuals() {
    has_residual_.assign(found_.size(), 1);
    residuals_.resize(static_cast<std::size_t>(capacity_ * layer_.groups * layer_.outputs));
}

void RowGathering::add_residual(std::size_t sample, const Shape& shape, const Tensor& residual) {
    const RowReader reader(layer_, shape);
    has_residual_[sample] = reader.fits_results(residual) ? 1 : 0;
    if (!has_residual_[sample] || first_row_[sample] == kNone) return;
    const std::int64_t width = layer_.groups * layer_.outputs;
    std::int64_t row = first_row_[sample];
    for (const std::int64_t position : spread_positions(reader.positions(), found_[sample], sample, number_))
        reader.read_result(residual.data<float>(), position, residuals_.data() + row++ * width);
}

void RowGathering::add_parts(std::size_t sample, const Tensor& tensor) {
    if (first_row_[sample] == kNone) return;
    const PooledPictures reader(tensor.shape(), per_sample_);
    const std::vector<std::int64_t> chosen = spread_positions(reader.positions(), reader.chosen_positions(), sample, number_);
    found_[sample] = std::min(per_sample_, reader.rows());
    parts_[sample] = reader.rows_of_picture();
    for (std::int64_t at = 0; at < found_[sample]; ++at)
        reader.read(tensor.data<float>(), at, chosen, values_.data() + (first_row_[sample] + at) * layer_.inputs);
}

SplitRows RowGathering::split() {
    const std::vector<bool> is_held_out = held_out_samples(found_.size());
    SplitRows rows;
    for (const bool held_out : {false, true}) {
        LayerRows& part = held_out ? rows.held_out : rows.fit;
        for (std::size_t sample = 0; sample < found_.size(); ++sample)
            if (belongs(is_held_out[sample], held_out)) part.count += read_of(sample, held_out);
        part.values.reserve(static_cast<std::size_t>(layer_.groups * part.count * layer_.inputs));
        for (std::int64_t group = 0; group < layer_.groups; ++group)
            for (std::size_t sample = 0; sample < found_.size(); ++sample) {
                if (!belongs(is_held_out[sample], held_out)) continue;
                const std::int64_t row = group * capacity_ + first_row_[sample];
                for (std::int64_t at = 0; at < found_[sample]; at += held_out ? parts_[sample] : 1) {
                    const auto begin = values_.begin() + (row + at) * layer_.inputs;
                    part.values.insert(part.values.end(), begin, begin + layer_.inputs);
                }
            }
        if (have_residuals()) part.residual = residuals_of(is_held_out, held_out);
    }
    // Assigning {} would keep their memory: that of several layers, while all of them are split.
    values_ = std::vector<float>();
    residuals_ = std::vector<float>();
    return rows;
}

bool RowGathering::have_residuals() const {
    return !has_residual_.empty() && std::all_of(has_residual_.begin(), has_residual_.end(), [](std::uint8_t has) { return has != 0; });
}

std::vector<float> RowGathering::residuals_of(const std::vector<bool>& is_held_out, bool held_out) const {
    std::vector<float> rows;
    const std::int64_t width = layer_.groups * layer_.outputs;
    std::int64_t count = 0;
    for (std::size_t sample = 0; sample < found_.size(); ++sample)
        if (belongs(is_held_out[sample], held_out)) count += found_[sample];
    rows.reserve(static_cast<std::size_t>(count * width));
    for (std::size_t sample = 0; sample < found_.size(); ++sample) {
        if (!belongs(is_held_out[sample], held_out)) continue;
        if (found_[sample] == 0) continue;
        const auto begin = residuals_.begin() + first_row_[sample] * width;
        rows.insert(rows.end(), begin, begin + found_[sample] * width);
    }
    return rows;
}

}  // namespace mcompress
