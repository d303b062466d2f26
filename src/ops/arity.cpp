#include "ops/arity.h"

#include "support/format.h"

namespace mcompress {

namespace {

std::string range_text(int least, int most) {
    if (least == most) return std::to_string(least);
    if (most == kVariadic) return format("at least {}", least);
    return format("{} to {}", least, most);
}

}  // namespace

std::string arity_problem(const Node& node, const OpInfo& row) {
    if (node.input_count() < row.min_inputs || node.input_count() > row.max_inputs)
        return format("has {} inputs, expected {}", node.input_count(), range_text(row.min_inputs, row.max_inputs));
    if (node.output_count() < row.min_outputs || node.output_count() > row.max_outputs)
        return format("has {} outputs, expected {}", node.output_count(), range_text(row.min_outputs, row.max_outputs));
    // Scan's first form may leave out the sequence lengths in front of its other inputs.
    if (row.type == "Scan" && row.since_version == 8) return {};
    for (int index = 0; index < row.min_inputs; ++index)
        if (!node.input(index)) return format("lacks its required input {}", index);
    return {};
}

}  // namespace mcompress
