// What ONNX allows and hardly anybody means: repeated names, nodes out of order, parts without effect.
#pragma once

#include <vector>

#include "ir/finding.h"
#include "ir/model.h"

namespace mcompress {

/// Warnings only; the model need not be sound.
std::vector<Finding> find_oddities(const Model& model);

}  // namespace mcompress
