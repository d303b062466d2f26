#include <png.h>

#include <csetjmp>
#include <cstring>
#include <string>
#include <vector>

#include "data/image.h"
#include "support/error.h"

namespace mcompress {

namespace {

// libpng reports errors by a call that must not return. Only plain data lives between setjmp and longjmp.
struct Decoder {
    png_structp png;
    png_infop info;
    const std::byte* next;
    std::size_t left;
    std::jmp_buf escape;
    char message[128];
};

[[noreturn]] void escape(png_structp png, png_const_charp text) {
    Decoder& decoder = *static_cast<Decoder*>(png_get_error_ptr(png));
    std::strncpy(decoder.message, text, sizeof decoder.message - 1);
    std::longjmp(decoder.escape, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep to, std::size_t count) {
    Decoder& decoder = *static_cast<Decoder*>(png_get_io_ptr(png));
    if (count > decoder.left) png_error(png, "it ends too early");
    std::memcpy(to, decoder.next, count);
    decoder.next += count;
    decoder.left -= count;
}

/// Reads up to the pixels.
bool start(Decoder& decoder) {
    if (setjmp(decoder.escape)) return false;
    png_set_read_fn(decoder.png, &decoder, read_bytes);
    png_set_user_limits(decoder.png, 1u << 20, 1u << 20);
    png_set_chunk_malloc_max(decoder.png, png_alloc_size_t{1} << 26);
    png_read_info(decoder.png, decoder.info);
    return true;
}

/// Asks for 8-bit gray or color without transparency.
bool set_output(Decoder& decoder) {
    if (setjmp(decoder.escape)) return false;
    png_set_expand(decoder.png);  // palettes to color, few bits to eight, transparent colors to an alpha channel
    png_set_strip_16(decoder.png);
    png_set_strip_alpha(decoder.png);
    png_set_interlace_handling(decoder.png);
    png_read_update_info(decoder.png, decoder.info);
    return true;
}

bool read_rows(Decoder& decoder, png_bytepp rows) {
    if (setjmp(decoder.escape)) return false;
    png_read_image(decoder.png, rows);
    png_read_end(decoder.png, nullptr);
    return true;
}

struct Release {
    Decoder& decoder;
    ~Release() { png_destroy_read_struct(&decoder.png, &decoder.info, nullptr); }
};

[[noreturn]] void fail_png(std::string_view what, std::string_view problem) {
    throw Error(codes::kDataInvalid, format("{} is not a readable PNG image: {}", what, problem), "replace it, or leave it out");
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view what, std::int64_t max_pixels) {
    Decoder decoder{};
    decoder.next = bytes.data();
    decoder.left = bytes.size();
    decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, escape, ignore_warning);
    const Release release{decoder};
    decoder.info = decoder.png ? png_create_info_struct(decoder.png) : nullptr;
    if (!decoder.info) throw std::bad_alloc();
    if (!start(decoder)) fail_png(what, decoder.message);
    const auto width = static_cast<std::int64_t>(png_get_image_width(decoder.png, decoder.info));
    const auto height = static_cast<std::int64_t>(png_get_image_height(decoder.png, decoder.info));
    if (width * height > max_pixels)
        throw Error(codes::kTooLarge, format("{} has {}×{} pixels, more than {}", what, width, height, max_pixels),
                    "make it smaller first");
    if (!set_output(decoder)) fail_png(what, decoder.message);
    const int channels = png_get_channels(decoder.png, decoder.info);
    Image image{static_cast<int>(width), static_cast<int>(height), channels, {}};
    if ((channels != 1 && channels != 3) || png_get_rowbytes(decoder.png, decoder.info) != image.row_bytes())
        fail_png(what, format("it has {} channels", channels));
    image.pixels.resize(image.row_bytes() * static_cast<std::size_t>(height));
    std::vector<png_bytep> rows;
    for (int y = 0; y < image.height; ++y) rows.push_back(image.row(y));
    if (!read_rows(decoder, rows.data())) fail_png(what, decoder.message);
    return image;
}

}  // namespace mcompress
