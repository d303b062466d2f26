#include "passes/quantize/block_tensors.h"

#include "support/check.h"

namespace mcompress {
namespace {

/// Writes codes of 4 or 8 bits one after the other, the first in the low bits.
class Packer {
public:
    Packer(std::byte* to, int bits) : to_(to), bits_(bits) {}

    void put(std::int64_t index, int code) {
        if (bits_ == 8) {
            to_[index] = static_cast<std::byte>(code);
            return;
        }
        std::byte& both = to_[index / 2];
        const auto nibble = static_cast<std::byte>(code & 15);
        both = index % 2 == 0 ? (both & std::byte{0xF0}) | nibble : (both & std::byte{0x0F}) | (nibble << 4);
    }

private:
    std::byte* to_;
    int bits_;
};

int whole(float zero) { return static_cast<int>(zero); }

/// Copies [columns, count] numbers that lie in rows of `stride` to a tensor in either order.
template <typename Get> void place(Packer to, const BlockCodes& codes, std::int64_t count, MatrixOrder order, Get&& get) {
    for (std::int64_t column = 0; column < codes.columns; ++column)
        for (std::int64_t k = 0; k < count; ++k)
            to.put(order == MatrixOrder::Transposed ? column * count + k : k * codes.columns + column, get(column, k));
}

}  // namespace

BlockTensors matmul_nbits_tensors(const BlockCodes& codes) {
    const std::int64_t columns = codes.columns, blocks = codes.blocks(), padded = codes.padded();
    const int bits = codes.grid.bits;
    BlockTensors result{
        Tensor(DType::UInt8, Shape{columns, blocks, codes.grid.block * bits / 8}), Tensor(DType::Float32, Shape{columns, blocks}), {}};
    Packer packed(result.codes.mutable_bytes(), bits);
    for (std::int64_t at = 0; at < columns * padded; ++at) packed.put(at, codes.codes[static_cast<std::size_t>(at)]);
    float* scales = result.scales.mutable_data<float>();
    for (const BlockParams& params : codes.params) *scales++ = params.scale;
    if (codes.grid.zero_points == ZeroPoints::None) return result;
    if (codes.grid.zero_points == ZeroPoints::Real) {
        result.zero_points = Tensor(DType::Float32, Shape{columns, blocks});
        float* zeros = result.zero_points.mutable_data<float>();
        for (const BlockParams& params : codes.params) *zeros++ = params.zero;
        return result;
    }
    const std::int64_t row = (blocks * bits + 7) / 8;
    result.zero_points = Tensor(DType::UInt8, Shape{columns, row});
    std::byte* const to = result.zero_points.mutable_bytes();
    for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t block = 0; block < blocks; ++block)
            Packer(to + column * row, bits).put(block, whole(codes.params[static_cast<std::size_t>(column * blocks + block)].zero));
    return result;
}

BlockTensors dequantize_linear_tensors(const BlockCodes& codes, MatrixOrder order) {
    MCOMPRESS_CHECK(codes.grid.zero_points != ZeroPoints::Real);
    const bool is_signed = codes.grid.zero_points == ZeroPoints::None;
    const int bits = codes.grid.bits, offset = is_signed ? codes.grid.middle() : 0;
    const DType dtype = bits == 4 ? (is_signed ? DType::Int4 : DType::UInt4) : (is_signed ? DType::Int8 : DType::UInt8);
    const auto shape = [&](std::int64_t count) {
        return order == MatrixOrder::Transposed ? Shape{codes.columns, count} : Shape{count, codes.columns};
    };
    const std::int64_t blocks = codes.blocks();
    const auto params = [&](std::int64_t column, std::int64_t block) -> const BlockParams& {
        return codes.params[static_cast<std::size_t>(column * blocks + block)];
    };
    BlockTensors result{Tensor(dtype, shape(codes.inner)), Tensor(DType::Float32, shape(blocks)), {}};
    place(Packer(result.codes.mutable_bytes(), bits), codes, codes.inner, order, [&](std::int64_t column, std::int64_t k) {
        return static_cast<int>(codes.codes[static_cast<std::size_t>(column * codes.padded() + k)]) - offset;
    });
    float* scales = result.scales.mutable_data<float>();
    for (std::int64_t column = 0; column < codes.columns; ++column)
        for (std::int64_t block = 0; block < blocks; ++block)
            scales[order == MatrixOrder::Transposed ? column * blocks + block : block * codes.columns + column] =
                params(column, block).scale;
    if (is_signed) return result;
    result.zero_points = Tensor(dtype, shape(blocks));
    place(Packer(result.zero_points.mutable_bytes(), bits), codes, blocks, order,
          [&](std::int64_t column, std::int64_t block) { return whole(params(column, block).zero); });
    return result;
}

}  // namespace mcompress
