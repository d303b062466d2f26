// Samples kept in memory: decoding pictures again for every look at them costs more than running a small network.
#pragma once

#include <cstddef>
#include <memory>

#include "data/dataset.h"

namespace mcompress {

/// Pictures are looked at several times; so many bytes of them are decoded once. With more samples memory stays the same.
inline constexpr std::size_t kCachedSamples = std::size_t{48} << 20;

/// The same samples; those that fit `byte_limit` together (the first ones asked for) are made once. Samples that are kept already are not kept again. Safe to read from several threads.
std::unique_ptr<Dataset> cached(std::shared_ptr<const Dataset> data, std::size_t byte_limit = kCachedSamples);

}  // namespace mcompress
