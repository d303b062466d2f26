// LSTM, GRU, RNN.
#include "ops/recurrent.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

int gates(const Node& node) { return node.op_type() == "LSTM" ? 4 : node.op_type() == "GRU" ? 3 : 1; }

void infer_recurrent(InferContext& context) {
    const RecurrentAttrs attrs = RecurrentAttrs::read(context.node());
    const bool is_batch_first = attrs.layout == RecurrentAttrs::Layout::BatchFirst;
    const Dims* input = dims_of_rank(context, 0, 3);
    const Dims* recurrence = dims_of_rank(context, 2, 3);  // [directions, gates hidden, hidden]
    const Dims* weights = dims_of_rank(context, 1, 3);
    const Dim directions = attrs.directions();
    Dim hidden = attrs.hidden_size > 0 ? Dim(attrs.hidden_size) : Dim();
    if (recurrence) hidden = merge_dims(context, hidden, (*recurrence)[2]);
    if (recurrence) (void)merge_dims(context, (*recurrence)[1], multiply(context, hidden, gates(context.node())));
    if (weights) (void)merge_dims(context, (*weights)[1], multiply(context, hidden, gates(context.node())));
    if (weights) (void)merge_dims(context, (*weights)[0], directions);
    if (weights && input) (void)merge_dims(context, (*weights)[2], (*input)[2]);
    const Dim steps = input ? (*input)[is_batch_first ? 1 : 0] : Dim();
    const Dim batch = input ? (*input)[is_batch_first ? 0 : 1] : Dim();
    const DType dtype = context.input(0).dtype;
    const Dims sequence = is_batch_first ? Dims{batch, steps, directions, hidden} : Dims{steps, directions, batch, hidden};
    const Dims state = is_batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
    context.set_output(0, ValueType::tensor(dtype, sequence));
    for (int output = 1; output < context.output_count(); ++output) context.set_output(output, ValueType::tensor(dtype, state));
}

// Each step multiplies the input by W and the state by R.
std::int64_t recurrent_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType>) {
    std::int64_t per_step = 0;
    if (inputs[0].dims->size() != 3) return 0;
    if (__builtin_add_overflow(element_count(inputs[1]), element_count(inputs[2]), &per_step)) return INT64_MAX;
    return saturating_multiply(per_step, saturating_multiply((*inputs[0].dims)[0].extent(), (*inputs[0].dims)[1].extent()));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "GRU", 1, 3, 6, 2, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "GRU", 3, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "GRU", 7, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "GRU", 14, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "GRU", 22, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "LSTM", 1, 3, 8, 0, 3, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "LSTM", 7, 3, 8, 0, 3, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "LSTM", 14, 3, 8, 0, 3, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "LSTM", 22, 3, 8, 0, 3, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "RNN", 1, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "RNN", 7, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "RNN", 14, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
    {"", "RNN", 22, 3, 6, 0, 2, infer_recurrent, check_attrs<RecurrentAttrs>, recurrent_macs},
};
// clang-format on

}  // namespace

std::span<const OpInfo> recurrent_rows() { return kRows; }

}  // namespace mcompress
