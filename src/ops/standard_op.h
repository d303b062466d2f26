// Operators of other domains that are a standard operator with something added: they use its inference and its work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "ops/op_info.h"

namespace mcompress {

/// The newest row of an ai.onnx operator that is in the table.
const OpInfo& standard_op(std::string_view type);

/// A literal as a template argument: infer_as<"Conv">.
template <std::size_t N> struct OpName {
    char text[N];
    constexpr OpName(const char (&name)[N]) { std::copy_n(name, N, text); }  // NOLINT: a literal is a name
    constexpr std::string_view view() const { return {text, N - 1}; }
};

/// Inference of the standard operator, on the same inputs; its attributes must not depend on the opset.
template <OpName name> void infer_as(InferContext& context) { standard_op(name.view()).infer(context); }

template <OpName name> std::int64_t macs_as(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return standard_op(name.view()).macs(node, inputs, outputs);
}

enum class ChannelOrder { First, Last };  // [N, C, spatial …], [N, spatial …, C]

/// As infer_as for an operator whose input `input` and output 0 may have their channels last.
void infer_with_channels(InferContext& context, std::string_view type, int input, ChannelOrder order);

}  // namespace mcompress
