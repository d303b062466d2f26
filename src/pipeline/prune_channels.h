// Structured pruning of a model: fewer channels, heads and hidden units.
#pragma once

#include "pipeline/prune_model.h"

namespace mcompress {

/// The row of pattern channels. Throws kUsage when the criterion is none of magnitude, least-squares and random, when nothing can be removed and when the share
/// of multiply-accumulates cannot be reached.
PruneReport prune_channels(const PruneRequest& request);

}  // namespace mcompress
