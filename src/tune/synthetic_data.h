// Samples made up for a model that came without data: better than nothing, never as good as real ones.
#pragma once

#include <cstddef>
#include <memory>

#include "data/dataset.h"
#include "engine/engine.h"
#include "ir/graph.h"

namespace mcompress {

/// `count` pictures for the graph's one input of pictures: four dimensions, at most 4 channels. Each is the sum of smooth random fields of equal variance
/// at periods of 2, 4, 8 … pixels, which has the spectrum of natural pictures (power falls with the square of the frequency); four fifths of the
/// deviation are common to the channels, which gives colours about the correlation they have in photographs. Scale and offsets of the channels are
/// chosen so that the first layer sees what it was trained on (see input_scale.h): the trained means and variances of the first BatchNormalization, or, where
/// batch norm was folded into a Conv, a result that varies as much as its bias is large. uint8 inputs get mean 128 and deviation 50. Deterministic.
/// Unknown heights and widths become 224. Throws kUsage when the graph has no such input or needs others besides.
std::unique_ptr<Dataset> make_synthetic_data(const Engine& engine, const Graph& graph, std::size_t count, int threads);

}  // namespace mcompress
