// NumPy's .npz format: a zip archive of .npy files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace mcompress {

/// Bytes that all arrays of an archive may take once they are unpacked, unless the caller says otherwise.
inline constexpr std::uint64_t kDefaultNpzLimit = std::uint64_t{4} << 30;

using NpzArrays = std::vector<std::pair<std::string, Tensor>>;

/// The arrays of an archive with their names, in the archive's order. Throws kDataInvalid on a damaged, truncated or encrypted archive, on a
/// wrong checksum and on names that are not plain or come twice; kTooLarge when the arrays would take more than `limit` bytes (checked
/// before anything is unpacked).
NpzArrays read_npz(const std::filesystem::path& path, std::uint64_t limit = kDefaultNpzLimit);

/// The same of an archive in memory; `what` is how messages call it.
NpzArrays parse_npz(std::span<const std::byte> bytes, std::string_view what, std::uint64_t limit = kDefaultNpzLimit);

/// An archive of the arrays in the order given, not compressed; the same bytes for the same arrays. Throws kDataInvalid for names that come
/// twice or cannot be file names, and for element types that NumPy lacks.
std::string npz_bytes(const NpzArrays& arrays, std::string_view what);
void write_npz(const std::filesystem::path& path, const NpzArrays& arrays);

}  // namespace mcompress
