// Attention, RotaryEmbedding, TensorScatter.
#include "ops/transformer.h"

#include <limits>

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// [batch, heads, sequence, size] of Q, K or V, whatever its form; nothing when the rank is not known.
std::optional<Dims> head_dims(const InferContext& context, int index, const std::optional<std::int64_t>& heads) {
    const ValueType& input = context.input(index);
    if (!input.has_rank()) return std::nullopt;
    if (input.rank() == 4) return *input.dims;
    if (input.rank() != 3) context.reject(format("input {} has rank {}, expected 3 or 4", index, input.rank()));
    const Dims& dims = *input.dims;
    Dims result{dims[0], Dim(), dims[1], Dim()};
    if (!heads) context.reject("inputs of rank 3 need the numbers of heads");
    result[1] = *heads;
    if (dims[2].is_known()) {
        if (dims[2].extent() % *heads != 0) context.reject(format("{} numbers are not {} heads", dims[2].extent(), *heads));
        result[3] = dims[2].extent() / *heads;
    }
    return result;
}

// Keys or values with the past ones in front of them.
std::optional<Dims> with_past(const InferContext& context, std::optional<Dims> current, int past_index) {
    if (!current || !context.has_input(past_index)) return current;
    const Dims* past = dims_of_rank(context, past_index, 4);
    (*current)[2] = past ? add(context, (*past)[2], (*current)[2]) : Dim();
    return current;
}

void infer_attention(InferContext& context) {
    const AttentionAttrs attrs = AttentionAttrs::read(context.node());
    const DType q_type = merge_dtypes(context, 0, 1), v_type = context.input(2).dtype;
    const auto q = head_dims(context, 0, attrs.q_heads);
    const auto k = with_past(context, head_dims(context, 1, attrs.kv_heads), 4),
               v = with_past(context, head_dims(context, 2, attrs.kv_heads), 5);
    const DType types[] = {q_type, q_type, v_type, q_type};
    for (int output = 0; output < context.output_count() && output < 4; ++output) context.set_output(output, tensor_of(types[output]));
    if (q && k) (void)merge_dims(context, (*q)[3], (*k)[3]);
    if (q && context.input(0).rank() == 4)
        context.set_output(0, ValueType::tensor(q_type, {(*q)[0], (*q)[1], (*q)[2], v ? (*v)[3] : Dim()}));
    else if (q) context.set_output(0, ValueType::tensor(q_type, {(*q)[0], (*q)[2], v ? multiply(context, (*q)[1], (*v)[3]) : Dim()}));
    if (k && context.output_count() > 1) context.set_output(1, ValueType::tensor(q_type, *k));
    if (v && context.output_count() > 2) context.set_output(2, ValueType::tensor(v_type, *v));
    if (q && context.output_count() > 3) context.set_output(3, ValueType::tensor(q_type, {(*q)[0], (*q)[1], (*q)[2], k ? (*k)[2] : Dim()}));
}

// Both products: scores (head size a score) and outputs (keys a number).
std::int64_t attention_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const Dims &q = *inputs[0].dims, &k = *inputs[1].dims;
    if (q.size() < 3 || k.size() != q.size()) return 0;
    const std::int64_t past = inputs.size() > 4 && inputs[4].has_rank() && inputs[4].rank() == 4 ? (*inputs[4].dims)[2].extent() : 0;
    const std::int64_t keys = (q.size() == 4 ? k[2] : k[1]).extent() + past;
    // Numbers of Q are batch · heads · rows · head size, those of Y the same with the size of values.
    const std::int64_t scores = saturating_multiply(keys, element_count(inputs[0])),
                       sums = saturating_multiply(keys, element_count(outputs[0]));
    return scores > std::numeric_limits<std::int64_t>::max() - sums ? std::numeric_limits<std::int64_t>::max() : scores + sums;
}

void infer_rotary_embedding(InferContext& context) {
    (void)head_dims(context, 0, RotaryEmbeddingAttrs::read(context.node()).heads);
    infer_same(context);
}

void infer_tensor_scatter(InferContext& context) {
    const TensorScatterAttrs attrs = TensorScatterAttrs::read(context.node());
    const ValueType &cache = context.input(0), &update = context.input(1);
    if (cache.has_rank()) {
        if (checked_axis(context, attrs.axis, cache.rank()) == 0) context.reject("the batch axis cannot be the sequence");
        if (update.has_rank() && update.rank() != cache.rank()) context.reject("cache and update differ in rank");
    }
    (void)merge_dtypes(context, 0, 1);
    infer_same(context);
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Attention", 23, 3, 6, 1, 4, infer_attention, check_attrs<AttentionAttrs>, attention_macs},
    {"", "Attention", 24, 3, 7, 1, 4, infer_attention, check_attrs<AttentionAttrs>, attention_macs},
    {"", "RotaryEmbedding", 23, 3, 4, 1, 1, infer_rotary_embedding, check_attrs<RotaryEmbeddingAttrs>},
    {"", "TensorScatter", 24, 2, 3, 1, 1, infer_tensor_scatter, check_attrs<TensorScatterAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> transformer_rows() { return kRows; }

}  // namespace mcompress
