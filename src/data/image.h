// Decoded pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mcompress {

/// Rows of interleaved 8-bit samples, top to bottom.
struct Image {
    int width = 0;
    int height = 0;
    int channels = 0;  // 1 gray, 3 red-green-blue
    std::vector<std::uint8_t> pixels;

    std::size_t row_bytes() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
    const std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
    std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * row_bytes(); }
};

enum class ImageColor { Rgb, Gray };

/// Width times height that is accepted unless the caller says otherwise; checked before pixels are unpacked.
inline constexpr std::int64_t kDefaultMaxPixels = std::int64_t{1} << 27;

/// Decodes JPEG or PNG, told apart by their first bytes; the pixels are those of Pillow's Image.open(f).convert("RGB" or "L"): no EXIF
/// rotation, no gamma, transparency dropped. 16-bit PNG samples give their high byte. `what` names the file in errors. Throws
/// kDataInvalid on a damaged or unknown file and kTooLarge beyond `max_pixels`.
Image decode_image(std::span<const std::byte> bytes, ImageColor color, std::string_view what, std::int64_t max_pixels = kDefaultMaxPixels);

/// The two formats behind it; the image has the color of the file.
Image decode_jpeg(std::span<const std::byte> bytes, std::string_view what, std::int64_t max_pixels);
Image decode_png(std::span<const std::byte> bytes, std::string_view what, std::int64_t max_pixels);

/// ITU-R 601 luma as Pillow computes it, or gray repeated in three channels.
Image convert_color(Image image, ImageColor color);

}  // namespace mcompress
