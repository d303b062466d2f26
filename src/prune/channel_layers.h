// The layers of a float graph that read units, and what the units are worth to them.
#pragma once

#include <vector>

#include "passes/compress/channel_units.h"
#include "prune/mask.h"
#include "tune/layer_samples.h"

namespace mcompress {

/// By column of a layer's matrix [groups · outputs, inputs] the unit that it reads; -1: one that stays.
std::vector<int> column_units(const Layer& layer, const ChannelUnits& units);

/// 0 in the columns of removed units.
Mask column_mask(const Layer& layer, const std::vector<int>& columns, const std::vector<bool>& removed);

/// By unit the mean over the constants that hold it of its squares, each relative to the constant's mean: what magnitude says.
std::vector<double> magnitude_scores(const ChannelUnits& units);

/// A number of its own for every unit that says nothing: a control.
std::vector<double> random_scores(const ChannelUnits& units);

/// Adds to the score of every unit that the layer reads the least error, relative to the power of the layer's result, that taking its columns S out leaves when all
/// other columns make up for them: tr(W_S ((A + d I)^-1)_SS^-1 W_S^T) with A the moments of the input (the block form of optimal brain surgeon). Layers of more
/// columns than kWidest, and grouped ones, take sum of w^2 A_ii instead.
void add_reconstruction_scores(const Layer& layer, const std::vector<int>& columns, const LayerRows& rows, std::vector<double>& scores,
                               std::vector<bool>& is_scored);

}  // namespace mcompress
