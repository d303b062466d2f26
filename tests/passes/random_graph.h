// Small random convolutional graphs: what exporters write, and what passes have to keep.
#pragma once

#include <cstdint>
#include <memory>

#include "ir/model.h"

namespace mcompress::testing {

/// A valid graph with one to two float inputs [N, C, H, W], some dozen nodes wired at random and one to three outputs. The same seed gives the
/// same graph everywhere.
std::unique_ptr<Model> random_graph(std::uint64_t seed);

}  // namespace mcompress::testing
