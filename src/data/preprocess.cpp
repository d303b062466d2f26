#include "data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "support/error.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

/// Python's round((outer - inner) / 2): halves go to the even number.
int centre_offset(int outer, int inner) {
    const int gap = outer - inner;
    return gap / 2 + (gap % 2 != 0 && gap / 2 % 2 != 0 ? 1 : 0);
}

float channel_value(const std::vector<float>& values, int channel, float missing) {
    if (values.empty()) return missing;
    return values.size() == 1 ? values.front() : values.at(static_cast<std::size_t>(channel));
}

bool is_scaled(const PreprocessSpec& spec) {
    return spec.multiplier != 1.0f || spec.divisor != 1.0f || std::ranges::any_of(spec.mean, [](float x) { return x != 0.0f; }) ||
           std::ranges::any_of(spec.std, [](float x) { return x != 1.0f; });
}

void check(const PreprocessSpec& spec) {
    if (spec.dtype == DType::UInt8 && is_scaled(spec))
        throw Error(codes::kDataMismatch, "the input takes uint8 pixels, but scale, mean or std would change them",
                    "use the preset raw, or say dtype=float32");
    for (const auto* values : {&spec.mean, &spec.std})
        if (values->size() > 1 && values->size() != static_cast<std::size_t>(spec.channel_count()))
            throw Error(codes::kUsage, format("there are {} values of mean or std for {} channels", values->size(), spec.channel_count()),
                        "give one number, or one for each channel");
}

// A pixel has 256 values, so the arithmetic is done once for each.
using FloatTable = std::array<float, 256>;

FloatTable value_table(const PreprocessSpec& spec, int channel) {
    const float mean = channel_value(spec.mean, channel, 0.0f);
    const float std = channel_value(spec.std, channel, 1.0f);
    FloatTable table;
    for (std::size_t pixel = 0; pixel < table.size(); ++pixel) {
        float value = static_cast<float>(pixel);
        value = value * spec.multiplier / spec.divisor;
        value -= mean;
        table[pixel] = value / std;
    }
    return table;
}

template <typename T> T convert(float value) {
    if constexpr (std::is_same_v<T, Float16>) return to_float16(value);
    else return static_cast<T>(value);
}

template <typename T> void fill(const Image& image, const PreprocessSpec& spec, T* to) {
    const std::size_t count = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    const auto channels = static_cast<std::size_t>(image.channels);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        const FloatTable floats = value_table(spec, static_cast<int>(channel));
        std::array<T, 256> table;
        std::ranges::transform(floats, table.begin(), convert<T>);
        const std::uint8_t* from = image.pixels.data() + (spec.channels == ChannelOrder::Bgr ? channels - 1 - channel : channel);
        T* out = spec.layout == ImageLayout::Nchw ? to + channel * count : to + channel;
        const std::size_t step = spec.layout == ImageLayout::Nchw ? 1 : channels;
        for (std::size_t at = 0; at < count; ++at) out[at * step] = table[from[at * channels]];
    }
}

}  // namespace

ImageGeometry find_geometry(const PreprocessSpec& spec, PixelSize size) {
    PixelSize resized = size;
    if (spec.resize.kind == ResizeRule::Kind::Exact) resized = spec.resize.size;
    if (spec.resize.kind == ResizeRule::Kind::ShortSide) {  // torchvision: int(size * long / short)
        const int side = spec.resize.size.width;
        const auto scaled = [&](int length, int other) { return static_cast<int>(static_cast<std::int64_t>(side) * length / other); };
        resized =
            size.width <= size.height ? PixelSize{side, scaled(size.height, size.width)} : PixelSize{scaled(size.width, size.height), side};
    }
    const PixelSize kept = spec.crop.value_or(resized);
    if (kept.width > resized.width || kept.height > resized.height)
        throw Error(codes::kDataMismatch,
                    format("a crop of {}×{} does not fit into a picture of {}×{}", kept.width, kept.height, resized.width, resized.height),
                    "resize first");
    return {resized, {centre_offset(resized.width, kept.width), centre_offset(resized.height, kept.height), kept}};
}

PreprocessSpec fit_to_input(PreprocessSpec spec, const ImageInput& input) {
    const auto wrong = [](std::string message) { throw Error(codes::kDataMismatch, std::move(message), "use .npy or .npz data"); };
    if (input.dtype != DType::Float32 && input.dtype != DType::Float16 && input.dtype != DType::UInt8)
        wrong(format("the model input takes {}, which pictures cannot give", dtype_name(input.dtype)));
    spec.dtype = input.dtype;
    if (input.dims.empty()) return spec;  // the rank is unknown
    if (input.dims.size() != 4) wrong(format("the model input has {} dimensions, pictures need 4", input.dims.size()));
    const auto is_channels = [](std::int64_t extent) { return extent == 1 || extent == 3; };
    if (is_channels(input.dims[1])) spec.layout = ImageLayout::Nchw;
    else if (is_channels(input.dims[3])) spec.layout = ImageLayout::Nhwc;
    const bool is_nchw = spec.layout == ImageLayout::Nchw;
    const std::int64_t channels = input.dims[is_nchw ? 1 : 3];
    if (channels > 0 && !is_channels(channels)) wrong(format("the model input has {} channels, pictures have 1 or 3", channels));
    if (channels == 1) spec.channels = ChannelOrder::Gray;
    if (channels == 3 && spec.channels == ChannelOrder::Gray) wrong("the model takes color pictures, the preprocessing gives gray ones");
    const std::int64_t height = input.dims[is_nchw ? 2 : 1];
    const std::int64_t width = input.dims[is_nchw ? 3 : 2];
    const auto given = spec.crop ? spec.crop : spec.resize.kind == ResizeRule::Kind::Exact ? std::optional(spec.resize.size) : std::nullopt;
    if (given && ((width > 0 && width != given->width) || (height > 0 && height != given->height)))
        throw Error(codes::kDataMismatch,
                    format("the preprocessing gives {}×{} pixels, the model takes {}×{}", given->width, given->height, width, height),
                    format("resize or crop to {}x{}", width, height));
    return spec;
}

Tensor preprocess(const Image& image, const PreprocessSpec& spec) {
    check(spec);
    MCOMPRESS_CHECK(image.channels == spec.channel_count());
    const ImageGeometry geometry = find_geometry(spec, {image.width, image.height});
    const Image pixels = resize_and_crop(image, geometry.resized, spec.filter, geometry.kept);
    const bool is_nchw = spec.layout == ImageLayout::Nchw;
    const Shape shape =
        is_nchw ? Shape{1, pixels.channels, pixels.height, pixels.width} : Shape{1, pixels.height, pixels.width, pixels.channels};
    Tensor tensor = Tensor::uninitialized(spec.dtype, shape);
    if (spec.dtype == DType::Float32) fill(pixels, spec, tensor.mutable_data<float>());
    else if (spec.dtype == DType::Float16) fill(pixels, spec, tensor.mutable_data<Float16>());
    else fill(pixels, spec, tensor.mutable_data<std::uint8_t>());
    return tensor;
}

}  // namespace mcompress
