// Samples kept in memory: decoding pictures again for every look at them costs more than running a small network.
#pragma once

#include <cstddef>
#include <memory>

#include "data/dataset.h"

namespace mcompress {

/// Pictures are looked at several times; so many bytes of them are decoded once.
inline constexpr std::size_t kCachedSamples = std::size_t{48} << 20;

/// What is kept of `count` samples of so many bytes each: no more than of a hundred of them, or memory would grow with their number until the limit is reached.
std::size_t cached_bytes(std::size_t count, std::size_t bytes_each, std::size_t byte_limit = kCachedSamples);

/// The same samples; those that fit cached_bytes() together (the first ones asked for) are made once. Samples that are kept already are not kept again. Safe to read from several threads.
std::unique_ptr<Dataset> cached(std::shared_ptr<const Dataset> data, std::size_t byte_limit = kCachedSamples);

}  // namespace mcompress
