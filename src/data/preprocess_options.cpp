#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/preprocess.h"
#include "support/error.h"
#include "support/nearest.h"
#include "support/plain_text.h"

namespace mcompress {

namespace {

// clang-format off
constexpr std::array<PreprocessPreset, 5> kPresets{{
    {"imagenet", "torchvision classifiers: short side 256, centre crop 224, mean and std of ImageNet",
     "resize=256 crop=224 scale=1/255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225"},
    {"imagenet-tf", "TensorFlow classifiers: short side 256, centre crop 224, -1 to 1",
     "resize=256 crop=224 mean=127.5 std=127.5"},
    {"cifar10", "32x32 color, mean and std of CIFAR-10",
     "resize=32x32 scale=1/255 mean=0.4914,0.4822,0.4465 std=0.2470,0.2435,0.2616"},
    {"mnist", "28x28 gray, mean and std of MNIST",
     "resize=28x28 color=gray scale=1/255 mean=0.1307 std=0.3081"},
    {"raw", "pixels as they are, 0 to 255", ""},
}};
// clang-format on

[[noreturn]] void fail_option(std::string_view key, std::string_view value, std::string_view expected) {
    throw Error(codes::kUsage, format("{}={} is not understood", key, value), format("write {}={}", key, expected));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return parts;
}

std::optional<float> read_float(std::string_view text) {
    const auto value = read_number<float>(text);
    return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<int> read_extent(std::string_view text) {
    constexpr float kMostPixels = 65536.0f;
    const auto value = read_float(text);
    if (!value || *value < 1.0f || *value > kMostPixels || *value != std::floor(*value)) return std::nullopt;
    return static_cast<int>(*value);
}

std::optional<PixelSize> read_size(std::string_view text) {
    const std::size_t cross = text.find('x');
    if (cross == std::string_view::npos) return std::nullopt;
    const auto width = read_extent(text.substr(0, cross));
    const auto height = read_extent(text.substr(cross + 1));
    if (!width || !height) return std::nullopt;
    return PixelSize{*width, *height};
}

void set_resize(PreprocessSpec& spec, std::string_view value) {
    if (value == "none") spec.resize = {};
    else if (const auto size = read_size(value)) spec.resize = {ResizeRule::Kind::Exact, *size};
    else if (const auto side = read_extent(value)) spec.resize = {ResizeRule::Kind::ShortSide, {*side, *side}};
    else fail_option("resize", value, "256 (the shorter side), 320x240 (width x height) or none");
}

void set_crop(PreprocessSpec& spec, std::string_view value) {
    if (value == "none") spec.crop.reset();
    else if (const auto size = read_size(value)) spec.crop = *size;
    else if (const auto side = read_extent(value)) spec.crop = PixelSize{*side, *side};
    else fail_option("crop", value, "224, 320x240 (width x height) or none");
}

template <typename Value> struct Word {
    std::string_view word;
    Value value;
};
constexpr std::array<Word<ChannelOrder>, 3> kColors{{{"rgb", ChannelOrder::Rgb}, {"bgr", ChannelOrder::Bgr}, {"gray", ChannelOrder::Gray}}};
constexpr std::array<Word<ImageLayout>, 2> kLayouts{{{"nchw", ImageLayout::Nchw}, {"nhwc", ImageLayout::Nhwc}}};
constexpr std::array<Word<DType>, 3> kTypes{{{"float32", DType::Float32}, {"float16", DType::Float16}, {"uint8", DType::UInt8}}};

template <typename Value, std::size_t kSize>
Value read_word(const std::array<Word<Value>, kSize>& words, std::string_view key, std::string_view value) {
    std::string known;
    for (const auto& row : words) {
        if (row.word == value) return row.value;
        known += format("{}{}", known.empty() ? "" : " or ", row.word);
    }
    fail_option(key, value, known);
}

template <typename Value, std::size_t kSize> std::string_view word_of(const std::array<Word<Value>, kSize>& words, Value value) {
    for (const auto& row : words)
        if (row.value == value) return row.word;
    return "?";
}

void set_color(PreprocessSpec& spec, std::string_view value) { spec.channels = read_word(kColors, "color", value); }
void set_layout(PreprocessSpec& spec, std::string_view value) { spec.layout = read_word(kLayouts, "layout", value); }
void set_dtype(PreprocessSpec& spec, std::string_view value) { spec.dtype = read_word(kTypes, "dtype", value); }

void set_filter(PreprocessSpec& spec, std::string_view value) {
    std::string known;
    for (const auto& row : kResampleFilters) {
        known += format("{}{}", known.empty() ? "" : " or ", row.name);
        if (row.name != value) continue;
        spec.filter = row.filter;
        return;
    }
    fail_option("filter", value, known);
}

void set_scale(PreprocessSpec& spec, std::string_view value) {
    const std::size_t slash = value.find('/');
    const auto multiplier = read_float(value.substr(0, slash));
    const auto divisor = slash == std::string_view::npos ? std::optional(1.0f) : read_float(value.substr(slash + 1));
    if (!multiplier || !divisor || *multiplier == 0.0f || *divisor == 0.0f) fail_option("scale", value, "1/255 or a number");
    spec.multiplier = *multiplier;
    spec.divisor = *divisor;
}

std::vector<float> read_channels(std::string_view key, std::string_view value) {
    std::vector<float> numbers;
    for (const std::string_view part : split(value, ',')) {
        const auto number = read_float(part);
        if (!number || (key == "std" && *number == 0.0f)) fail_option(key, value, "one number, or one for each channel");
        numbers.push_back(*number);
    }
    if (numbers.size() != 1 && numbers.size() != 3) fail_option(key, value, "one number, or one for each channel");
    return numbers;
}

void set_mean(PreprocessSpec& spec, std::string_view value) { spec.mean = read_channels("mean", value); }
void set_std(PreprocessSpec& spec, std::string_view value) { spec.std = read_channels("std", value); }

struct OptionRow {
    std::string_view key;
    void (*set)(PreprocessSpec&, std::string_view);
};
constexpr std::array<OptionRow, 9> kOptions{{
    {"resize", set_resize},
    {"crop", set_crop},
    {"color", set_color},
    {"filter", set_filter},
    {"scale", set_scale},
    {"mean", set_mean},
    {"std", set_std},
    {"layout", set_layout},
    {"dtype", set_dtype},
}};

std::string join(const std::vector<float>& numbers) {
    std::string text;
    for (const float number : numbers) text += format("{}{}", text.empty() ? "" : ",", number);
    return text;
}

std::string size_text(PixelSize size) { return format("{}x{}", size.width, size.height); }

}  // namespace

std::span<const PreprocessPreset> all_preprocess_presets() { return kPresets; }

PreprocessSpec preprocess_preset(std::string_view name) {
    std::vector<std::string> known;
    for (const PreprocessPreset& preset : kPresets) {
        known.emplace_back(preset.name);
        if (preset.name != name) continue;
        PreprocessSpec spec;
        for (const std::string_view option : split(preset.options, ' ')) {
            const std::size_t equals = option.find('=');
            set_preprocess_option(spec, option.substr(0, equals), option.substr(equals + 1));
        }
        return spec;
    }
    std::string list;
    for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
    const std::string near = nearest_word(name, known);
    throw Error(codes::kUsage, format("there is no preset '{}'{}", name, near.empty() ? "" : format("; did you mean '{}'?", near)),
                format("presets: {}", list));
}

void set_preprocess_option(PreprocessSpec& spec, std::string_view key, std::string_view value) {
    for (const OptionRow& row : kOptions) {
        if (row.key != key) continue;
        row.set(spec, value);
        return;
    }
    fail(codes::kUsage, "there is no preprocessing option '{}'", key);
}

std::string to_string(const PreprocessSpec& spec) {
    std::string text = format("color={}", word_of(kColors, spec.channels));
    if (spec.resize.kind == ResizeRule::Kind::Exact) text += " resize=" + size_text(spec.resize.size);
    if (spec.resize.kind == ResizeRule::Kind::ShortSide) text += format(" resize={}", spec.resize.size.width);
    if (spec.resize.kind != ResizeRule::Kind::None)
        for (const auto& row : kResampleFilters)
            if (row.filter == spec.filter) text += format(" filter={}", row.name);
    if (spec.crop) text += " crop=" + size_text(*spec.crop);
    if (spec.divisor != 1.0f) text += format(" scale={}/{}", spec.multiplier, spec.divisor);
    else if (spec.multiplier != 1.0f) text += format(" scale={}", spec.multiplier);
    if (!spec.mean.empty()) text += " mean=" + join(spec.mean);
    if (!spec.std.empty()) text += " std=" + join(spec.std);
    return text + format(" layout={} dtype={}", word_of(kLayouts, spec.layout), word_of(kTypes, spec.dtype));
}

}  // namespace mcompress
