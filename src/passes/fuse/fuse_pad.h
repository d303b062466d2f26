// fuse-pad: moves Pad into the pads of the Conv or pooling behind it.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `p = Pad <mode = "constant"> (x, [0, 0, 1, 1, 0, 0, 2, 2])  y = Conv <pads = [1, 1, 1, 1]> (p, W)`
/// After:   `y = Conv <pads = [2, 2, 3, 3]> (x, W)`
///
/// Zeros go into Conv, and into AveragePool, which then counts padding (count_include_pad = 1). Into MaxPool goes what cannot be a maximum: the
/// lowest number, or 0 where x cannot be negative. The Pad itself stays when others read it.
/// Does nothing when the padding is not constant of that value, not known, negative, not on spatial axes alone, or as wide as the kernel
/// (runtimes refuse such pads); when the node pads automatically (SAME), an AveragePool has pads of its own that it does not count, a pooling
/// rounds its size up or is dilated, or MaxPool's indices are used: they count in the padded tensor.
std::unique_ptr<Pass> make_fuse_pad();

}  // namespace mcompress
