#include "ops/arity.h"

#include <optional>

#include "support/format.h"

namespace mcompress {

namespace {

// Operators with optional inputs in front of required ones.
struct OptionalInputs {
    std::string_view domain, type;
    unsigned positions;  // bit i: input i may be absent
};

constexpr OptionalInputs kOptional[] = {
    {"com.microsoft", "DynamicQuantizeLSTM", 0b11111000},
    {"com.microsoft", "EmbedLayerNormalization", 0b10010},
    {"com.microsoft", "GroupQueryAttention", 0b11110},
    {"com.microsoft", "QLinearAdd", 0b100100},
    {"com.microsoft", "QLinearAveragePool", 0b100},
    {"com.microsoft", "QLinearLeakyRelu", 0b100},
    {"com.microsoft", "QLinearMul", 0b100100},
    {"com.microsoft", "QLinearReduceMean", 0b100},
    {"com.microsoft", "QLinearSigmoid", 0b100},
    {"com.microsoft", "QLinearSoftmax", 0b100},
};

unsigned optional_inputs(const OpInfo& row) {
    for (const OptionalInputs& each : kOptional)
        if (each.domain == row.domain && each.type == row.type) return each.positions;
    return 0;
}

/// How many of its first inputs an operator that gives the others to its body may leave out: the trip count and the condition, the lengths of the sequences.
std::optional<int> inputs_beside_the_body(const OpInfo& row) {
    if (!row.domain.empty()) return std::nullopt;
    if (row.type == "Loop") return 2;
    if (row.type == "Scan") return row.since_version == 8 ? 1 : 0;
    if (row.type == "SequenceMap") return 0;
    return std::nullopt;
}

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
    for (int index = 0; index < row.min_outputs && row.max_outputs != kVariadic; ++index)
        if (!node.output(index)) return format("lacks its required output {}", index);
    if (const auto optional = inputs_beside_the_body(row)) {
        for (int index = *optional; index < node.input_count(); ++index)
            if (!node.input(index)) return format("lacks input {}, which its body is given", index);
        return {};
    }
    for (int index = 0; index < row.min_inputs; ++index)
        if (!node.input(index) && (index >= 32 || (optional_inputs(row) >> index & 1U) == 0))
            return format("lacks its required input {}", index);
    return {};
}

}  // namespace mcompress
