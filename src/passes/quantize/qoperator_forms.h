// The table of operators on codes: which float operator each stands for, and where its inputs lie.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "ir/node.h"
#include "quant/params.h"
#include "tensor/shape.h"

namespace mcompress {

/// A quantized operator reads tensors of codes, each with a scale and a zero point, and writes codes at a scale and zero point of their own, or
/// floats.
struct QOperatorForm {
    /// TensorByTensor: tensor, scale, zero point of the first operand, then of the next. KindByKind: all tensors, all scales, all zero points.
    enum class Layout { TensorByTensor, KindByKind };
    static constexpr int kAnyNumber = -1, kNone = -1;

    std::string_view op;  // the float operator, of the default domain
    std::string_view domain, quantized;
    int operands = 1;
    int first = 0;       // where the operands begin
    int result = kNone;  // where the result's scale stands, with its zero point behind; kNone: the result is float
    int bias = kNone;    // int32 codes at the scale of the products
    int plain = 0;       // leading inputs of both operators that are no numbers
    Layout layout = Layout::TensorByTensor;
    /// Of operand 1, when it may have a scale a channel: the axis of these channels.
    std::optional<int> (*channel_axis)(const Node&, const Shape& weight) = nullptr;
    /// Why this float node has no such form that gives the same numbers, with these parameters of its result; empty when it has.
    std::string_view (*refuse)(const Node&, const QuantParams& result) = nullptr;

    struct Place {
        int tensor, scale, zero_point;
    };
    Place place(int operand) const;
    /// How many operands a node of the quantized operator has, or of the float one.
    int count_in_quantized(const Node& node) const;
    int count_in_float(const Node& node) const;
    bool is_float_result() const { return result == kNone; }
};

std::span<const QOperatorForm> all_qoperator_forms();

/// The form of a quantized node; null for another node.
const QOperatorForm* find_form_of_quantized(const Node& node);
/// The form for a float node that writes codes, or floats; null when there is none.
enum class FormResult { Codes, Floats };
const QOperatorForm* find_form_of_float(const Node& node, FormResult result);

/// Operators whose output elements are input elements, which ONNX Runtime runs on codes as on floats: Reshape, Transpose, MaxPool …
bool moves_codes(const Node& node);

}  // namespace mcompress
