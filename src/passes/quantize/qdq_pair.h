// Making, reading and changing QuantizeLinear → DequantizeLinear pairs and dequantized constants.
#pragma once

#include <optional>
#include <string_view>

#include "ir/graph.h"
#include "passes/quantize/weight_codes.h"
#include "quant/params.h"

namespace mcompress {

/// x → QuantizeLinear(scale, zero_point) → DequantizeLinear(scale, zero_point).
struct QdqPair {
    Node* quantize = nullptr;
    Node* dequantize = nullptr;

    Value* source() const { return quantize->input(0); }
    Value* dequantized() const { return dequantize->output(0); }
    Value* scale() const { return dequantize->input(1); }
    Value* zero_point() const { return dequantize->input(2); }
    bool operator==(const QdqPair&) const = default;
};

/// The pair whose result `value` is; nothing when it is something else.
std::optional<QdqPair> pair_behind(const Value* value);
/// The pair behind an input, when it lies in the node's own graph: a kernel does not look outside the body it is in.
std::optional<QdqPair> pair_in_front_of(const Node& node, int index);
/// The pair of the value's own graph that quantizes it, when it has one.
std::optional<QdqPair> pair_of(const Value* value);

/// Per-tensor parameters of a QuantizeLinear or DequantizeLinear; nothing when they are computed or per channel, or codes are no integers.
std::optional<QuantParams> params_of(const Node& node);

/// Appends a pair for `source` to a graph that sees it, in front of `before`: outputs `<name>_q` and `<name>_dq`. Redirects nothing. Codes of 16 bits
/// are the standard's from opset 21, com.microsoft's below.
QdqPair add_pair(Graph& graph, Value* source, std::string_view name, Value* scale, Value* zero_point, const Node* before);
void set_params(const QdqPair& pair, Value* scale, Value* zero_point);

/// An initializer of that name and content: an existing one when there is one, so that equal zero points are stored once.
Value* shared_constant(Graph& graph, std::string_view name, const Tensor& tensor);
Value* scale_constant(Graph& graph, std::string_view name, float scale);
/// One zero point a type and value in the whole model, "u8_0": bodies read that of the main graph.
Value* zero_point_constant(Graph& graph, const QuantParams& params);

/// `<name>_q`, `<name>_s` → DequantizeLinear → `<name>_dq`, in front of `before` and in its graph; the constants are added to `home`, which
/// that graph sees. `scales` is a scalar, or one value a channel along `axis`. Zero points are all 0. The standard lets
/// them be left out, and for biases they are; but where ONNX Runtime turns int8 weights into uint8 (session.x64quantprecision) it wants a zero
/// point of their own for each, a vector like the scales.
Node* add_dequantized_constant(Graph& home, std::string_view name, Tensor codes, Tensor scales, int axis, const Node* before);

struct QuantizedWeightValues {
    Value *codes = nullptr, *scales = nullptr, *zero_points = nullptr;
};
/// `<name>_q`, `<name>_s` and zero points of 0 of the scale's shape, `<name>_z`, for operators that take weights so.
QuantizedWeightValues add_quantized_weight(Graph& home, std::string_view name, QuantizedWeight weight);

/// Removes a constant (an initializer or a Constant node) that nothing reads any more.
void erase_if_unused(Value* constant);

}  // namespace mcompress
