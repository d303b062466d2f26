// Pictures: a line of preprocessing options, then a PNG or JPEG file. An input of the model's shape, or an Error.
#include <cstring>

#include "data/image.h"
#include "data/preprocess.h"
#include "fixtures/random_tensors.h"
#include "libfuzzer/targets/targets.h"

namespace mcompress::fuzzing {

namespace {

constexpr std::int64_t kMostPixels = 1 << 12;
// Of what it is resized to: larger ones are only slow.
constexpr int kMostSide = 512;
constexpr std::int64_t kMostResized = 1 << 11;
constexpr std::size_t kLongestLine = 256;

constexpr const char* kWords[] = {"resize=8",
                                  "resize=16x9",
                                  "resize=none",
                                  "resize=1x1",
                                  "resize=0",
                                  "resize=-1",
                                  "resize=300x2",
                                  "crop=4",
                                  "crop=3x5",
                                  "crop=none",
                                  "crop=9999",
                                  "color=rgb",
                                  "color=bgr",
                                  "color=gray",
                                  "filter=nearest",
                                  "filter=box",
                                  "filter=bilinear",
                                  "filter=hamming",
                                  "filter=bicubic",
                                  "filter=lanczos",
                                  "scale=1/255",
                                  "scale=2",
                                  "scale=0",
                                  "scale=1/0",
                                  "mean=0.5",
                                  "mean=0.1,0.2,0.3",
                                  "mean=",
                                  "std=0.5",
                                  "std=0",
                                  "std=1,2,3",
                                  "std=nan",
                                  "layout=nchw",
                                  "layout=nhwc",
                                  "dtype=float32",
                                  "dtype=float16",
                                  "dtype=uint8",
                                  "preset=imagenet",
                                  "x=y",
                                  "="};

struct Line {
    std::string text;
    std::size_t end;  // where the picture begins
};

Line first_line(std::span<const std::byte> input) {
    Line line{{}, 0};
    while (line.end < input.size() && line.end < kLongestLine) {
        const char c = static_cast<char>(input[line.end++]);
        if (c == '\n') break;
        line.text += c;
    }
    return line;
}

std::optional<PreprocessSpec> read_spec(const std::string& text) {
    PreprocessSpec spec;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string word = text.substr(at, end - at);
        const std::size_t equals = word.find('=');
        at = end + 1;
        if (equals == std::string::npos) continue;
        if (!is_accepted([&] { set_preprocess_option(spec, word.substr(0, equals), word.substr(equals + 1)); })) return std::nullopt;
    }
    return spec;
}

/// A specification is what its own text says.
void check_text(const PreprocessSpec& spec) {
    const std::string text = to_string(spec);
    const auto again = read_spec(text);
    require(again.has_value(), "the text of a specification is refused: " + text);
    require(to_string(*again) == text, "a specification changes by being written and read: " + text);
}

/// The part of a resized picture is the same whether the rest is computed or not.
void check_parts(const Image& image, const PreprocessSpec& spec, const ImageGeometry& geometry) {
    const Image part = resize_and_crop(image, geometry.resized, spec.filter, geometry.kept);
    const Image whole = resize(image, geometry.resized, spec.filter);
    for (int y = 0; y < part.height; ++y)
        require(std::memcmp(part.row(y), whole.row(y + geometry.kept.top) + static_cast<std::size_t>(geometry.kept.left * whole.channels),
                            part.row_bytes()) == 0,
                "a part of a resized picture differs from the whole");
}

/// Makes the checksums of PNG's chunks right again.
void repair_checksums(std::uint8_t* data, std::size_t size) {
    constexpr std::uint8_t kMagic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (size < sizeof kMagic || std::memcmp(data, kMagic, sizeof kMagic) != 0) return;
    for (std::size_t at = sizeof kMagic; at + 12 <= size;) {
        std::size_t length = 0;
        for (int byte = 0; byte < 4; ++byte) length = length << 8 | data[at + static_cast<std::size_t>(byte)];
        if (length > size - at - 12) return;
        std::uint32_t sum = 0xFFFFFFFFU;
        for (std::size_t byte = at + 4; byte < at + 8 + length; ++byte) {
            sum ^= data[byte];
            for (int bit = 0; bit < 8; ++bit) sum = sum & 1 ? 0xEDB88320U ^ sum >> 1 : sum >> 1;
        }
        for (int byte = 0; byte < 4; ++byte)
            data[at + 8 + length + static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(~sum >> (24 - 8 * byte));
        at += 12 + length;
    }
}

void try_image(std::span<const std::byte> input) {
    const Line line = first_line(input);
    const auto spec = read_spec(line.text);
    if (!spec) return;
    check_text(*spec);
    const auto bytes = input.subspan(line.end);
    Image image;
    if (!is_accepted([&] { image = decode_image(bytes, decoded_color(*spec), "the input", kMostPixels); })) return;
    require(image.channels == spec->channel_count(), "the picture has another number of channels than was asked for");
    require(image.pixels.size() == image.row_bytes() * static_cast<std::size_t>(image.height),
            "the picture has too many or too few samples");
    ImageGeometry geometry;
    if (!is_accepted([&] { geometry = find_geometry(*spec, {image.width, image.height}); })) return;
    if (std::max(geometry.resized.width, geometry.resized.height) > kMostSide) return;
    if (std::int64_t{geometry.resized.width} * geometry.resized.height > kMostResized) return;
    check_parts(image, *spec, geometry);
    Tensor tensor;
    if (!is_accepted([&] { tensor = preprocess(image, *spec); })) return;
    const std::int64_t channels = spec->channel_count(), width = geometry.kept.size.width, height = geometry.kept.size.height;
    const Shape expected = spec->layout == ImageLayout::Nchw ? Shape{1, channels, height, width} : Shape{1, height, width, channels};
    require(tensor.shape() == expected && tensor.dtype() == spec->dtype, "the input has shape " + tensor.shape().to_string());
}

std::size_t mutate_image(const Mutation& mutation) {
    testing::Random random(mutation.seed);
    if (!random.chance(35)) {
        const std::size_t size = mutation.bytes(mutation.data, mutation.size, mutation.most);
        const std::size_t begin = first_line(std::as_bytes(std::span(mutation.data, size))).end;
        if (!random.chance(15)) repair_checksums(mutation.data + begin, size - begin);
        return size;
    }
    const Line line = first_line(std::as_bytes(std::span(mutation.data, mutation.size)));
    std::string text = random.chance(30) ? "" : line.text + " ";
    text += kWords[random.next() % std::size(kWords)];
    if (text.size() >= kLongestLine) text.resize(8);
    text += '\n';
    const std::size_t rest = mutation.size - line.end;
    if (text.size() + rest > mutation.most) return mutation.size;
    std::memmove(mutation.data + text.size(), mutation.data + line.end, rest);
    std::memcpy(mutation.data, text.data(), text.size());
    return text.size() + rest;
}

}  // namespace

const Target image_target{"image", try_image, mutate_image};

}  // namespace mcompress::fuzzing
