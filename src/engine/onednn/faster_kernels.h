// Where another of oneDNN's implementations was measured to be faster than the one it takes first, by version.
#pragma once

#include <optional>
#include <string_view>

#include "engine/onednn/primitives.h"

namespace mcompress::onednn {

/// The implementation to prefer to `first` (a name as oneDNN gives it), as the beginning of its name; nothing: the first. It need not take the
/// post-operations of `spec`.
std::optional<std::string_view> faster_kernel(const ConvolutionSpec& spec, std::string_view first);

}  // namespace mcompress::onednn
