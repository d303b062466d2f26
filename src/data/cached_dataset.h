// Samples kept in memory: decoding pictures again for every look at them costs more than running a small network.
#pragma once

#include <cstddef>
#include <memory>

#include "data/dataset.h"

namespace mcompress {

/// The same samples; those that fit `byte_limit` together (the first ones asked for) are made once. Safe to read from several threads.
std::unique_ptr<Dataset> cached(std::shared_ptr<const Dataset> data, std::size_t byte_limit);

}  // namespace mcompress
