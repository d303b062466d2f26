// All fuzz targets. Each is a file of its name here.
#pragma once

#include "libfuzzer/target.h"

namespace mcompress::fuzzing {

extern const Target loader_target;
extern const Target external_data_target;
extern const Target npy_target;
extern const Target npz_target;
extern const Target image_target;
extern const Target recipe_target;
extern const Target calibration_target;
extern const Target passes_target;
extern const Target pipeline_target;

}  // namespace mcompress::fuzzing
