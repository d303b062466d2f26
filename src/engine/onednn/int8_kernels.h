// The inner loops of the exact 8-bit kernels, for the best instruction set of the processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mcompress::onednn {

inline constexpr std::int64_t kBlock = 16;    // output channels a step
inline constexpr std::int64_t kTileRows = 6;  // points a step

enum class CodeType { U8, S8, F32 };

/// Requantization of one block of channels. `lowest` and `highest` bound round(y) before the zero point is added.
struct BlockOutput {
    const std::int32_t* bias;
    const float* scales;
    float slope, lowest, highest;
    std::int32_t zero_point;
    CodeType type;
    std::byte* destination;     // of the first row
    std::int64_t row_elements;  // from one row to the next
    std::int64_t columns;       // at most kBlock
};

struct Int8Kernels {
    const char* name;
    /// rows ≤ kTileRows: sums over `pairs` pairs of 16-bit numbers; a[row * a_stride + k], b[pair][channel][2].
    void (*tile)(std::int64_t rows, const std::int16_t* a, std::int64_t a_stride, const std::int16_t* b, std::int64_t pairs, const BlockOutput& output);
    /// One point of a depthwise convolution: `taps` (an even number of) pointers to kBlock codes, weights [pair][channel][2].
    void (*depthwise)(const std::byte* const* taps, std::int64_t count, std::int64_t offset, const std::int16_t* weights, std::int32_t source_zero_point,
                      CodeType source, const BlockOutput& output);
    /// to[i] = from[i] - zero_point
    void (*widen)(const std::byte* from, std::int64_t count, std::int32_t zero_point, CodeType source, std::int16_t* to);
};

const Int8Kernels& int8_kernels();

}  // namespace mcompress::onednn
