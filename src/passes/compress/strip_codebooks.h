// strip-codebooks: writes weights that are held as codes of a codebook as the numbers they stand for.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `i = Cast <to = 6> (codes)  w = Gather (levels, i)  y = Conv (x, w)`
/// After:   `<w = float[…] {…}>  y = Conv (x, w)`
///
/// Formula: w[j] = levels[codes[j]], negative codes counting from the end. Scales behind the Gather are fold-constants' to multiply.
/// Does nothing when the codebook is not one vector of floats, when levels or codes are no constants, when codes have as many bits as levels, or when the value is a graph output.
std::unique_ptr<Pass> make_strip_codebooks();

}  // namespace mcompress
