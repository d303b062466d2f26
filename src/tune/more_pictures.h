// Pictures made of pictures: more samples to fit to.
#pragma once

#include <memory>

#include "data/dataset.h"

namespace mcompress {

// Five samples, what is made of them, the next five …: each lies in the part that split_samples() puts its picture in. What does not fill five follows as it is. The data
// itself when its first sample is no picture: one tensor [N, 3, height, width] or [N, height, width, 3].

/// Twice as many: each picture with its columns in reverse order, too.
std::shared_ptr<const Dataset> with_mirror_images(const std::shared_ptr<const Dataset>& data);

/// Twice as many: three quarters of the height and width of each picture, too, enlarged bilinearly to the whole; the corner they lie in changes from picture to picture.
/// Only of float32 pictures of four rows and columns or more.
std::shared_ptr<const Dataset> with_enlarged_parts(const std::shared_ptr<const Dataset>& data);

/// Both: each picture, three quarters of it, and both mirrored.
std::shared_ptr<const Dataset> with_more_pictures(const std::shared_ptr<const Dataset>& data);

}  // namespace mcompress
