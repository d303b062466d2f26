// Weights and biases of a quantized graph, layer by layer in the order of the data, each fitted to what the layers before it really give.
#pragma once

#include "ir/graph.h"
#include "tune/tune.h"

namespace mcompress {

/// For a graph on which "quantize-codes" ran and the float graph that it was made of. Does nothing with effort fast. Keeps the whole only where it lowers the
/// error of the outputs on held-out samples.
void fit_layers(const Graph& reference, Graph& quantized, Tuning& tuning);

}  // namespace mcompress
