#include "tune/mirrored.h"

#include <cstring>
#include <optional>

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

Tensor reversed(const Tensor& tensor, int axis) {
    const Shape& shape = tensor.shape();
    const auto lines = static_cast<std::size_t>(shape.product(0, axis)), columns = static_cast<std::size_t>(shape[axis]);
    const std::size_t bytes =
        static_cast<std::size_t>(shape.product(axis + 1, shape.rank())) * static_cast<std::size_t>(dtype_bits(tensor.dtype()) / 8);
    Tensor result = Tensor::uninitialized(tensor.dtype(), shape);
    const std::byte* from = tensor.bytes();
    std::byte* to = result.mutable_bytes();
    for (std::size_t line = 0; line < lines; ++line)
        for (std::size_t column = 0; column < columns; ++column)
            std::memcpy(to + (line * columns + column) * bytes, from + (line * columns + columns - 1 - column) * bytes, bytes);
    return result;
}

class Mirrored : public Dataset {
public:
    explicit Mirrored(std::shared_ptr<const Dataset> data) : data_(std::move(data)), whole_(data_->size() / kHoldOutPeriod) {}

    std::size_t size() const override { return data_->size() + whole_ * kHoldOutPeriod; }

    Sample sample(std::size_t index) const override {
        const auto [of, is_image] = place_of(index);
        Sample sample = data_->sample(of);
        const auto axis = is_image ? columns_of(sample) : std::nullopt;
        if (axis) sample.front().second = reversed(sample.front().second, *axis);
        return sample;
    }

    std::string sample_name(std::size_t index) const override {
        const auto [of, is_image] = place_of(index);
        return data_->sample_name(of) + (is_image ? ", mirrored" : "");
    }

private:
    struct Place {
        std::size_t of;
        bool is_image;
    };

    Place place_of(std::size_t index) const {
        const std::size_t block = index / (2 * kHoldOutPeriod), within = index % (2 * kHoldOutPeriod);
        if (block >= whole_) return {index - whole_ * kHoldOutPeriod, false};
        return {block * kHoldOutPeriod + within % kHoldOutPeriod, within >= kHoldOutPeriod};
    }

    std::shared_ptr<const Dataset> data_;
    std::size_t whole_;  // blocks
};

}  // namespace

std::shared_ptr<const Dataset> with_mirror_images(const std::shared_ptr<const Dataset>& data) {
    if (data->size() < kHoldOutPeriod || !columns_of(data->sample(0))) return data;
    return std::make_shared<Mirrored>(data);
}

}  // namespace mcompress
