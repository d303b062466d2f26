// Where oneDNN's primitives are wrong, by version. tests/engine has random networks and convolutions that find such places.
#pragma once

#include "engine/onednn/primitives.h"

namespace mcompress::onednn {

#if DNNL_VERSION_MAJOR >= 3
/// v3.7 resamples channels that lie last or in blocks wrongly where they are no whole blocks, and single points.
inline constexpr bool kResamplesRowMajor = true;
#else
inline constexpr bool kResamplesRowMajor = false;
#endif

bool has_known_fault(const ConvolutionSpec& spec, const Primitive& made);

}  // namespace mcompress::onednn
