// com.microsoft: attention in its several forms, and rotary embeddings.
#include <algorithm>

#include "ops/infer_rules.h"
#include "ops/microsoft.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// The extent divided, when it is known; rejects a remainder.
Dim divide(const InferContext& context, const Dim& extent, std::int64_t by, std::string_view what) {
    if (!extent.is_known()) return {};
    if (extent.extent() % by != 0) context.reject(format("{} {} cannot be divided by {}", what, extent.extent(), by));
    return extent.extent() / by;
}

// input, weights, bias …; past and present are [2, batch, heads, steps, head size].
void infer_projected_attention(InferContext& context, int past_index) {
    const MicrosoftAttentionAttrs attrs = MicrosoftAttentionAttrs::read(context.node());
    const Dims* input = dims_of_rank(context, 0, 3);
    const Dims* weights = dims_of_rank(context, 1, 2);
    const Dims* past = dims_of_rank(context, past_index, 5);
    if (input && weights) (void)merge_dims(context, (*input)[2], (*weights)[0]);
    Dim hidden;
    if (!attrs.hidden_sizes.empty()) hidden = attrs.hidden_sizes[2];
    else if (weights) hidden = divide(context, (*weights)[1], 3, "the width of the weights");
    const Dim batch = input ? (*input)[0] : Dim(), steps = input ? (*input)[1] : Dim();
    const DType dtype = context.input(2).dtype != DType::Undefined ? context.input(2).dtype : context.input(0).dtype;
    context.set_output(0, ValueType::tensor(dtype, Dims{batch, steps, hidden}));
    const Dim total = past ? add(context, (*past)[3], steps) : context.has_input(past_index) ? Dim() : steps;
    context.set_output(
        1, ValueType::tensor(dtype, Dims{2, batch, attrs.heads, total, divide(context, hidden, attrs.heads, "the hidden size")}));
}

void infer_attention(InferContext& context) { infer_projected_attention(context, 4); }
void infer_quantized_attention(InferContext& context) { infer_projected_attention(context, 8); }

// What MultiHeadAttention's key and value say: [batch, steps, hidden], [batch, heads, steps, size], or packed with the query.
struct HeadSizes {
    Dim steps, size;
};

HeadSizes head_sizes(const InferContext& context, int index, const MicrosoftAttentionAttrs& attrs) {
    const ValueType& query = context.input(0);
    if (query.has_rank() && query.rank() == 5) return {(*query.dims)[1], (*query.dims)[4]};
    const ValueType& key = context.input(1);
    if (key.has_rank() && key.rank() == 5) return {(*key.dims)[1], (*key.dims)[4]};
    const ValueType& type = context.input(index);
    if (!type.has_rank()) return {};
    if (type.rank() == 4) return {(*type.dims)[2], (*type.dims)[3]};
    if (type.rank() != 3) context.reject(format("input {} has rank {}, expected 3 to 5", index, type.rank()));
    return {(*type.dims)[1], divide(context, (*type.dims)[2], attrs.heads, "the hidden size")};
}

void infer_multi_head_attention(InferContext& context) {
    const MicrosoftAttentionAttrs attrs = MicrosoftAttentionAttrs::read(context.node());
    const ValueType& query = context.input(0);
    if (query.has_rank() && query.rank() != 3 && query.rank() != 5) context.reject(format("the query has rank {}", query.rank()));
    const Dim batch = query.has_rank() ? (*query.dims)[0] : Dim(), steps = query.has_rank() ? (*query.dims)[1] : Dim();
    const HeadSizes key = head_sizes(context, 1, attrs), value = head_sizes(context, 2, attrs);
    const Dims* past = dims_of_rank(context, 6, 4);
    const Dim total = past ? add(context, (*past)[2], key.steps) : context.has_input(6) ? Dim() : key.steps;
    context.set_output(0, ValueType::tensor(query.dtype, Dims{batch, steps, multiply(context, value.size, attrs.heads)}));
    context.set_output(1, ValueType::tensor(query.dtype, Dims{batch, attrs.heads, total, key.size}));
    context.set_output(2, ValueType::tensor(query.dtype, Dims{batch, attrs.heads, total, value.size}));
    context.set_output(3, ValueType::tensor(query.dtype, Dims{batch, attrs.heads, steps, total}));
}

// query (packed with key and value when those are absent), key, value, past key and value, lengths, total length, caches …
void infer_group_query_attention(InferContext& context) {
    const MicrosoftAttentionAttrs attrs = MicrosoftAttentionAttrs::read(context.node());
    const Dims* query = dims_of_rank(context, 0, 3);
    const Dims* past = dims_of_rank(context, 3, 4);
    const DType dtype = context.input(0).dtype;
    const bool is_packed = !context.has_input(1);
    Dim size;
    if (query) size = divide(context, (*query)[2], is_packed ? attrs.heads + 2 * attrs.kv_heads : attrs.heads, "the hidden size");
    const Dim batch = query ? (*query)[0] : Dim(), steps = query ? (*query)[1] : Dim();
    const auto longest = context.constant_integers(6);
    Dim total;
    const bool knows_past = !context.has_input(3) || (past && (*past)[2].is_known());
    if (longest && longest->size() == 1 && knows_past) total = std::max<std::int64_t>({0, (*longest)[0], past ? (*past)[2].extent() : 0});
    context.set_output(0, ValueType::tensor(dtype, Dims{batch, steps, multiply(context, size, attrs.heads)}));
    for (const int output : {1, 2}) context.set_output(output, ValueType::tensor(dtype, Dims{batch, attrs.kv_heads, total, size}));
    context.set_output(3, ValueType::tensor(dtype, Dims{batch, attrs.heads, steps, Dim()}));
}

void infer_rotary_embedding(InferContext& context) {
    const ValueType& input = context.input(0);
    if (input.has_rank() && input.rank() != 3 && input.rank() != 4) context.reject(format("the input has rank {}", input.rank()));
    infer_same(context);
}

std::int64_t extent_of(const ValueType& type, std::size_t axis) { return axis < type.dims->size() ? (*type.dims)[axis].extent() : 0; }

// Scores and weighted values: every query element meets every key.
std::int64_t score_macs(std::int64_t query_elements, std::int64_t output_elements, std::int64_t keys) {
    return saturating_add(saturating_multiply(query_elements, keys), saturating_multiply(output_elements, keys));
}

std::int64_t projected_macs(std::span<const ValueType> inputs, std::span<const ValueType> outputs, std::size_t past_index) {
    const std::int64_t steps = extent_of(inputs[0], 1);
    const bool has_past = inputs.size() > past_index && inputs[past_index].has_rank();
    const std::int64_t keys = saturating_add(steps, has_past ? std::max<std::int64_t>(0, extent_of(inputs[past_index], 3)) : 0);
    const std::int64_t elements = element_count(outputs[0]);
    return saturating_add(saturating_multiply(element_count(inputs[0]), extent_of(inputs[1], 1)), score_macs(elements, elements, keys));
}
std::int64_t attention_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return projected_macs(inputs, outputs, 4);
}
std::int64_t quantized_attention_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return projected_macs(inputs, outputs, 8);
}
std::int64_t multi_head_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const ValueType& key = inputs.size() > 1 && inputs[1].has_rank() ? inputs[1] : inputs[0];
    const bool has_past = inputs.size() > 6 && inputs[6].has_rank();
    const std::int64_t own = extent_of(key, key.dims->size() == 4 ? 2 : 1);
    const std::int64_t keys = saturating_add(own, has_past ? std::max<std::int64_t>(0, extent_of(inputs[6], 2)) : 0);
    const std::int64_t elements = element_count(outputs[0]);
    return score_macs(elements, elements, keys);
}
std::int64_t group_query_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const bool has_present = outputs.size() > 1 && outputs[1].has_rank();
    const std::int64_t elements = element_count(outputs[0]);
    return score_macs(elements, elements, has_present ? extent_of(outputs[1], 2) : extent_of(inputs[0], 1));
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr OpInfo kRows[] = {
    {kDomain, "Attention", 1, 2, 7, 1, 2, infer_attention, check_attrs<MicrosoftAttentionAttrs>, attention_macs},
    {kDomain, "GroupQueryAttention", 1, 7, 16, 1, 4, infer_group_query_attention, check_attrs<MicrosoftAttentionAttrs>, group_query_macs},
    {kDomain, "MultiHeadAttention", 1, 1, 10, 1, 4, infer_multi_head_attention, check_attrs<MicrosoftAttentionAttrs>, multi_head_macs},
    {kDomain, "QAttention", 1, 5, 9, 1, 2, infer_quantized_attention, check_attrs<MicrosoftAttentionAttrs>, quantized_attention_macs},
    {kDomain, "RotaryEmbedding", 1, 4, 4, 1, 1, infer_rotary_embedding, check_attrs<MicrosoftRotaryAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> microsoft_attention_rows() { return kRows; }

}  // namespace mcompress
