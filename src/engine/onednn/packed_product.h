// A few rows times weights of 4 bits in blocks, as MatMulNBits packs them, without writing the weights out: what such a product costs is reading them, and
// as floats they are eight times as many bytes.
#pragma once

#include <cstdint>

namespace mcompress::onednn {

struct PackedWeights4 {
    std::int64_t inner, columns, block_size;
    const std::uint8_t* codes;  // [columns, blocks, block_size / 2], the even element in the low half of a byte
    const float* scales;        // [columns, blocks]
    const float* zero_points;   // [columns, blocks]
    const float* bias;          // [columns], or null

    std::int64_t blocks() const { return (inner + block_size - 1) / block_size; }
};

/// Rows up to which reading packed weights is faster than multiplying by floats.
inline constexpr std::int64_t kMostPackedRows = 2;

/// Whether the processor has what it takes (AVX512), and the blocks fill its registers.
bool can_multiply_packed(std::int64_t block_size);

/// y [rows, columns] = x [rows, inner] * the weights + bias, for 1 to kMostPackedRows rows.
void multiply_packed(const PackedWeights4& weights, std::int64_t rows, const float* x, float* y, int threads);

}  // namespace mcompress::onednn
