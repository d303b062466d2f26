#include "pack/zstd.h"

#include <zstd.h>

#include "support/check.h"
#include "support/error.h"

namespace mcompress {

std::string zstd_compress(std::span<const std::byte> bytes, int level) {
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), level);
    MCOMPRESS_CHECK(ZSTD_isError(size) == 0);
    packed.resize(size);
    packed.shrink_to_fit();  // the bound is more than what is compressed: streams are kept by the thousand
    return packed;
}

void zstd_decompress(std::span<const std::byte> packed, std::span<std::byte> to) {
    const std::size_t size = ZSTD_decompress(to.data(), to.size(), packed.data(), packed.size());
    if (ZSTD_isError(size) != 0 || size != to.size())
        throw Error(codes::kModelTruncated,
                    format("a compressed stream does not hold the {} bytes it should{}", to.size(),
                           ZSTD_isError(size) != 0 ? format(": {}", ZSTD_getErrorName(size)) : ""),
                    "the file is damaged: get it again");
}

}  // namespace mcompress
