// fuse-pad: moves a Pad into the padding of the Conv, AveragePool or MaxPool behind it.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `p = Pad <mode = "constant"> (x, pads)  y = Conv <pads = […]> (p, W)`
/// After:   `y = Conv <pads = […] + pads> (x, W)`
///
/// The fill must be what the reader pads with: 0 for Conv and AveragePool (which then counts its padding), the lowest value for MaxPool. The Pad
/// goes when nobody else reads it.
///
/// Does nothing when amounts or fill are not known, when batch or channels are padded, when an amount is negative (a crop), when the reader
/// chooses its padding itself (SAME), when a pool rounds up or leaves its own padding out of the mean, or would pad as far as its kernel reaches.
std::unique_ptr<Pass> make_fuse_pad();

}  // namespace mcompress
