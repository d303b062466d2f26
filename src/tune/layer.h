// A Conv, Gemm or MatMul of a quantized or pruned graph seen as matrix products: for each group, y [rows, outputs] = x [rows, inputs] W^T + b.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// Errors outside do no harm.
struct PassedRange {
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();

    float clamped(float value) const { return std::min(std::max(value, low), high); }
};

/// What a Relu or Clip lets through that is the only reader of a value; everything when there is none.
PassedRange range_behind(const Value& result);

struct Layer {
    Node* node = nullptr;             // in the quantized graph: its inputs 0 and `weight_input` are dequantized; or in another float graph
    const Node* reference = nullptr;  // the node of the float graph that it was made of
    Node* weight = nullptr;           // the DequantizeLinear of the weight; null in a float graph
    int bias_input = -1;              // -1: the operator takes none
    std::int64_t groups = 1;
    std::int64_t outputs = 0;  // of one group
    std::int64_t inputs = 0;   // of one group: columns of an im2col row
    PassedRange passed = {};   // behind it

    /// Values that go in, in each graph.
    const Value* compressed_input() const { return node->input(0); }
    const Value* float_input() const { return reference->input(0); }
};

/// The layers whose weights may be changed, in topological order: Conv, Gemm and MatMul of the main graph with a weight of rank 2 or more that is int8, not
/// shared with another node, and whose float weight and bias are known.
std::vector<Layer> find_layers(const Graph& reference, Graph& quantized);

/// The layer of a node of a float graph and its counterpart in the float graph that it was copied from; nothing when the operator is none of those above, its
/// weight no known float32 matrix or kernel, or its bias not known. That the weight may be changed is for the caller to see to.
std::optional<Layer> float_layer(Node& node, const Node& reference);

/// A weight tensor as [groups * outputs, inputs], and back. Conv weights and transposed Gemm weights lie so already.
std::vector<float> weight_matrix(const Layer& layer, const Tensor& weight);
Tensor weight_tensor(const Layer& layer, std::span<const float> matrix, const Shape& shape);

/// The float weight and bias (zeros when there is none, [groups * outputs]) of the reference.
const Tensor& float_weight(const Layer& layer);
std::vector<float> float_bias(const Layer& layer);

}  // namespace mcompress
