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

struct ScanAttrs {
    /// Opset 8: every input but the first (the lengths of the sequences) and every output has a batch axis in front, then the scanned axis.
    enum class Form { Plain, Batched };
    Form form = Form::Plain;
    Graph* body = nullptr;
    std::int64_t num_scan_inputs = 0;
    std::vector<std::int64_t> input_axes, output_axes;              // empty: 0
    std::vector<std::int64_t> input_directions, output_directions;  // empty: 0 (forward / append)
    int first_state() const { return form == Form::Batched ? 1 : 0; }
    int state_count(const Node& node) const { return node.input_count() - first_state() - static_cast<int>(num_scan_inputs); }
    static ScanAttrs read(const Node& node);
};

/// The body that is this attribute and that the node gives `given` values. Of those that it lists, the ones with a value of their own may be left to that.
Graph* required_body(const Node& node, std::string_view name, std::int64_t given);

}  // namespace mcompress
