// Samples in an order that does not depend on how files are named or listed.
#pragma once

#include <memory>

#include "data/dataset.h"

namespace mcompress {

/// The same samples, sorted by a hash of what they hold: whoever picks some of them picks the same ones whatever order they came in. Makes each once.
std::unique_ptr<Dataset> ordered_by_content(std::shared_ptr<const Dataset> data, int threads);

}  // namespace mcompress
