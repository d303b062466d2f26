#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <string>

#include <jerror.h>
#include <jpeglib.h>

#include "data/image.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

namespace {

// libjpeg reports errors by a call that must not return. Only plain data lives between setjmp and longjmp.
struct Decoder {
    jpeg_decompress_struct state;
    jpeg_error_mgr errors;
    std::jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
    bool is_truncated;
    bool is_damaged;  // some data was lost, but libjpeg could go on
};

Decoder& decoder_of(j_common_ptr state) { return *static_cast<Decoder*>(state->client_data); }

[[noreturn]] void escape(j_common_ptr state) {
    Decoder& decoder = decoder_of(state);
    decoder.errors.format_message(state, decoder.message);
    std::longjmp(decoder.escape, 1);
}

void note_warning(j_common_ptr state, int level) {
    if (level >= 0) return;
    Decoder& decoder = decoder_of(state);
    if (decoder.errors.msg_code == JWRN_JPEG_EOF) decoder.is_truncated = true;
    else decoder.is_damaged = true;
}

/// Reads up to the pixels: sets sizes and the color space to decode to. False on an error.
bool start(Decoder& decoder, const unsigned char* bytes, unsigned long size) {
    if (setjmp(decoder.escape)) return false;
    jpeg_create_decompress(&decoder.state);
    decoder.state.client_data = &decoder;
    jpeg_mem_src(&decoder.state, bytes, size);
    jpeg_read_header(&decoder.state, TRUE);
    if (decoder.state.num_components == 1) decoder.state.out_color_space = JCS_GRAYSCALE;
    else decoder.state.out_color_space = decoder.state.num_components == 4 ? JCS_CMYK : JCS_RGB;
    return true;
}

bool read_rows(Decoder& decoder, unsigned char* pixels, std::size_t row_bytes) {
    if (setjmp(decoder.escape)) return false;
    jpeg_start_decompress(&decoder.state);
    while (decoder.state.output_scanline < decoder.state.output_height) {
        JSAMPROW row = pixels + row_bytes * decoder.state.output_scanline;
        jpeg_read_scanlines(&decoder.state, &row, 1);
    }
    jpeg_finish_decompress(&decoder.state);
    return true;
}

struct Release {
    jpeg_decompress_struct& state;
    ~Release() { jpeg_destroy_decompress(&state); }
};

/// Pillow's cmyk2rgb. CMYK is taken to be inverted, as Adobe writes it; Pillow does so whether the Adobe marker is there or not.
Image cmyk_to_rgb(const Image& image) {
    Image result{image.width, image.height, 3, {}};
    const std::size_t count = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    result.pixels.resize(count * 3);
    for (std::size_t at = 0; at < count; ++at) {
        const std::uint8_t* cmyk = &image.pixels[4 * at];
        const int light = cmyk[3];
        for (std::size_t channel = 0; channel < 3; ++channel) {
            const int product = (255 - cmyk[channel]) * light + 128;
            const int value = light - (((product >> 8) + product) >> 8);
            result.pixels[3 * at + channel] = static_cast<std::uint8_t>(value < 0 ? 0 : value);
        }
    }
    return result;
}

[[noreturn]] void fail_jpeg(std::string_view what, std::string_view problem) {
    throw Error(codes::kDataInvalid, format("{} is not a readable JPEG image: {}", what, problem), "replace it, or leave it out");
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view what, std::int64_t max_pixels) {
    Decoder decoder{};
    decoder.state.err = jpeg_std_error(&decoder.errors);
    decoder.errors.error_exit = escape;
    decoder.errors.emit_message = note_warning;
    decoder.state.client_data = &decoder;
    const Release release{decoder.state};
    if (!start(decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) fail_jpeg(what, decoder.message);
    const auto width = static_cast<std::int64_t>(decoder.state.image_width);
    const auto height = static_cast<std::int64_t>(decoder.state.image_height);
    if (width * height > max_pixels)
        throw Error(codes::kTooLarge, format("{} has {}×{} pixels, more than {}", what, width, height, max_pixels),
                    "make it smaller first");
    const int components = decoder.state.num_components;
    if (components != 1 && components != 3 && components != 4) fail_jpeg(what, format("it has {} components", components));
    Image image{static_cast<int>(width), static_cast<int>(height), components, {}};
    image.pixels.resize(image.row_bytes() * static_cast<std::size_t>(height));
    if (!read_rows(decoder, image.pixels.data(), image.row_bytes())) fail_jpeg(what, decoder.message);
    if (decoder.is_truncated) fail_jpeg(what, "it ends too early");
    if (decoder.is_damaged) log_warning("{} is damaged in places; its pixels are used as far as they can be read", what);
    return components == 4 ? cmyk_to_rgb(image) : image;
}

}  // namespace mcompress
