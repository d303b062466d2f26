// Channels of activations whose elements all are one number, whatever the model's input is.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "passes/pass.h"

namespace mcompress {

/// Along one axis of a value, the number that all elements of a channel are.
struct KnownChannels {
    int axis = 0;
    std::vector<bool> is_known;
    Tensor numbers;  // one a channel; meaningless where it is not known
};

using KnownChannelTable = std::unordered_map<const Value*, KnownChannels>;

/// Filters of zeros give their bias, activations and normalizations compute with it, and so on through what moves or adds channels. Activations are
/// taken to be finite: 0 times anything is 0. Bodies are left out; types must be inferred.
KnownChannelTable find_known_channels(const Graph& graph, const Evaluator& evaluator);

/// Of each channel along an axis of a value; nothing where it is not known.
std::vector<std::optional<double>> known_numbers(const KnownChannelTable& table, const Value* value, int axis, std::int64_t channels);

}  // namespace mcompress
