// How the tensors of a node with bodies and those of its bodies belong together.
#pragma once

#include <utility>
#include <vector>

#include "ir/node.h"

namespace mcompress {

struct BodyLinks {
    Graph* body = nullptr;
    std::vector<std::pair<int, int>> inputs;   // of the node, of the body
    std::vector<std::pair<int, int>> outputs;  // of the body, of the node
};

/// One entry a body of If, Loop and Scan; none for other operators. Trip counts and conditions, which are no floats, are left out.
std::vector<BodyLinks> body_links(const Node& node);

}  // namespace mcompress
