// What each layer's zeros would cost: its own error at several levels, and how much of it reaches the model's outputs.
#pragma once

#include <span>
#include <vector>

#include "prune/budget.h"
#include "prune/layer_fitting.h"
#include "prune/prune_layer.h"
#include "tune/trial.h"

namespace mcompress {

/// What both of these know of a layer, from rows of the dense graph.
LayerFitting dense_fitting(const Layer& layer, const SplitRows& dense, const LayerTask& task);

/// The layer's relative error on held-out rows at rising levels of sparsity, with the repair that will be made, measured on at most 32 outputs of each group as if these were all.
std::vector<ErrorPoint> layer_errors(const Layer& layer, const LayerFitting& whole, const SplitRows& dense, const LayerTask& task);

/// Noise at the model's outputs over the layer's own error, when this layer alone loses its least weights. `pruned` is the graph of `layer`; its weight is put
/// back. 1 where the layer's error cannot be told from 0.
double error_gain(const Layer& layer, const LayerFitting& fitting, const SplitRows& dense, const LayerTask& task, const Trial& trial,
                  Graph& pruned);

/// Writes weights into the pruned graph.
void set_weights(Graph& pruned, const Layer& layer, const LayerWeights& weights);

}  // namespace mcompress
