// LSTM and GRU over whole sequences.
#include <algorithm>
#include <array>

#include "engine/onednn/operators.h"
#include "ops/recurrent.h"
#include "support/plain_text.h"

namespace mcompress::onednn {

namespace {

constexpr auto kFloat = dnnl::memory::data_type::f32;

/// What oneDNN's formulas fix.
struct CellRow {
    std::string_view op;
    int gates;
    std::array<int, 4> order;  // of oneDNN's gates in ONNX's: i, o, f, c becomes i, f, c, o
    std::array<std::string_view, 3> activations;
};
constexpr CellRow kCells[] = {{"LSTM", 4, {0, 2, 3, 1}, {"sigmoid", "tanh", "tanh"}}, {"GRU", 3, {0, 1, 2, 0}, {"sigmoid", "tanh", ""}}};

struct Sizes {
    std::int64_t steps, batch, inputs, hidden, directions, gates;
    Shape states() const { return Shape{1, directions, batch, hidden}; }
};

bool has_activations(const CellRow& cell, const RecurrentAttrs& a) {
    const std::size_t each = a.activations.size() / static_cast<std::size_t>(a.directions());
    for (std::size_t at = 0; at < a.activations.size(); ++at) {
        if (to_lower(a.activations[at]) != cell.activations[at % each]) return false;
    }
    return true;
}

/// Every sequence has all steps.
bool is_whole(const PlanBuilder& builder, const Value* lengths, std::int64_t steps) {
    if (!lengths) return true;
    const Tensor* known = builder.known(lengths);
    if (!known || known->dtype() != DType::Int32) return false;
    const auto values = known->values<std::int32_t>();
    return std::all_of(values.begin(), values.end(), [&](std::int32_t length) { return length == steps; });
}

/// [directions, gates * hidden, inner] -> [1, directions, inner, gates, hidden] with oneDNN's gates.
Tensor turned(const Tensor& weights, const CellRow& cell, const Sizes& s, std::int64_t inner) {
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{1, s.directions, inner, s.gates, s.hidden});
    const float* from = weights.data<float>();
    float* to = result.mutable_data<float>();
    for (std::int64_t d = 0; d < s.directions; ++d)
        for (std::int64_t i = 0; i < inner; ++i)
            for (std::int64_t g = 0; g < s.gates; ++g) {
                const std::int64_t first = (d * s.gates + cell.order[static_cast<std::size_t>(g)]) * s.hidden;
                for (std::int64_t h = 0; h < s.hidden; ++h) *to++ = from[(first + h) * inner + i];
            }
    return result;
}

/// ONNX has biases of the input's and of the state's product side by side. They count as one, but for the last gate of a GRU that resets behind its product.
Tensor joined_bias(const Tensor* bias, const CellRow& cell, const Sizes& s, bool is_apart) {
    const std::int64_t rows = s.gates + (is_apart ? 1 : 0);
    Tensor result(DType::Float32, Shape{1, s.directions, rows, s.hidden});
    if (!bias) return result;
    float* to = result.mutable_data<float>();
    for (std::int64_t d = 0; d < s.directions; ++d)
        for (std::int64_t g = 0; g < rows; ++g) {
            const std::int64_t gate = std::min(g, s.gates - 1);
            const float* input = bias->data<float>() + (d * 2 * s.gates + cell.order[static_cast<std::size_t>(gate)]) * s.hidden;
            const float* state = input + s.gates * s.hidden;
            const bool takes_input = g < s.gates, takes_state = !is_apart || g != s.gates - 1;
            for (std::int64_t h = 0; h < s.hidden; ++h) *to++ = (takes_input ? input[h] : 0.0F) + (takes_state ? state[h] : 0.0F);
        }
    return result;
}

class Builder {
public:
    Builder(PlanBuilder& builder, const Node& node, const CellRow& cell)
        : builder_(builder), node_(node), cell_(cell), attrs_(attrs<RecurrentAttrs>(node)) {}

    Built build() {
        if (!is_possible()) return Built::No;
        const Shape x = builder_.shape(node_.input(0));
        sizes_ = {x[0], x[1], x[2], builder_.known(node_.input(2))->shape()[2], attrs_.directions(), cell_.gates};
        if (!is_whole(builder_, node_.input(4), sizes_.steps)) return Built::No;
        const bool resets_behind = !is_lstm() && attrs_.linear_before_reset;
        const auto any_weights = [&](std::int64_t inner) {
            return any_desc(Shape{1, sizes_.directions, inner, sizes_.gates, sizes_.hidden}, kFloat);
        };
        const Tensor bias = joined_bias(node_.input(3) ? builder_.known(node_.input(3)) : nullptr, cell_, sizes_, resets_behind);
        RecurrentSpec spec;
        spec.cell = is_lstm() ? RecurrentCell::Lstm : resets_behind ? RecurrentCell::LinearBeforeResetGru : RecurrentCell::Gru;
        spec.direction = static_cast<RecurrentDirection>(attrs_.direction);
        spec.source = plain_desc(x, kFloat);
        spec.weights = any_weights(sizes_.inputs);
        spec.recurrent_weights = any_weights(sizes_.hidden);
        spec.bias = plain_desc(bias.shape(), kFloat);
        spec.destination = plain_desc(Shape{sizes_.steps, sizes_.batch, sizes_.directions * sizes_.hidden}, kFloat);
        spec.state = plain_desc(sizes_.states(), kFloat);
        spec.has_initial_state = node_.input(5) || node_.input(6);
        RecurrentPrimitive made = make_recurrent(builder_.engine(), spec);

        std::vector<Operand> operands{{DNNL_ARG_SRC_LAYER, builder_.form(node_.input(0), spec.source)},
                                      {DNNL_ARG_WEIGHTS_LAYER, weights(1, sizes_.inputs, made.primitive.weights)},
                                      {DNNL_ARG_WEIGHTS_ITER, weights(2, sizes_.hidden, made.recurrent_weights)},
                                      {DNNL_ARG_BIAS, builder_.constant(bias, spec.bias)}};
        if (spec.has_initial_state) {
            operands.push_back({DNNL_ARG_SRC_ITER, initial(5)});
            if (is_lstm()) operands.push_back({DNNL_ARG_SRC_ITER_C, initial(6)});
        }
        const BufferId sequence = sequence_place(spec.destination);
        operands.push_back({DNNL_ARG_DST_LAYER, sequence});
        operands.push_back({DNNL_ARG_DST_ITER, state_place(1)});
        if (is_lstm()) operands.push_back({DNNL_ARG_DST_ITER_C, state_place(2)});
        builder_.add({node_.op_type(), "f32", builder_.macs(node_)}, std::move(made.primitive), std::move(operands));
        if (swaps_axes()) swap_axes(sequence);
        return Built::Yes;
    }

private:
    bool is_lstm() const { return cell_.gates == 4; }

    bool is_possible() const {
        if (attrs_.layout != RecurrentAttrs::Layout::SequenceFirst || attrs_.clip || attrs_.input_forget || !has_activations(cell_, attrs_))
            return false;
        for (const int index : {0, 1, 2, 3, 5, 6}) {
            const Value* value = node_.input(index);
            const bool is_needed = index <= 2, is_constant = index >= 1 && index <= 3;
            if (!value && !is_needed) continue;
            if (!builder_.is_dense(value, DType::Float32) || (is_constant && !builder_.is_known(value))) return false;
        }
        return !node_.input(7) && builder_.shape(node_.input(0)).rank() == 3;  // peepholes
    }

    BufferId weights(int index, std::int64_t inner, const Desc& layout) {
        const Tensor made = turned(*builder_.known(node_.input(index)), cell_, sizes_, inner);
        return builder_.constant(made, plain_desc(made.shape(), kFloat), layout);
    }

    BufferId initial(int index) {
        const Desc states = plain_desc(sizes_.states(), kFloat);
        const Value* value = node_.input(index);
        if (!value) return builder_.constant(Tensor(DType::Float32, sizes_.states()), states);
        return builder_.view(builder_.form(value, plain_desc(builder_.shape(value), kFloat)), states);
    }

    BufferId state_place(int index) {
        const Desc states = plain_desc(sizes_.states(), kFloat);
        const Value* value = node_.output(index);
        if (!value) return builder_.temporary(states);
        return builder_.view(builder_.result(value, plain_desc(Shape{sizes_.directions, sizes_.batch, sizes_.hidden}, kFloat)), states);
    }

    /// oneDNN puts the directions of a step side by side within a batch entry, ONNX has them before the batch.
    bool swaps_axes() const { return node_.output(0) && sizes_.directions > 1 && sizes_.batch > 1; }
    Desc sequence_desc() const { return plain_desc(Shape{sizes_.steps, sizes_.directions, sizes_.batch, sizes_.hidden}, kFloat); }

    BufferId sequence_place(const Desc& destination) {
        if (!node_.output(0) || swaps_axes()) return builder_.temporary(destination);
        return builder_.view(builder_.result(node_.output(0), sequence_desc()), destination);
    }

    void swap_axes(BufferId sequence) {
        const std::int64_t h = sizes_.hidden, wide = sizes_.directions * h;
        const Desc turned =
            strided_desc(Shape{sizes_.steps, sizes_.directions, sizes_.batch, h}, kFloat, {sizes_.batch * wide, h, wide, 1});
        builder_.add({"Reorder", "", 0}, make_reorder(builder_.engine(), turned, sequence_desc()),
                     {{DNNL_ARG_FROM, builder_.view(sequence, turned)}, {DNNL_ARG_TO, builder_.result(node_.output(0), sequence_desc())}});
    }

    PlanBuilder& builder_;
    const Node& node_;
    const CellRow& cell_;
    RecurrentAttrs attrs_;
    Sizes sizes_{};
};

}  // namespace

Built build_recurrent(PlanBuilder& builder, const Node& node) { return Builder(builder, node, kCells[node.is("LSTM") ? 0 : 1]).build(); }

}  // namespace mcompress::onednn
