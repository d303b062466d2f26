// Resizing pictures exactly as Pillow does (src/libImaging/Resample.c and Geometry.c).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "data/image.h"

namespace mcompress {

enum class ResampleFilter { Nearest, Box, Bilinear, Hamming, Bicubic, Lanczos };

struct ResampleFilterName {
    std::string_view name;
    ResampleFilter filter;
};
inline constexpr std::array<ResampleFilterName, 6> kResampleFilters{{
    {"nearest", ResampleFilter::Nearest},
    {"box", ResampleFilter::Box},
    {"bilinear", ResampleFilter::Bilinear},
    {"hamming", ResampleFilter::Hamming},
    {"bicubic", ResampleFilter::Bicubic},
    {"lanczos", ResampleFilter::Lanczos},
}};

struct PixelSize {
    int width = 0;
    int height = 0;
    bool operator==(const PixelSize&) const = default;
};

/// A rectangle of the resized picture.
struct PixelBox {
    int left = 0;
    int top = 0;
    PixelSize size;
};

/// image.resize(size, filter): a separable filter whose support grows with the reduction (antialias), 22-bit fixed-point weights,
/// horizontally first, rounded to 8 bits between the passes.
Image resize(const Image& image, PixelSize size, ResampleFilter filter);

/// The part `box` of resize(image, size, filter); only what the box needs is computed. The box must lie inside.
Image resize_and_crop(const Image& image, PixelSize size, ResampleFilter filter, const PixelBox& box);

}  // namespace mcompress
