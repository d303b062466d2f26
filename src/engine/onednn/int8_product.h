// Exact 8-bit convolutions and products for processors without 8-bit dot products (VNNI). There oneDNN 2.6 multiplies pairs of 8-bit numbers with
// 16-bit saturation; these kernels widen to 16 bits first, so every product and sum is exact, at the same number of multiply instructions.
#pragma once

#include <cstdint>
#include <vector>

#include "quant/params.h"
#include "tensor/dtype.h"

namespace mcompress::onednn {

/// From accumulators to the destination: y = acc * scale[channel]; then y < 0 ? slope * y : y; then for an integer destination
/// clamp(round_half_even(y) + zero_point, lowest, highest).
struct Requantization {
    std::vector<float> scales;  // one a channel
    float slope = 1.0F;
    std::int32_t zero_point = 0;
    QuantRange range{0, 255};
    DType dtype = DType::UInt8;  // UInt8, Int8 or Float32
};

/// A convolution over channels-last data, one batch entry after the other; a product is one of 1 × 1 over a row of points.
struct IntegerConvolution {
    std::int64_t batch = 1;
    std::int64_t height = 1, width = 1, channels = 1;  // of the source, channels of all groups
    std::int64_t out_height = 1, out_width = 1, out_channels = 1;
    std::int64_t groups = 1;
    std::int64_t kernel_height = 1, kernel_width = 1;
    std::int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
    std::int64_t pad_top = 0, pad_left = 0;
    DType source = DType::UInt8;  // or Int8
    std::int32_t source_zero_point = 0;
    std::vector<std::int32_t> bias;  // in accumulator units, one a channel
    Requantization requantization;

    std::int64_t points() const { return batch * out_height * out_width; }
    bool is_depthwise() const { return groups > 1 && groups == channels && groups == out_channels; }
};

/// A convolution with its weights in the order the kernel reads them.
class PackedConvolution {
public:
    /// `weights` are [out_channels, channels / groups, kernel_height, kernel_width] as ONNX stores them, zero points subtracted.
    PackedConvolution(IntegerConvolution convolution, const std::vector<std::int16_t>& weights);
    /// Source and destination are channels-last, in the element types the convolution names.
    void run(const std::byte* source, std::byte* destination, int threads) const;

private:
    /// Gather: every point's window is copied into a row. Band: the lines a few output lines need are widened once, windows are seen in place.
    enum class Path { Gather, Band, Depthwise };
    struct Part {
        std::int64_t first_row, last_row, first_block, last_block;
    };
    void pack_general(const std::vector<std::int16_t>& weights);
    void pack_depthwise(const std::vector<std::int16_t>& weights);
    void run_part(const std::byte* source, std::byte* destination, std::int64_t group, const Part& part) const;
    void gather_rows(const std::byte* source, std::int64_t group, std::int64_t first, std::int64_t count, std::int16_t* rows) const;
    void run_lines(const std::byte* source, std::byte* destination, std::int64_t first_line, std::int64_t last_line) const;
    void widen_lines(const std::byte* source, std::int64_t batch_entry, std::int64_t first, std::int64_t count, std::int16_t* lines) const;
    void run_band_line(const std::int16_t* lines, std::byte* destination) const;
    void run_depthwise_line(const std::int16_t* lines, std::byte* destination) const;

    IntegerConvolution convolution_;
    Path path_ = Path::Gather;
    std::int64_t segments_ = 1;          // pieces of a window that lie apart
    std::int64_t segment_ = 0;           // elements of one, even
    std::int64_t inner_ = 0;             // elements of a window without padding
    std::int64_t blocks_ = 0;            // of kBlock output channels, in a group
    std::int64_t line_elements_ = 0;     // of a widened line with its padding
    std::vector<std::int64_t> offsets_;  // of a depthwise window's taps
    std::vector<std::int16_t> weights_;
    std::vector<std::int32_t> bias_;  // padded to whole blocks
    std::vector<float> scales_;
};

/// "int8_exact:avx2" or "int8_exact:portable".
const char* integer_kernel_name();

}  // namespace mcompress::onednn
