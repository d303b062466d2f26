// From a picture to a model input.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/resample.h"
#include "tensor/tensor.h"

namespace mcompress {

enum class ChannelOrder { Rgb, Bgr, Gray };
enum class ImageLayout { Nchw, Nhwc };

struct ResizeRule {
    enum class Kind {
        None,
        ShortSide,  // the shorter side becomes size.width, the ratio stays: torchvision.transforms.Resize(n)
        Exact,      // squashed to size
    };
    Kind kind = Kind::None;
    PixelSize size;
};

/// value = ((pixel · multiplier / divisor) - mean) / std, each step rounded to float, as torchvision's ToTensor and Normalize do.
struct PreprocessSpec {
    ChannelOrder channels = ChannelOrder::Rgb;
    ResizeRule resize;
    ResampleFilter filter = ResampleFilter::Bilinear;
    std::optional<PixelSize> crop = {};  // from the centre, as torchvision.transforms.CenterCrop
    float multiplier = 1.0f;
    float divisor = 1.0f;
    std::vector<float> mean = {};  // empty: 0; one value: for all channels; else one a channel, in the order of `channels`
    std::vector<float> std = {};   // empty: 1
    ImageLayout layout = ImageLayout::Nchw;
    DType dtype = DType::Float32;  // or Float16, or UInt8 when nothing is scaled

    int channel_count() const { return channels == ChannelOrder::Gray ? 1 : 3; }
};

struct PreprocessPreset {
    std::string_view name;
    std::string_view summary;
    std::string_view options;  // "key=value key=value", as set_preprocess_option reads them
};
std::span<const PreprocessPreset> all_preprocess_presets();

/// Throws kUsage naming the known presets.
PreprocessSpec preprocess_preset(std::string_view name);

/// Sets one property from text: resize=256 | 320x240 (width x height) | none, crop=224 | 320x240 | none, color=rgb|bgr|gray,
/// filter=bilinear|…, scale=1/255 | 2, mean=0.485,0.456,0.406, std=…, layout=nchw|nhwc, dtype=float32|float16|uint8.
/// Throws kUsage on an unknown key or value.
void set_preprocess_option(PreprocessSpec& spec, std::string_view key, std::string_view value);

/// All properties in the form that set_preprocess_option reads.
std::string to_string(const PreprocessSpec& spec);

/// What a model says about an image input; -1 for an unknown extent.
struct ImageInput {
    DType dtype = DType::Float32;
    std::vector<std::int64_t> dims;
};

/// Takes layout, element type and gray or color from a 4-D model input where it says so. Throws kDataMismatch when the input cannot be an
/// image or the spec's geometry gives another size than the input wants.
PreprocessSpec fit_to_input(PreprocessSpec spec, const ImageInput& input);

/// The size that resizing gives and the part of it that stays. Throws kDataMismatch when the crop is larger than the picture.
struct ImageGeometry {
    PixelSize resized;
    PixelBox kept;
};
ImageGeometry find_geometry(const PreprocessSpec& spec, PixelSize size);

/// [1, C, H, W] or [1, H, W, C].
Tensor preprocess(const Image& image, const PreprocessSpec& spec);

/// The color to decode files to.
inline ImageColor decoded_color(const PreprocessSpec& spec) {
    return spec.channels == ChannelOrder::Gray ? ImageColor::Gray : ImageColor::Rgb;
}

}  // namespace mcompress
