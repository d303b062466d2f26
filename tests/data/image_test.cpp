#include "data/image_folder.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <random>

#include <jpeglib.h>
#include <png.h>

#include "catch.h"
#include "data/temporary_folder.h"
#include "support/error.h"
#include "support/log.h"

using namespace mcompress;

namespace {

/// A picture made of integer arithmetic, so that other programs can make the same one.
Image synthetic(int width, int height, int channels) {
    Image image{width, height, channels, {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c)
                image.pixels.push_back(static_cast<std::uint8_t>((x * 7 + y * 13 * (c + 1) + (x * y) % 31 * 5) % 256));
    return image;
}

std::uint32_t crc32_of(std::span<const std::uint8_t> bytes) {
    std::uint32_t crc = ~0u;
    for (const std::uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) ? 0xEDB88320u : 0u);
    }
    return ~crc;
}

std::string png_of(const Image& image) {
    png_image writer{};
    writer.version = PNG_IMAGE_VERSION;
    writer.width = static_cast<png_uint_32>(image.width);
    writer.height = static_cast<png_uint_32>(image.height);
    writer.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    png_alloc_size_t size = 0;
    REQUIRE(png_image_write_to_memory(&writer, nullptr, &size, 0, image.pixels.data(), 0, nullptr));
    std::string bytes(size, '\0');
    REQUIRE(png_image_write_to_memory(&writer, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr));
    bytes.resize(size);
    return bytes;
}

std::string jpeg_of(const Image& image) {
    jpeg_compress_struct state;
    jpeg_error_mgr errors;
    state.err = jpeg_std_error(&errors);
    jpeg_create_compress(&state);
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&state, &memory, &size);
    state.image_width = static_cast<JDIMENSION>(image.width);
    state.image_height = static_cast<JDIMENSION>(image.height);
    state.input_components = image.channels;
    state.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&state);
    jpeg_start_compress(&state, TRUE);
    while (state.next_scanline < state.image_height) {
        JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(state.next_scanline)));
        jpeg_write_scanlines(&state, &row, 1);
    }
    jpeg_finish_compress(&state);
    std::string bytes(reinterpret_cast<const char*>(memory), size);
    jpeg_destroy_compress(&state);
    std::free(memory);
    return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

std::string code_of(const std::string& file, std::int64_t max_pixels = kDefaultMaxPixels) {
    try {
        decode_image(bytes_of(file), ImageColor::Rgb, "picture", max_pixels);
    } catch (const Error& error) {
        CHECK(error.message().find("picture") != std::string::npos);
        return error.code().id;
    }
    return "";
}

}  // namespace

TEST_CASE("resizing gives the checksums that Pillow 9.4 gives") {
    struct Row {
        int channels;
        PixelSize size;
        ResampleFilter filter;
        std::uint32_t crc;
    };
    // python3: zlib.crc32(Image.fromarray(pixels).resize((w, h), filter).tobytes()) of synthetic(97, 61, channels)
    constexpr Row kRows[] = {
        // clang-format off
        {3, {40, 31}, ResampleFilter::Nearest, 0xD09043FDu},
        {3, {224, 200}, ResampleFilter::Nearest, 0x6DE83388u},
        {3, {40, 31}, ResampleFilter::Lanczos, 0xBF4DA067u},
        {3, {224, 200}, ResampleFilter::Lanczos, 0x27FEE0FAu},
        {3, {40, 31}, ResampleFilter::Bilinear, 0xD3128ABAu},
        {3, {224, 200}, ResampleFilter::Bilinear, 0xEA8D2B9Bu},
        {3, {40, 31}, ResampleFilter::Bicubic, 0x5EC40AA2u},
        {3, {224, 200}, ResampleFilter::Bicubic, 0x80AF890Cu},
        {3, {40, 31}, ResampleFilter::Box, 0xACCA9737u},
        {3, {224, 200}, ResampleFilter::Box, 0x6DE83388u},
        {3, {40, 31}, ResampleFilter::Hamming, 0x9912D4FFu},
        {3, {224, 200}, ResampleFilter::Hamming, 0x67FF4AA3u},
        {1, {40, 31}, ResampleFilter::Nearest, 0xA1C8E7E4u},
        {1, {224, 200}, ResampleFilter::Nearest, 0x3042FA5Bu},
        {1, {40, 31}, ResampleFilter::Lanczos, 0x840FFABDu},
        {1, {224, 200}, ResampleFilter::Lanczos, 0x35897BCDu},
        {1, {40, 31}, ResampleFilter::Bilinear, 0x3059CBD3u},
        {1, {224, 200}, ResampleFilter::Bilinear, 0xE380C849u},
        {1, {40, 31}, ResampleFilter::Bicubic, 0xA25D51B8u},
        {1, {224, 200}, ResampleFilter::Bicubic, 0x3307FCD7u},
        {1, {40, 31}, ResampleFilter::Box, 0xB68173CFu},
        {1, {224, 200}, ResampleFilter::Box, 0x3042FA5Bu},
        {1, {40, 31}, ResampleFilter::Hamming, 0xBB367BEEu},
        {1, {224, 200}, ResampleFilter::Hamming, 0x0F0CDF6Du},
        // clang-format on
    };
    for (const Row& row : kRows) {
        INFO(row.channels << " channels to " << row.size.width << "x" << row.size.height << " filter " << static_cast<int>(row.filter));
        CHECK(crc32_of(resize(synthetic(97, 61, row.channels), row.size, row.filter).pixels) == row.crc);
    }
}

TEST_CASE("a crop of a resize is the same as resizing and cropping") {
    const Image image = synthetic(97, 61, 3);
    for (const auto& filter : kResampleFilters)
        for (const PixelSize size : {PixelSize{50, 40}, PixelSize{97, 40}, PixelSize{50, 61}, PixelSize{97, 61}, PixelSize{200, 300}}) {
            const Image whole = resize(image, size, filter.filter);
            const PixelBox box{7, 11, {31, 23}};
            const Image part = resize_and_crop(image, size, filter.filter, box);
            REQUIRE(part.width == 31);
            REQUIRE(part.height == 23);
            for (int y = 0; y < 23; ++y)
                CHECK(std::equal(part.row(y), part.row(y) + part.row_bytes(), whole.row(y + box.top) + box.left * 3));
        }
}

TEST_CASE("PNG is decoded without loss and color is converted") {
    const Image color = synthetic(19, 7, 3);
    CHECK(decode_image(bytes_of(png_of(color)), ImageColor::Rgb, "x").pixels == color.pixels);
    const Image gray = synthetic(19, 7, 1);
    const Image repeated = decode_image(bytes_of(png_of(gray)), ImageColor::Rgb, "x");
    for (std::size_t at = 0; at < gray.pixels.size(); ++at) {
        CHECK(repeated.pixels[3 * at] == gray.pixels[at]);
        CHECK(repeated.pixels[3 * at + 2] == gray.pixels[at]);
    }
    const Image dark = decode_image(bytes_of(png_of(Image{1, 1, 3, {255, 128, 3}})), ImageColor::Gray, "x");
    CHECK(dark.pixels == std::vector<std::uint8_t>{(255 * 19595 + 128 * 38470 + 3 * 7471 + 32768) >> 16});
}

TEST_CASE("images that end too early, are no images or are too large are refused by name") {
    const Image image = synthetic(64, 48, 3);
    for (const std::string& good : {png_of(image), jpeg_of(image)}) {
        CHECK(code_of(good).empty());
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10}, good.size() / 4, good.size() / 2, good.size() - 20})
            CHECK(code_of(good.substr(0, size)) == codes::kDataInvalid.id);
        CHECK(code_of(good, 64 * 48 - 1) == codes::kTooLarge.id);
        CHECK(code_of(good, 64 * 48).empty());
    }
    CHECK(code_of("GIF89a...") == codes::kDataInvalid.id);
    std::string flipped = png_of(image);
    flipped[flipped.size() / 2] ^= 1;
    CHECK(code_of(flipped) == codes::kDataInvalid.id);
}

TEST_CASE("damaged images never crash the decoder", "[fuzz]") {
    const Image image = synthetic(40, 30, 3);
    const LogLevel before = log_level();
    set_log_level(LogLevel::Off);  // many a damaged JPEG can be read in part, with a warning
    std::mt19937 random(1);
    for (const std::string& good : {png_of(image), jpeg_of(image)})
        for (int round = 0; round < 4000; ++round) {
            std::string bad = good;
            for (int change = 0; change < 1 + static_cast<int>(random() % 3); ++change)
                bad[random() % bad.size()] = static_cast<char>(random());
            try {
                decode_image(bytes_of(bad), ImageColor::Rgb, "x", 1 << 20);
            } catch (const Error& error) {
                REQUIRE((error.kind() == ErrorKind::Data || error.kind() == ErrorKind::Limit));
            }
        }
    set_log_level(before);
}

TEST_CASE("a folder of images is sorted by the bytes of the names and leaves out other files") {
    const TemporaryFolder folder;
    for (const char* name : {"b.png", "B.PNG", "a10.png", "a2.png"}) folder.write(name, png_of(synthetic(4, 4, 3)));
    folder.write("c.jpeg", jpeg_of(synthetic(4, 4, 3)));
    folder.write(".hidden.png", "x");
    folder.write("notes.txt", "x");
    folder.write("folder.png/x", "x");
    const auto data = make_image_dataset(folder.path(), preprocess_preset("raw"));
    std::vector<std::string> names;
    for (std::size_t at = 0; at < data->size(); ++at) names.push_back(data->sample_name(at));
    CHECK(names == std::vector<std::string>{"B.PNG", "a10.png", "a2.png", "b.png", "c.jpeg"});
    const Sample sample = data->sample(0);
    CHECK(sample[0].second.shape() == Shape{1, 3, 4, 4});
    CHECK(sample[0].second.data<float>()[1] == 7.0f);
    folder.write("b.png", "no image");
    CHECK_THROWS_AS(data->sample(3), Error);
}
