// The index of an archive: what lies where, before it is compressed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pack/transform.h"

namespace mcompress {

/// A compressed stream of the payload; streams lie one behind the other in the order of the index.
struct PackedStream {
    std::uint64_t raw = 0;
    std::uint64_t packed = 0;
};

/// A piece of a tensor.
struct PackedPiece {
    std::uint64_t gap = 0;   // bytes in front of it that belong to no piece
    std::uint64_t size = 0;  // raw
    std::uint32_t width = 1;
    const Transform* transform = nullptr;
    std::vector<PackedStream> streams;
};

struct PackedFile {
    std::string name;
    std::uint64_t size = 0;
    std::string digest;               // Hasher::hex_digest() of its bytes
    std::vector<PackedStream> rest;   // all gaps, one behind the other, in blocks of kLargestPiece
    std::vector<PackedPiece> pieces;  // ascending
};

/// Larger tensors are cut; what an unpacker must hold is bounded by it.
inline constexpr std::uint64_t kLargestPiece = std::uint64_t{1} << 24;

std::string write_index(const std::vector<PackedFile>& files);
/// Checks everything that can be checked without the payload. Throws kModelTruncated.
std::vector<PackedFile> read_index(std::string_view bytes);

}  // namespace mcompress
