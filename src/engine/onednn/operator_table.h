// Which operators the oneDNN engine has more for than the plain kernels of the reference engine.
#pragma once

#include <string_view>
#include <vector>

namespace mcompress::onednn {

struct AcceleratedOperator {
    std::string_view type;
    std::string_view by;  // the primitive, "own loops" or "no work"
    std::string_view domain = "";
};

/// Where shapes, element types or attributes do not suit it, the node runs on the plain kernel; the plan's steps say so.
std::vector<AcceleratedOperator> accelerated_operators();

}  // namespace mcompress::onednn
