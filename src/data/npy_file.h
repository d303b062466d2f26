// NumPy's .npy format, versions 1 to 3 (numpy/lib/format.py).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace mcompress {

struct NpyHeader {
    enum class Order { RowMajor, ColumnMajor };
    enum class Endian { Little, Big };

    DType dtype = DType::Undefined;
    Shape shape;
    Order order = Order::RowMajor;
    Endian endian = Endian::Little;
    std::size_t data_offset = 0;  // where the elements begin

    std::size_t data_bytes() const;
};

/// Longest header accepted; numpy itself refuses more than 10 kB.
inline constexpr std::size_t kMaxNpyHeader = std::size_t{1} << 16;

/// Reads the header from the first bytes of a file; `what` names it in errors. Throws kDataInvalid on anything but numbers and bools
/// (object arrays are Python pickles and could run code), and on a damaged header.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view what);

/// The array in `bytes`, which `owner` keeps alive: a view when the elements lie as a Tensor wants them (row-major, little-endian), a
/// converted copy otherwise. Throws kDataInvalid when the header does not match the number of bytes.
Tensor parse_npy(std::shared_ptr<const void> owner, std::span<const std::byte> bytes, std::string_view what);

/// As above from a file, mapped into memory.
Tensor read_npy(const std::filesystem::path& path);

/// The header that numpy.save would write, padded so that the elements start at a multiple of 64 bytes. Throws kDataInvalid for element
/// types that numpy lacks (strings, bfloat16, types below 8 bits).
std::string npy_header(DType dtype, const Shape& shape);

void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace mcompress
