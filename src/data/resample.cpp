#include "data/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "support/check.h"

namespace mcompress {

namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8-bit samples, 2 bits of headroom for negative lobes

double box_weight(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double triangle_weight(double x) {
    x = std::fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

double hamming_weight(double x) {
    x = std::fabs(x);
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    x *= std::numbers::pi;
    return std::sin(x) / x * (static_cast<double>(0.54f) + static_cast<double>(0.46f) * std::cos(x));
}

// Keys' cubic with a = -0.5
double cubic_weight(double x) {
    constexpr double kA = -0.5;
    x = std::fabs(x);
    if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
    return 0.0;
}

double sinc(double x) {
    if (x == 0.0) return 1.0;
    x *= std::numbers::pi;
    return std::sin(x) / x;
}

double lanczos_weight(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

struct Kernel {
    ResampleFilter filter;
    double (*weight)(double);
    double support;
};

constexpr std::array<Kernel, 5> kKernels{{
    {ResampleFilter::Box, box_weight, 0.5},
    {ResampleFilter::Bilinear, triangle_weight, 1.0},
    {ResampleFilter::Hamming, hamming_weight, 1.0},
    {ResampleFilter::Bicubic, cubic_weight, 2.0},
    {ResampleFilter::Lanczos, lanczos_weight, 3.0},
}};

const Kernel& kernel_of(ResampleFilter filter) {
    const auto found = std::ranges::find(kKernels, filter, &Kernel::filter);
    MCOMPRESS_CHECK(found != kKernels.end());
    return *found;
}

/// The source samples and fixed-point weights behind one output sample.
struct Taps {
    int first = 0;
    std::vector<std::int32_t> weights;
};

/// Pillow's precompute_coeffs and normalize_coeffs_8bpc, for outputs [begin, end) of `out_size`.
std::vector<Taps> find_taps(const Kernel& kernel, int in_size, int out_size, int begin, int end) {
    const double scale = static_cast<double>(in_size) / out_size;
    const double filter_scale = std::max(scale, 1.0);
    const double support = kernel.support * filter_scale;
    const double inverse = 1.0 / filter_scale;
    std::vector<Taps> taps(static_cast<std::size_t>(end - begin));
    std::vector<double> weights;
    for (int out = begin; out < end; ++out) {
        const double center = (out + 0.5) * scale;
        const int first = std::max(0, static_cast<int>(center - support + 0.5));
        const int last = std::min(in_size, static_cast<int>(center + support + 0.5));
        weights.clear();
        double sum = 0.0;
        for (int in = first; in < last; ++in) {
            weights.push_back(kernel.weight((in - center + 0.5) * inverse));
            sum += weights.back();
        }
        Taps& tap = taps[static_cast<std::size_t>(out - begin)];
        tap.first = first;
        for (double weight : weights) {
            if (sum != 0.0) weight /= sum;
            tap.weights.push_back(static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kPrecisionBits)));
        }
    }
    return taps;
}

std::uint8_t clip(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

template <int kChannels> void filter_row(const std::uint8_t* from, std::span<const Taps> taps, std::uint8_t* to) {
    for (const Taps& tap : taps) {
        std::array<std::int32_t, kChannels> sums;
        sums.fill(1 << (kPrecisionBits - 1));
        const std::uint8_t* pixel = from + tap.first * kChannels;
        for (const std::int32_t weight : tap.weights) {
            for (int channel = 0; channel < kChannels; ++channel) sums[static_cast<std::size_t>(channel)] += pixel[channel] * weight;
            pixel += kChannels;
        }
        for (const std::int32_t sum : sums) *to++ = clip(sum);
    }
}

/// Rows [top, top + height) of `image`, each filtered.
Image filter_rows(const Image& image, std::span<const Taps> taps, int top, int height) {
    Image result{static_cast<int>(taps.size()), height, image.channels, {}};
    result.pixels.resize(result.row_bytes() * static_cast<std::size_t>(height));
    const auto filter = image.channels == 1 ? filter_row<1> : filter_row<3>;
    for (int y = 0; y < height; ++y) filter(image.row(top + y), taps, result.row(y));
    return result;
}

/// Filters downwards; row 0 of `image` is row `top` of the picture the taps speak of.
Image filter_columns(const Image& image, std::span<const Taps> taps, int top) {
    Image result{image.width, static_cast<int>(taps.size()), image.channels, {}};
    const std::size_t bytes = image.row_bytes();
    result.pixels.resize(bytes * taps.size());
    std::vector<std::int32_t> sums(bytes);
    for (int y = 0; y < result.height; ++y) {
        const Taps& tap = taps[static_cast<std::size_t>(y)];
        std::fill(sums.begin(), sums.end(), 1 << (kPrecisionBits - 1));
        int source = tap.first - top;
        for (const std::int32_t weight : tap.weights) {
            const std::uint8_t* from = image.row(source++);
            for (std::size_t at = 0; at < bytes; ++at) sums[at] += from[at] * weight;
        }
        std::transform(sums.begin(), sums.end(), result.row(y), clip);
    }
    return result;
}

Image crop(const Image& image, const PixelBox& box) {
    Image result{box.size.width, box.size.height, image.channels, {}};
    result.pixels.resize(result.row_bytes() * static_cast<std::size_t>(result.height));
    for (int y = 0; y < result.height; ++y)
        std::memcpy(result.row(y), image.row(box.top + y) + static_cast<std::size_t>(box.left * image.channels), result.row_bytes());
    return result;
}

/// Pillow's ImagingScaleAffine: positions are added up, so their rounding is part of the result.
std::vector<int> nearest_positions(int in_size, int out_size) {
    const double step = static_cast<double>(in_size) / out_size;
    std::vector<int> positions;
    double at = step * 0.5;
    for (int out = 0; out < out_size; ++out, at += step) positions.push_back(std::min(static_cast<int>(at), in_size - 1));
    return positions;
}

Image pick_nearest(const Image& image, PixelSize size, const PixelBox& box) {
    const auto columns = nearest_positions(image.width, size.width);
    const auto rows = nearest_positions(image.height, size.height);
    Image result{box.size.width, box.size.height, image.channels, {}};
    result.pixels.reserve(result.row_bytes() * static_cast<std::size_t>(result.height));
    for (int y = 0; y < result.height; ++y) {
        const std::uint8_t* from = image.row(rows[static_cast<std::size_t>(box.top + y)]);
        for (int x = 0; x < result.width; ++x) {
            const std::uint8_t* pixel = from + columns[static_cast<std::size_t>(box.left + x)] * image.channels;
            result.pixels.insert(result.pixels.end(), pixel, pixel + image.channels);
        }
    }
    return result;
}

}  // namespace

Image resize_and_crop(const Image& image, PixelSize size, ResampleFilter filter, const PixelBox& box) {
    MCOMPRESS_CHECK(size.width > 0 && size.height > 0 && image.width > 0 && image.height > 0);
    MCOMPRESS_CHECK(box.left >= 0 && box.top >= 0 && box.left + box.size.width <= size.width && box.top + box.size.height <= size.height);
    if (filter == ResampleFilter::Nearest) return pick_nearest(image, size, box);
    const Kernel& kernel = kernel_of(filter);
    const auto rows = find_taps(kernel, image.height, size.height, box.top, box.top + box.size.height);
    PixelBox rest{box.left, box.top, box.size};  // what is still to be cut out
    Image result;
    int top = 0;
    if (size.width != image.width) {
        const auto columns = find_taps(kernel, image.width, size.width, box.left, box.left + box.size.width);
        int bottom = image.height;
        if (size.height != image.height) {
            top = rows.front().first;
            bottom = 0;
            for (const Taps& tap : rows) bottom = std::max(bottom, tap.first + static_cast<int>(tap.weights.size()));
        }
        result = filter_rows(image, columns, top, bottom - top);
        rest.left = 0;
    }
    const Image& wide = size.width != image.width ? result : image;
    if (size.height == image.height) return crop(wide, rest);
    Image tall = filter_columns(wide, rows, top);
    rest.top = 0;
    return rest.left == 0 && tall.width == rest.size.width ? tall : crop(tall, rest);
}

Image resize(const Image& image, PixelSize size, ResampleFilter filter) { return resize_and_crop(image, size, filter, {0, 0, size}); }

}  // namespace mcompress
