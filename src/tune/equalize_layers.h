// Stage equalize: gives the channels of each tensor ranges that fit one set of quantization parameters.
#pragma once

#include "engine/engine.h"
#include "tune/tune.h"

namespace mcompress {

/// Rescales channels of a prepared float graph where less quantization noise is expected (channel_noise.h), unless a quantized copy is measurably worse for it
/// on samples that the factors were not chosen by. What the graph computes does not change; changed values have new names. Values that the scheme gives
/// ranges to stay as they are.
void equalize_layers(Graph& graph, const Engine& engine, Tuning& tuning);

}  // namespace mcompress
