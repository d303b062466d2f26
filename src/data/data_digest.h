// What a set of samples holds, as one digest.
#pragma once

#include <string>

#include "data/dataset.h"

namespace mcompress {

/// SHA-256 in hexadecimal digits over names, types, shapes and numbers of all samples as they are made (pictures preprocessed). Neither the order of the samples
/// nor the files they came from matter. Makes each once.
std::string data_digest(const Dataset& data, int threads);

}  // namespace mcompress
