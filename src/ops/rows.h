// The rows of the operator families, gathered by op_info.cpp.
#pragma once

#include "ops/op_info.h"

namespace mcompress {

std::span<const OpInfo> conv_rows();
std::span<const OpInfo> matmul_rows();
std::span<const OpInfo> pool_rows();
std::span<const OpInfo> normalization_rows();
std::span<const OpInfo> unary_rows();
std::span<const OpInfo> activation_rows();
std::span<const OpInfo> binary_rows();
std::span<const OpInfo> reduce_rows();
std::span<const OpInfo> shape_rows();
std::span<const OpInfo> layout_rows();
std::span<const OpInfo> indexing_rows();
std::span<const OpInfo> resize_rows();
std::span<const OpInfo> quantization_rows();
std::span<const OpInfo> recurrent_rows();
std::span<const OpInfo> control_flow_rows();
std::span<const OpInfo> random_rows();
std::span<const OpInfo> vision_rows();
std::span<const OpInfo> training_rows();
std::span<const OpInfo> signal_rows();
std::span<const OpInfo> sequence_rows();
std::span<const OpInfo> text_rows();
std::span<const OpInfo> transformer_rows();
std::span<const OpInfo> private_rows();
std::span<const OpInfo> microsoft_rows();
std::span<const OpInfo> microsoft_attention_rows();
std::span<const OpInfo> microsoft_fused_rows();
std::span<const OpInfo> microsoft_quantized_rows();
std::span<const OpInfo> qonnx_rows();

}  // namespace mcompress
