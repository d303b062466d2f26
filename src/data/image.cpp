#include "data/image.h"

#include <string>

#include "support/error.h"

namespace mcompress {

Image decode_image(std::span<const std::byte> bytes, ImageColor color, std::string_view what, std::int64_t max_pixels) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\xFF\xD8")) return convert_color(decode_jpeg(bytes, what, max_pixels), color);
    if (text.starts_with("\x89PNG\r\n\x1A\n")) return convert_color(decode_png(bytes, what, max_pixels), color);
    throw Error(codes::kDataInvalid, format("{} is neither a JPEG nor a PNG image", what), "convert it, or leave it out");
}

Image convert_color(Image image, ImageColor color) {
    const int wanted = color == ImageColor::Gray ? 1 : 3;
    if (image.channels == wanted) return image;
    Image result{image.width, image.height, wanted, {}};
    const std::size_t count = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    result.pixels.resize(count * static_cast<std::size_t>(wanted));
    const std::uint8_t* from = image.pixels.data();
    std::uint8_t* to = result.pixels.data();
    for (std::size_t at = 0; at < count; ++at) {
        if (wanted == 3) to[3 * at] = to[3 * at + 1] = to[3 * at + 2] = from[at];
        else
            to[at] =
                static_cast<std::uint8_t>((from[3 * at] * 19595u + from[3 * at + 1] * 38470u + from[3 * at + 2] * 7471u + 0x8000u) >> 16);
    }
    return result;
}

}  // namespace mcompress
