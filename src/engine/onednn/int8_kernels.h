// The inner loops of the exact 8-bit kernels, for the best instruction set of the processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mcompress::onednn {

inline constexpr std::int64_t kBlock = 16;    // output channels a step
inline constexpr std::int64_t kTileRows = 6;  // points a step

enum class CodeType { U8, S8, F32 };

/// Requantization of one block of channels. `lowest` and `highest` bound the codes.
struct BlockOutput {
    const std::int32_t* bias;
    const float* scales;
    float slope;
    std::int32_t zero_point, lowest, highest;
    CodeType type;
    std::byte* destination;     // of the first row
    std::int64_t row_elements;  // from one row to the next
    std::int64_t columns;       // at most kBlock
};

/// Rows of 16-bit numbers, each made of `segments` pieces of `pairs` pairs.
struct TileInput {
    const std::int16_t* a = nullptr;
    std::int64_t row_stride = 0;
    std::int64_t segments = 1;
    std::int64_t segment_stride = 0;
    std::int64_t pairs = 0;           // of one segment
    const std::int16_t* b = nullptr;  // [segment][pair][kBlock channels][2]
};

/// A line of a depthwise convolution for one block of channels: point x reads lines[offsets[tap] + x * point_stride + channel].
struct DepthwiseInput {
    const std::int16_t* lines = nullptr;
    const std::int64_t* offsets = nullptr;
    std::int64_t pairs = 0;  // of taps
    std::int64_t point_stride = 0;
    std::int64_t points = 0;
    const std::int16_t* weights = nullptr;  // [pair][kBlock channels][2]
};

struct Int8Kernels {
    const char* name;
    /// rows ≤ kTileRows.
    void (*tile)(std::int64_t rows, const TileInput& input, const BlockOutput& output);
    void (*depthwise)(const DepthwiseInput& input, const BlockOutput& output);
    /// to[i] = from[i] - zero_point
    void (*widen)(const std::byte* from, std::int64_t count, std::int32_t zero_point, CodeType source, std::int16_t* to);
};

const Int8Kernels& int8_kernels();

}  // namespace mcompress::onednn
