#include "ops/op_info.h"

#include <algorithm>
#include <tuple>

#include "ops/rows.h"

namespace mcompress {

namespace {

constexpr std::span<const OpInfo> (*kFamilies[])() = {
    conv_rows,
    matmul_rows,
    pool_rows,
    normalization_rows,
    unary_rows,
    activation_rows,
    binary_rows,
    reduce_rows,
    shape_rows,
    layout_rows,
    indexing_rows,
    resize_rows,
    quantization_rows,
    recurrent_rows,
    control_flow_rows,
    random_rows,
    vision_rows,
    training_rows,
    signal_rows,
    sequence_rows,
    text_rows,
    transformer_rows,
    private_rows,
    microsoft_rows,
    qonnx_rows,
    microsoft_attention_rows,
    microsoft_fused_rows,
    microsoft_quantized_rows,
};

using Key = std::tuple<std::string_view, std::string_view, int>;

Key key(const OpInfo& row) { return {row.domain, row.type, row.since_version}; }

std::vector<OpInfo> gather() {
    std::vector<OpInfo> rows;
    for (const auto family : kFamilies) {
        const auto part = family();
        rows.insert(rows.end(), part.begin(), part.end());
    }
    std::sort(rows.begin(), rows.end(), [](const OpInfo& a, const OpInfo& b) { return key(a) < key(b); });
    return rows;
}

}  // namespace

std::span<const OpInfo> all_ops() {
    static const std::vector<OpInfo> rows = gather();
    return rows;
}

const OpInfo* find_op(std::string_view domain, std::string_view type, int opset_version) {
    const auto rows = all_ops();
    const Key wanted{domain, type, opset_version};
    const auto after = std::upper_bound(rows.begin(), rows.end(), wanted, [](const Key& a, const OpInfo& b) { return a < key(b); });
    if (after == rows.begin()) return nullptr;
    const OpInfo& row = *std::prev(after);
    return row.domain == domain && row.type == type ? &row : nullptr;
}

const OpInfo* op_info(const Node& node) {
    // The private domain needs no import: its operators exist at version 1 only.
    const int version = node.domain() == "mcompress" ? 1 : node.opset_version();
    return find_op(node.domain(), node.op_type(), version);
}

}  // namespace mcompress
