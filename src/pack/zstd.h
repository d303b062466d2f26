// Zstandard, for streams whose size is known.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mcompress {

/// Levels 1 to 22. The same bytes for any number of threads.
std::string zstd_compress(std::span<const std::byte> bytes, int level);

/// Fills `to` completely. Throws kModelTruncated when `packed` is no frame of that many bytes.
void zstd_decompress(std::span<const std::byte> packed, std::span<std::byte> to);

}  // namespace mcompress
