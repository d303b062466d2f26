// Quantized groups: operators between DequantizeLinear and QuantizeLinear nodes that an engine can compute on the codes themselves.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/shape_propagation.h"
#include "quant/params.h"

namespace mcompress {

/// An 8-bit tensor and what its codes mean.
struct QuantizedTensor {
    const Value* codes = nullptr;
    QuantParams params;
};

/// Constant 8-bit weights: one scale, or one an index of `axis`; zero points likewise (empty: 0).
struct QuantizedWeights {
    const Tensor* codes = nullptr;
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    int axis = 0;
};

/// What x * sigmoid(x) is made of in codes: the inner operators, their quantizer's parameters, and which operand of the outer one they give.
struct QuantizedGate {
    std::vector<const Node*> activations;
    QuantParams params;
    int operand = 1;
};

struct QuantizedGroup {
    enum class Kind {
        Product,  // Conv, Gemm, MatMul with constant weights [→ activation] [→ QuantizeLinear]
        Binary,   // Add, Sub, Mul of two quantized tensors
        Pool,     // MaxPool
        Average,  // AveragePool, GlobalAveragePool, ReduceMean over the spatial axes
        Concat,
        Softmax,
        Move,  // elements move and keep their values: Reshape, Transpose, Slice …
        Table  // one element in, one out: any chain of such operators, or none (a change of parameters); a value combined with one that follows from it
    };
    Kind kind = Kind::Table;
    const Node* main = nullptr;      // null for a Table without operators
    std::vector<const Node*> nodes;  // main, activations, QuantizeLinear: all of which the group replaces; its last is where it is built
    std::vector<const Node*> activations;   // behind main; of a Table: all operators in order
    std::vector<const Node*> dequantizers;  // of the inputs, shared with other readers
    std::vector<QuantizedTensor> inputs;
    std::optional<QuantizedGate> gate;   // of a Table with a main operator: the codes combined with what a table makes of them
    QuantizedWeights weights;            // of a Product
    const Value* bias = nullptr;         // of a Product, known; float
    const Tensor* bias_codes = nullptr;  // when it comes as int32 codes; without `bias` in units of source scale * weight scale
    std::vector<float> bias_scales;
    const Value* output = nullptr;
    std::optional<QuantParams> output_params;  // nothing: the output stays float

    const Node* last() const { return nodes.back(); }
};

struct QuantizedGroups {
    std::vector<QuantizedGroup> list;
    std::unordered_map<const Node*, const QuantizedGroup*> at_last;
    std::unordered_map<const Node*, const QuantizedGroup*> member;  // every node of a group
};

/// A value inside of a group is read by nothing else, and is not kept.
QuantizedGroups find_quantized_groups(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept);

/// The parameters of a QuantizeLinear or DequantizeLinear with one known scale and 8-bit codes.
std::optional<QuantParams> tensor_params(const PropagatedValues& values, const Node& node);
/// Of codes of a type: one known scale, and a zero point of that type or none.
std::optional<QuantParams> tensor_params(const PropagatedValues& values, const Value* scale, const Value* zero_point, DType dtype);

bool is_8_bit(DType dtype);
/// Elements of an int8, uint8 or int32 tensor; none of another type.
std::vector<std::int32_t> code_integers(const Tensor& tensor);

}  // namespace mcompress
