// A graph as text, for golden tests and people. Reads like ONNX's own text syntax.
#pragma once

#include <string>

#include "ir/model.h"

namespace mcompress {

struct PrintOptions {
    std::size_t max_elements = 16;  // of a constant; longer ones are shown by a hash
};

/// `name (inputs) => (outputs) <constants> { nodes }`, in listed order.
std::string print(const Graph& graph, const PrintOptions& options = {});

}  // namespace mcompress
