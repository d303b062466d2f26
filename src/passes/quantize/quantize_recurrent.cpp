// Computes the matrix products of an LSTM on 8-bit codes: int8 weights, one scale a gate and unit, and inputs and hidden states that are quantized while
// the model runs. The cell state, gates and activations stay float, so errors of a step do not add up in it.
//
// Before:  y, y_h, y_c = LSTM <hidden_size = n> (x, w, r, b, lengths, h, c, p)
// After:   y, y_h, y_c = com.microsoft.DynamicQuantizeLSTM <hidden_size = n> (x, w_q, r_q, b, lengths, h, c, p, w_s, w_z, r_s, r_z)
//
// Formula: w_q[d] and r_q[d] are the transposed matrices of direction d, [inputs, 4 n] and [n, 4 n]; scales and codes of a column as quantize-weights. x is
// quantized as a whole, the hidden state at every step, as DynamicQuantizeLinear says.
//
// Does nothing when w or r is not a float32 constant, the batch comes first (layout = 1), or x is not float32. GRU and RNN stay float: ONNX Runtime has no
// integer kernel for them, and dequantizing their weights in every run would cost time without any saved.
#include "passes/quantize/quantize_recurrent.h"

#include <algorithm>
#include <map>

#include "ops/attributes.h"
#include "ops/recurrent.h"
#include "passes/quantize/exclusions.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kGates = 4, kScaleOfW = 8, kScaleOfR = 10, kInputs = 12;

class QuantizeRecurrent final : public Pass {
public:
    explicit QuantizeRecurrent(QuantizationScheme scheme) : scheme_(std::move(scheme)) { check_scheme(scheme_); }
    std::string_view name() const override { return "quantize-recurrent"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        weights_.clear();
        for_each_node(graph, [&](Node& node) {
            if (!node.is("LSTM") && !node.is("GRU") && !node.is("RNN")) return;
            if (std::string reason = why_not(node); !reason.empty()) {
                result.skipped.push_back(skip(node, std::move(reason)));
                return;
            }
            quantize(&node);
            ++result.rewrites;
        });
        if (result.rewrites > 0) graph.opset_imports()->emplace("com.microsoft", 1);
        return result;
    }

private:
    std::string why_not(const Node& node) const {
        if (std::string reason = exclusion_of(node, scheme_); !reason.empty()) return reason;
        if (!node.is("LSTM")) return "ONNX Runtime has no integer kernel for it";
        const Tensor *w = known_tensor(node.input(1)), *r = known_tensor(node.input(2));
        if (!w || !r || w->dtype() != DType::Float32 || r->dtype() != DType::Float32) return "its weights are not float32 constants";
        if (w->shape().rank() != 3 || r->shape().rank() != 3 || w->element_count() == 0)
            return "its weights are not matrices of directions";
        if (node.input(0)->type().dtype != DType::Float32) return "its input is not float32";
        const auto attributes = attrs<RecurrentAttrs>(node);
        if (attributes.layout == RecurrentAttrs::Layout::BatchFirst)
            return "ONNX Runtime's integer kernel wants the steps first, here the batch is";
        if (w->shape()[1] != kGates * r->shape()[2] || r->shape()[1] != w->shape()[1]) return "its weights do not fit each other";
        return {};
    }

    /// [directions, rows, columns] becomes [directions, columns, rows] in codes, with a scale a row.
    QuantizedWeightValues weights_of(Value* weight) {
        const auto [entry, is_new] = weights_.try_emplace(weight);
        if (!is_new) return entry->second;
        const Tensor& tensor = *known_tensor(weight);
        const std::int64_t directions = tensor.shape()[0], rows = tensor.shape()[1], columns = tensor.shape()[2], size = rows * columns;
        Tensor codes = Tensor::uninitialized(DType::Int8, Shape{directions, columns, rows});
        Tensor scales = Tensor::uninitialized(DType::Float32, Shape{directions, rows});
        for (std::int64_t direction = 0; direction < directions; ++direction) {
            const float* from = tensor.data<float>() + direction * size;
            const Tensor matrix = Tensor::from_values(Shape{rows, columns}, std::vector<float>(from, from + size));
            const QuantizedWeight part = quantize_weight(matrix, 0, SummationOrder{.channel_axis = 0, .innermost_axis = 1},
                                                         scheme_.sum_width, scheme_.weight_dtype, weight->name());
            for (std::int64_t row = 0; row < rows; ++row)
                for (std::int64_t column = 0; column < columns; ++column)
                    codes.mutable_data<std::int8_t>()[direction * size + column * rows + row] =
                        part.codes.data<std::int8_t>()[row * columns + column];
            std::copy_n(part.scales.data<float>(), rows, scales.mutable_data<float>() + direction * rows);
        }
        entry->second = add_quantized_weight(weight->graph(), weight->name(), {std::move(codes), std::move(scales)});
        return entry->second;
    }

    void quantize(Node* node) {
        Graph& graph = node->graph();
        if (attrs<RecurrentAttrs>(*node).hidden_size == 0)
            graph.set_attribute(node, "hidden_size", known_tensor(node->input(2))->shape()[2]);
        if (has_attribute(*node, "layout")) graph.erase_attribute(node, "layout");
        graph.resize_inputs(node, kInputs);
        for (const auto& [index, scale] : {std::pair(1, kScaleOfW), std::pair(2, kScaleOfR)}) {
            Value* weight = node->input(index);
            const QuantizedWeightValues weights = weights_of(weight);
            graph.set_input(node, index, weights.codes);
            graph.set_input(node, scale, weights.scales);
            graph.set_input(node, scale + 1, weights.zero_points);
        }
        graph.set_op_type(node, "com.microsoft", "DynamicQuantizeLSTM");
    }

    QuantizationScheme scheme_;
    std::map<const Value*, QuantizedWeightValues> weights_;
};

}  // namespace

std::unique_ptr<Pass> make_quantize_recurrent(const QuantizationScheme& scheme) { return std::make_unique<QuantizeRecurrent>(scheme); }

}  // namespace mcompress
