// What both directions know of an archive's bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pack/archive.h"
#include "pack/archive_index.h"
#include "support/file.h"
#include "support/hash.h"

namespace mcompress {

// magic, version, compressed and raw size of the index, its checksum
inline constexpr std::array<char, 8> kArchiveMagic{'\x89', 'M', 'C', 'Z', '\r', '\n', '\x1a', '\n'};
inline constexpr std::uint64_t kArchiveVersion = 1, kLargestIndex = std::uint64_t{1} << 28;
inline constexpr std::size_t kDigestSize = 32, kHeaderSize = 8 + 3 * 8 + kDigestSize;

inline std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
inline std::span<const std::byte> bytes_of(const MappedFile& file) { return {file.data(), file.size()}; }

inline std::string digest_of(std::span<const std::byte> bytes) {
    Hasher hasher;
    hasher.add_bytes(bytes.data(), bytes.size());
    return hasher.hex_digest();
}

ArchiveSummary summarize_archive(const std::vector<PackedFile>& files, std::uint64_t packed);

}  // namespace mcompress
