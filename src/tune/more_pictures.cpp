#include "tune/more_pictures.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "tune/samples.h"

namespace mcompress {

namespace {

/// The axis of a picture's columns.
std::optional<int> columns_of(const Sample& sample) {
    if (sample.size() != 1) return std::nullopt;
    const Tensor& tensor = sample.front().second;
    const Shape& shape = tensor.shape();
    if (shape.rank() != 4 || tensor.dtype() == DType::String || dtype_bits(tensor.dtype()) % 8 != 0) return std::nullopt;
    if (shape[1] == 3) return 3;
    return shape[3] == 3 ? std::optional(2) : std::nullopt;
}

/// `lines` of `columns` elements, each line in reverse order.
template <typename T> void reverse_lines(const T* from, T* to, std::size_t lines, std::size_t columns) {
    for (std::size_t line = 0; line < lines; ++line)
        std::reverse_copy(from + line * columns, from + (line + 1) * columns, to + line * columns);
}

Tensor reversed(const Tensor& tensor, int axis) {
    const Shape& shape = tensor.shape();
    const auto lines = static_cast<std::size_t>(shape.product(0, axis)), columns = static_cast<std::size_t>(shape[axis]);
    const std::size_t bytes =
        static_cast<std::size_t>(shape.product(axis + 1, shape.rank())) * static_cast<std::size_t>(dtype_bits(tensor.dtype()) / 8);
    Tensor result = Tensor::uninitialized(tensor.dtype(), shape);
    const std::byte* from = tensor.bytes();
    std::byte* to = result.mutable_bytes();
    if (tensor.dtype() == DType::Float32 && bytes == sizeof(float)) {
        reverse_lines(tensor.data<float>(), result.mutable_data<float>(), lines, columns);
        return result;
    }
    for (std::size_t line = 0; line < lines; ++line)
        for (std::size_t column = 0; column < columns; ++column)
            std::memcpy(to + (line * columns + column) * bytes, from + (line * columns + columns - 1 - column) * bytes, bytes);
    return result;
}

/// Where a line of `size` points reads one of `part` points from: the point before, and the share of the next one.
struct Between {
    std::int64_t before = 0;
    double share = 0.0;
};
std::vector<Between> stretched(std::int64_t part, std::int64_t size) {
    std::vector<Between> places;
    for (std::int64_t at = 0; at < size; ++at) {
        const double place = (static_cast<double>(at) + 0.5) * static_cast<double>(part) / static_cast<double>(size) - 0.5;
        const double inside = std::clamp(place, 0.0, static_cast<double>(part - 1));
        const std::int64_t before = std::min(static_cast<std::int64_t>(inside), part - 2);
        places.push_back({before, inside - static_cast<double>(before)});
    }
    return places;
}

constexpr double kPart = 0.75;
constexpr std::int64_t kSmallest = 4;

std::int64_t part_of(std::int64_t size) { return std::llround(kPart * static_cast<double>(size)); }

/// The part in the corner that the picture's number says: its lines are stretched first, then what lies between them.
Tensor enlarged(const Tensor& tensor, int axis, std::size_t number) {
    const Shape& shape = tensor.shape();
    const std::int64_t height = shape[axis - 1], width = shape[axis], inner = shape.product(axis + 1, shape.rank());
    const std::vector<Between> rows = stretched(part_of(height), height), columns = stretched(part_of(width), width);
    const std::int64_t top = (number & 1U) != 0 ? height - part_of(height) : 0, left = (number & 2U) != 0 ? width - part_of(width) : 0;
    const auto line_size = static_cast<std::size_t>(width * inner);
    Tensor result = Tensor::uninitialized(DType::Float32, shape);
    float* to = result.mutable_data<float>();
    std::vector<double> lines(static_cast<std::size_t>(part_of(height)) * line_size);
    for (std::int64_t plane = 0; plane < shape.product(0, axis - 1); ++plane) {
        double* stretched_to = lines.data();
        for (std::int64_t y = top; y < top + part_of(height); ++y) {
            const float* from = tensor.data<float>() + ((plane * height + y) * width + left) * inner;
            for (const Between& column : columns)
                for (std::int64_t at = column.before * inner; at < (column.before + 1) * inner; ++at) {
                    const double here = from[at], next = from[at + inner];
                    *stretched_to++ = here + column.share * (next - here);
                }
        }
        for (const Between& row : rows) {
            const double* above = lines.data() + static_cast<std::size_t>(row.before) * line_size;
            const double* below = above + line_size;
            for (std::size_t at = 0; at < line_size; ++at) *to++ = static_cast<float>(above[at] + row.share * (below[at] - above[at]));
        }
    }
    return result;
}

Tensor mirrored(const Tensor& tensor, int axis, std::size_t) { return reversed(tensor, axis); }

using MakePicture = Tensor (*)(const Tensor& picture, int columns, std::size_t number);

class Doubled : public Dataset {
public:
    Doubled(std::shared_ptr<const Dataset> data, MakePicture make, std::string_view name)
        : data_(std::move(data)), make_(make), name_(name), whole_(data_->size() / kHoldOutPeriod) {}

    std::size_t size() const override { return data_->size() + whole_ * kHoldOutPeriod; }

    Sample sample(std::size_t index) const override {
        const auto [of, is_made] = place_of(index);
        Sample sample = data_->sample(of);
        const auto axis = is_made ? columns_of(sample) : std::nullopt;
        if (axis) sample.front().second = make_(sample.front().second, *axis, of);
        return sample;
    }

    std::string sample_name(std::size_t index) const override {
        const auto [of, is_made] = place_of(index);
        return data_->sample_name(of) + (is_made ? std::string(name_) : "");
    }

private:
    struct Place {
        std::size_t of;
        bool is_made;
    };

    Place place_of(std::size_t index) const {
        const std::size_t block = index / (2 * kHoldOutPeriod), within = index % (2 * kHoldOutPeriod);
        if (block >= whole_) return {index - whole_ * kHoldOutPeriod, false};
        return {block * kHoldOutPeriod + within % kHoldOutPeriod, within >= kHoldOutPeriod};
    }

    std::shared_ptr<const Dataset> data_;
    MakePicture make_;
    std::string_view name_;
    std::size_t whole_;  // blocks
};

}  // namespace

std::shared_ptr<const Dataset> with_mirror_images(const std::shared_ptr<const Dataset>& data) {
    if (data->size() < kHoldOutPeriod || !columns_of(data->sample(0))) return data;
    return std::make_shared<Doubled>(data, mirrored, ", mirrored");
}

std::shared_ptr<const Dataset> with_enlarged_parts(const std::shared_ptr<const Dataset>& data) {
    if (data->size() < kHoldOutPeriod) return data;
    const Sample first = data->sample(0);
    const std::optional<int> axis = columns_of(first);
    if (!axis || first.front().second.dtype() != DType::Float32) return data;
    const Shape& shape = first.front().second.shape();
    if (shape[*axis] < kSmallest || shape[*axis - 1] < kSmallest) return data;
    return std::make_shared<Doubled>(data, enlarged, ", a part of it");
}

std::shared_ptr<const Dataset> with_more_pictures(const std::shared_ptr<const Dataset>& data) {
    return with_mirror_images(with_enlarged_parts(data));
}

}  // namespace mcompress
