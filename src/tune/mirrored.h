// Pictures and their mirror images: twice as many samples to fit to.
#pragma once

#include <memory>

#include "data/dataset.h"

namespace mcompress {

/// Five samples, the same five with their columns in reverse order, the next five …: each image lies in the part that split_samples() puts its picture in. What does
/// not fill five follows as it is. The data itself when its first sample is no picture: one tensor [N, 3, height, width] or [N, height, width, 3].
std::shared_ptr<const Dataset> with_mirror_images(const std::shared_ptr<const Dataset>& data);

}  // namespace mcompress
