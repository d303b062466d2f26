// Identity of a graph by content: operators, attributes, wiring, names, types of the interface, constants.
#pragma once

#include <string>

#include "ir/model.h"

namespace mcompress {

/// 32 hexadecimal digits; equal for two models exactly when all that mcompress carries of them is equal.
std::string fingerprint(const Model& model);
std::string fingerprint(const Graph& graph);

}  // namespace mcompress
