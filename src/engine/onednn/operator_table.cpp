#include "engine/onednn/operator_table.h"
#include "engine/onednn/operators.h"
#include "engine/onednn/quantized_operators.h"

namespace mcompress::onednn {

namespace {

struct Row {
    std::string_view type;
    NodeBuilder build;
    std::string_view by;  // the primitive, or what it has in place of one
    std::string_view domain = "";
};

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr Row kRows[] = {
    {"MaxPool", build_pooling, "pooling"},
    {"AveragePool", build_pooling, "pooling"},
    {"GlobalAveragePool", build_global_average, "pooling"},
    {"Add", build_binary, "binary"},
    {"Sub", build_binary, "binary"},
    {"Mul", build_binary, "binary"},
    {"Div", build_binary, "binary"},
    {"Min", build_binary, "binary"},
    {"Max", build_binary, "binary"},
    {"Relu", build_activation, "eltwise"},
    {"LeakyRelu", build_activation, "eltwise"},
    {"Elu", build_activation, "eltwise"},
    {"Clip", build_activation, "eltwise"},
    {"Sigmoid", build_activation, "eltwise"},
    {"Tanh", build_activation, "eltwise"},
    {"HardSigmoid", build_activation, "eltwise"},
    {"HardSwish", build_activation, "eltwise"},
    {"Gelu", build_activation, "eltwise"},
    {"Exp", build_activation, "eltwise"},
    {"Abs", build_activation, "eltwise"},
    {"Sqrt", build_activation, "eltwise"},
    {"Neg", build_activation, "eltwise"},
    {"Concat", build_concat, "concat"},
    {"Softmax", build_softmax, "softmax"},
    {"LogSoftmax", build_softmax, "softmax"},
    {"ReduceMean", build_reduction, "reduction"},
    {"ReduceSum", build_reduction, "reduction"},
    {"Resize", build_resize, "resampling"},
    {"Upsample", build_resize, "resampling"},
    {"LayerNormalization", build_layer_normalization, "layer_normalization"},
    {"LRN", build_lrn, "lrn"},
    {"BatchNormalization", build_batch_normalization, "batch_normalization"},
    {"InstanceNormalization", build_instance_normalization, "layer_normalization"},
    {"Reshape", build_reinterpretation, "no work"},
    {"Flatten", build_reinterpretation, "no work"},
    {"Squeeze", build_reinterpretation, "no work"},
    {"Unsqueeze", build_reinterpretation, "no work"},
    {"Identity", build_identity, "no work"},
    {"Cast", build_identity, "no work"},
    {"Dropout", build_identity, "no work"},
    {"Transpose", build_transpose, "own loops"},
    {"Pad", build_pad, "own loops"},
    {"LSTM", build_recurrent, "lstm"},
    {"GRU", build_recurrent, "gru"},
    {"QuantizeLinear", build_quantize, "own loops"},
    {"DequantizeLinear", build_dequantize, "own loops"},
    {"Gelu", build_activation, "eltwise", kMicrosoft},
    {"QuickGelu", build_activation, "eltwise", kMicrosoft},
    {"FastGelu", build_biased_activation, "eltwise", kMicrosoft},
    {"BiasGelu", build_biased_activation, "binary", kMicrosoft},
    {"SkipLayerNormalization", build_skip_layer_normalization, "layer_normalization", kMicrosoft},
    {"MatMulNBits", build_nbits_product, "matmul", kMicrosoft},
};

// They begin chains (chains.h), which engine.cpp builds.
constexpr AcceleratedOperator kChainHeads[] = {{"Conv", "convolution"},
                                               {"ConvTranspose", "deconvolution"},
                                               {"Gemm", "inner_product"},
                                               {"MatMul", "matmul"},
                                               {"FusedConv", "convolution", kMicrosoft}};

// Their plain kernels multiply with Routines.
constexpr AcceleratedOperator kWithRoutines[] = {
    {"Attention", "gemm, softmax"},
    {"MatMulInteger", "gemm"},
    {"Attention", "gemm, softmax", kMicrosoft},
    {"MultiHeadAttention", "gemm, softmax", kMicrosoft},
    {"GroupQueryAttention", "gemm, softmax", kMicrosoft},
    {"QAttention", "gemm, softmax", kMicrosoft},
    {"FusedGemm", "gemm", kMicrosoft},
    {"FusedMatMul", "gemm", kMicrosoft},
    {"GemmFastGelu", "gemm", kMicrosoft},
    {"DynamicQuantizeMatMul", "gemm", kMicrosoft},
    {"MatMulIntegerToFloat", "gemm", kMicrosoft},
};

}  // namespace

std::vector<AcceleratedOperator> accelerated_operators() {
    std::vector<AcceleratedOperator> operators(std::begin(kChainHeads), std::end(kChainHeads));
    operators.insert(operators.end(), std::begin(kWithRoutines), std::end(kWithRoutines));
    for (const Row& row : kRows) operators.push_back({row.type, row.by, row.domain});
    return operators;
}

NodeBuilder find_node_builder(const Node& node) {
    for (const Row& row : kRows)
        if (node.is(row.domain, row.type)) return row.build;
    return nullptr;
}

}  // namespace mcompress::onednn
