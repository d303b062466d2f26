// Parts of a dataset, and samples put together.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "data/dataset.h"

namespace mcompress {

/// The samples with these indices, in their order. Each must be below data->size().
std::unique_ptr<Dataset> choose(std::shared_ptr<const Dataset> data, std::vector<std::size_t> indices);

/// The first `count` samples, or all of them when there are fewer.
std::unique_ptr<Dataset> take(std::shared_ptr<const Dataset> data, std::size_t count);

/// Samples index, index + count, index + 2·count, …: the shards of one count hold every sample once. Throws kUsage unless
/// index < count and kDataEmpty when the shard has no sample.
std::unique_ptr<Dataset> shard(std::shared_ptr<const Dataset> data, std::size_t index, std::size_t count);

/// Groups of `size` consecutive samples, concatenated along the leading axis, for models whose batch is fixed. What remains at the end is
/// left out. Throws kDataEmpty when there are fewer than `size` samples; sample() throws kDataMismatch when shapes in a group differ.
std::unique_ptr<Dataset> batches(std::shared_ptr<const Dataset> data, std::size_t size);

}  // namespace mcompress
