#include "passes/compress/known_channels.h"

#include <algorithm>
#include <cstring>

#include "ops/matmul.h"
#include "ops/normalization.h"
#include "ops/op_info.h"
#include "passes/compress/known_channel_layout.h"
#include "passes/compress/product_entries.h"
#include "passes/constant_values.h"

namespace mcompress {

namespace {

/// A constant operand with more elements is no parameter of channels.
constexpr std::int64_t kLargestOperand = 1 << 20;

const KnownChannels* find(const KnownChannelTable& table, const Value* value) {
    const auto found = table.find(value);
    return found == table.end() ? nullptr : &found->second;
}

std::int64_t extent(const Value* value, int axis) {
    const ValueType& type = value->type();
    return type.has_rank() && axis >= 0 && axis < type.rank() ? (*type.dims)[static_cast<std::size_t>(axis)].extent() : -1;
}

// ---- products ----

/// What a product adds to each output before anything is multiplied; nothing when it is not known.
std::optional<std::vector<double>> offsets(const Node& node, std::int64_t outputs) {
    std::vector<double> result(static_cast<std::size_t>(outputs), 0.0);
    const Value* bias = node.is("MatMul") ? nullptr : node.input(2);
    if (!bias) return result;
    const Tensor* tensor = known_tensor(bias);
    const auto values = tensor ? doubles_of(*tensor) : std::nullopt;
    if (!values || (values->size() != result.size() && values->size() != 1)) return std::nullopt;
    const double beta = node.is("Gemm") ? static_cast<double>(attrs<GemmAttrs>(node).beta) : 1.0;
    for (std::size_t at = 0; at < result.size(); ++at) result[at] = beta * (*values)[values->size() == 1 ? 0 : at];
    return result;
}

std::optional<KnownChannels> known_of_product(const Node& node, const KnownChannelTable& table, const Evaluator& evaluator) {
    const auto axes = product_axes(node);
    const auto weight = axes ? product_weight(node, evaluator) : std::nullopt;
    const std::int64_t outputs = axes ? extent(node.output(0), axes->output) : -1;
    if (!weight || outputs < 1 || weight->dtype() != DType::Float32) return std::nullopt;
    auto sums = offsets(node, outputs);
    if (!sums) return std::nullopt;
    KnownChannels known{axes->output, std::vector<bool>(static_cast<std::size_t>(outputs), true), {}};
    const bool has_border = border_effect(node) == BorderEffect::Differs;
    const auto numbers = known_numbers(table, node.input(0), axes->input, extent(node.input(0), axes->input));
    const double alpha = node.is("Gemm") ? static_cast<double>(attrs<GemmAttrs>(node).alpha) : 1.0;
    for_each_entry(node, *weight, [&](const ProductEntry& entry) {
        const auto output = static_cast<std::size_t>(entry.output);
        if (entry.is_zero || !known.is_known[output]) return;
        const auto at = static_cast<std::size_t>(entry.input);
        const std::optional<double> number = at < numbers.size() ? numbers[at] : std::nullopt;
        if (!number || (has_border && *number != 0.0)) known.is_known[output] = false;
        else (*sums)[output] += alpha * *number * entry.sum;
    });
    known.numbers = tensor_of_doubles(DType::Float32, Shape{outputs}, *sums);
    return known;
}

/// Heads of zeros on either side of a product of activations.
std::optional<KnownChannels> known_of_batch(const Node& node, const KnownChannelTable& table) {
    const int rank = node.output(0)->type().has_rank() ? node.output(0)->type().rank() : 0;
    for (int input = 0; input < 2; ++input) {
        const KnownChannels* operand = find(table, node.input(input));
        if (!operand || node.input(input)->type().rank() != rank || operand->axis >= rank - 2) continue;
        if (extent(node.output(0), operand->axis) != static_cast<std::int64_t>(operand->is_known.size())) continue;
        const auto numbers = doubles_of(operand->numbers);
        if (!numbers) continue;
        KnownChannels known = *operand;
        for (std::size_t at = 0; at < numbers->size(); ++at) known.is_known[at] = known.is_known[at] && (*numbers)[at] == 0.0;
        return known;
    }
    return std::nullopt;
}

// ---- element by element ----

/// The numbers along `axis` of a tensor of `rank` axes, the others of extent 1.
Tensor spread(const Tensor& numbers, int axis, int rank) {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
    dims[static_cast<std::size_t>(axis)] = numbers.element_count();
    return numbers.reshaped(Shape(dims));
}

/// Whether all elements of each channel are the same bytes; `channel` has one of each.
bool gather_channels(const Tensor& result, int axis, KnownChannels& known) {
    const Shape& shape = result.shape();
    const auto width = static_cast<std::size_t>(dtype_bits(result.dtype())) / 8;
    const auto inner = static_cast<std::size_t>(shape.product(axis + 1, shape.rank())), count = known.is_known.size();
    if (width == 0 || shape[axis] != static_cast<std::int64_t>(count) || inner == 0) return false;
    known.numbers = Tensor(result.dtype(), Shape{shape[axis]});
    std::byte* numbers = known.numbers.mutable_bytes();
    const auto rows = static_cast<std::size_t>(result.element_count()) / inner;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t at = 0; at < inner; ++at) {
            const std::size_t channel = row % count;
            const std::byte* element = result.bytes() + (row * inner + at) * width;
            if (row < count && at == 0) std::memcpy(numbers + channel * width, element, width);
            else if (std::memcmp(numbers + channel * width, element, width) != 0) known.is_known[channel] = false;
        }
    return true;
}

/// The axis of the result that a channel axis of an operand is, by NumPy's broadcasting.
int result_axis(const Node& node, const Value* operand, int axis) { return axis + node.output(0)->type().rank() - operand->type().rank(); }

/// Operands as tensors of one element a channel; `known` loses channels that an operand does not know.
std::optional<std::vector<Tensor>> operands_of(const Node& node, const KnownChannelTable& table, int axis, KnownChannels& known) {
    std::vector<Tensor> operands;
    for (const Value* input : node.inputs()) {
        const Tensor* constant = known_tensor(input);
        const KnownChannels* channels = input && !constant ? find(table, input) : nullptr;
        if (constant && constant->element_count() > kLargestOperand) return std::nullopt;
        if (input && !constant && (!channels || result_axis(node, input, channels->axis) != axis)) return std::nullopt;
        if (!channels) {
            operands.push_back(constant ? *constant : Tensor());
            continue;
        }
        if (channels->is_known.size() != known.is_known.size()) return std::nullopt;
        for (std::size_t at = 0; at < known.is_known.size(); ++at) known.is_known[at] = known.is_known[at] && channels->is_known[at];
        operands.push_back(spread(channels->numbers, channels->axis, input->type().rank()));
    }
    return operands;
}

/// 0 times anything.
std::optional<KnownChannels> zeros_of_mul(const Node& node, const KnownChannelTable& table) {
    for (const Value* input : node.inputs()) {
        const KnownChannels* operand = find(table, input);
        if (!operand) continue;
        const int axis = result_axis(node, input, operand->axis);
        const auto numbers = doubles_of(operand->numbers);
        if (!numbers || extent(node.output(0), axis) != static_cast<std::int64_t>(numbers->size())) continue;
        KnownChannels known{axis, operand->is_known, operand->numbers};
        for (std::size_t at = 0; at < numbers->size(); ++at) known.is_known[at] = known.is_known[at] && (*numbers)[at] == 0.0;
        return known;
    }
    return std::nullopt;
}

std::optional<KnownChannels> known_of_elements(const Node& node, const KnownChannelTable& table, const Evaluator& evaluator) {
    const Value* first = nullptr;
    for (const Value* input : node.inputs())
        if (!first && find(table, input)) first = input;
    if (!first || node.output_count() == 0 || !node.output(0)->type().has_rank() || !evaluator) return std::nullopt;
    const KnownChannels& channels = *find(table, first);
    const int axis = result_axis(node, first, channels.axis);
    if (axis < 0 || extent(node.output(0), axis) != static_cast<std::int64_t>(channels.is_known.size())) return std::nullopt;
    KnownChannels known{axis, std::vector<bool>(channels.is_known.size(), true), {}};
    const auto operands = operands_of(node, table, axis, known);
    const auto results = operands ? evaluator(node, *operands) : std::nullopt;
    if (results && (*results)[0].shape().rank() == node.output(0)->type().rank() && gather_channels((*results)[0], axis, known))
        return known;
    return node.is("Mul") ? zeros_of_mul(node, table) : std::nullopt;
}

bool computes_by_channel(const Node& node) {
    if (node.is("BatchNormalization")) return attrs<BatchNormAttrs>(node).mode == BatchNormAttrs::Mode::Inference;
    if (node.is("QuantizeLinear") || node.is("DequantizeLinear")) return true;
    const OpInfo* info = op_info(node);
    return info && info->data_flow == DataFlow::Elementwise;
}

}  // namespace

KnownChannelTable find_known_channels(const Graph& graph, const Evaluator& evaluator) {
    KnownChannelTable table;
    for (const Node* node : graph.order()) {
        if (node->output_count() == 0 || !node->output(0) || known_tensor(node->output(0))) continue;
        std::optional<KnownChannels> known;
        if (product_axes(*node)) known = known_of_product(*node, table, evaluator);
        if (!known && node->is("MatMul")) known = known_of_batch(*node, table);
        else if (!known && computes_by_channel(*node)) known = known_of_elements(*node, table, evaluator);
        if (known) {
            const bool is_any = std::find(known->is_known.begin(), known->is_known.end(), true) != known->is_known.end();
            if (is_any) table.emplace(node->output(0), std::move(*known));
        } else {
            move_known_channels(*node, table);
        }
    }
    return table;
}

std::vector<std::optional<double>> known_numbers(const KnownChannelTable& table, const Value* value, int axis, std::int64_t channels) {
    std::vector<std::optional<double>> result(static_cast<std::size_t>(std::max<std::int64_t>(0, channels)));
    const KnownChannels* known = find(table, value);
    const auto numbers = known && known->axis == axis ? doubles_of(known->numbers) : std::nullopt;
    if (!numbers || numbers->size() != result.size()) return result;
    for (std::size_t at = 0; at < result.size(); ++at)
        if (known->is_known[at]) result[at] = (*numbers)[at];
    return result;
}

}  // namespace mcompress
