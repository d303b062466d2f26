// Attributes of If, Loop and Scan.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct IfAttrs {
    Graph* then_branch = nullptr;  // never null after read()
    Graph* else_branch = nullptr;
    static IfAttrs read(const Node& node);
};

/// Body: (iteration, condition, carried …) → (condition, carried …, scanned …).
struct LoopAttrs {
    Graph* body = nullptr;
    static LoopAttrs read(const Node& node);
};

/// From opset 9 (opset 8 has a batch axis and is not typed here).
struct ScanAttrs {
    Graph* body = nullptr;
    std::int64_t num_scan_inputs = 0;
    std::vector<std::int64_t> input_axes, output_axes;              // empty: 0
    std::vector<std::int64_t> input_directions, output_directions;  // empty: 0 (forward / append)
    static ScanAttrs read(const Node& node);
};

}  // namespace mcompress
