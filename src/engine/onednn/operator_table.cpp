#include "engine/onednn/operators.h"
#include "engine/onednn/quantized_operators.h"

namespace mcompress::onednn {

namespace {

struct Row {
    std::string_view type;
    NodeBuilder build;
};

constexpr Row kRows[] = {
    {"MaxPool", build_pooling},
    {"AveragePool", build_pooling},
    {"GlobalAveragePool", build_global_average},
    {"Add", build_binary},
    {"Sub", build_binary},
    {"Mul", build_binary},
    {"Div", build_binary},
    {"Min", build_binary},
    {"Max", build_binary},
    {"Relu", build_activation},
    {"LeakyRelu", build_activation},
    {"Elu", build_activation},
    {"Clip", build_activation},
    {"Sigmoid", build_activation},
    {"Tanh", build_activation},
    {"HardSigmoid", build_activation},
    {"HardSwish", build_activation},
    {"Gelu", build_activation},
    {"Exp", build_activation},
    {"Abs", build_activation},
    {"Sqrt", build_activation},
    {"Neg", build_activation},
    {"Concat", build_concat},
    {"Softmax", build_softmax},
    {"LogSoftmax", build_softmax},
    {"ReduceMean", build_reduction},
    {"ReduceSum", build_reduction},
    {"ReduceMax", build_reduction},
    {"ReduceMin", build_reduction},
    {"Resize", build_resize},
    {"Upsample", build_resize},
    {"LayerNormalization", build_layer_normalization},
    {"LRN", build_lrn},
    {"BatchNormalization", build_batch_normalization},
    {"Reshape", build_reinterpretation},
    {"Flatten", build_reinterpretation},
    {"Squeeze", build_reinterpretation},
    {"Unsqueeze", build_reinterpretation},
    {"Identity", build_identity},
    {"Cast", build_identity},
    {"Dropout", build_identity},
    {"Transpose", build_transpose},
    {"QuantizeLinear", build_quantize},
    {"DequantizeLinear", build_dequantize},
};

}  // namespace

NodeBuilder find_node_builder(const Node& node) {
    if (!node.domain().empty()) return nullptr;
    for (const Row& row : kRows)
        if (row.type == node.op_type()) return row.build;
    return nullptr;
}

}  // namespace mcompress::onednn
