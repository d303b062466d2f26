// The families of reference kernels. Each file has its own table of rows; kernel_table.cpp joins them.
#pragma once

#include <span>

#include "engine/reference/kernel.h"

namespace mcompress::reference {

std::span<const KernelRow> activation_kernels();
std::span<const KernelRow> attention_kernels();
std::span<const KernelRow> binary_kernels();
std::span<const KernelRow> cast_kernels();
std::span<const KernelRow> compare_kernels();
std::span<const KernelRow> concat_kernels();
std::span<const KernelRow> constant_kernels();
std::span<const KernelRow> control_flow_kernels();
std::span<const KernelRow> conv_kernels();
std::span<const KernelRow> conv_transpose_kernels();
std::span<const KernelRow> crop_pad_kernels();
std::span<const KernelRow> deform_conv_kernels();
std::span<const KernelRow> determinant_kernels();
std::span<const KernelRow> dropout_kernels();
std::span<const KernelRow> einsum_kernels();
std::span<const KernelRow> experimental_kernels();
std::span<const KernelRow> fourier_kernels();
std::span<const KernelRow> gather_kernels();
std::span<const KernelRow> grid_sample_kernels();
std::span<const KernelRow> integer_product_kernels();
std::span<const KernelRow> loss_kernels();
std::span<const KernelRow> matmul_kernels();
std::span<const KernelRow> microsoft_attention_kernels();
std::span<const KernelRow> microsoft_early_kernels();
std::span<const KernelRow> microsoft_fused_kernels();
std::span<const KernelRow> microsoft_group_query_kernels();
std::span<const KernelRow> microsoft_lstm_kernels();
std::span<const KernelRow> microsoft_norm_kernels();
std::span<const KernelRow> microsoft_qlinear_kernels();
std::span<const KernelRow> microsoft_qproduct_kernels();
std::span<const KernelRow> microsoft_qwindow_kernels();
std::span<const KernelRow> microsoft_rotary_kernels();
std::span<const KernelRow> non_max_suppression_kernels();
std::span<const KernelRow> normalization_kernels();
std::span<const KernelRow> optimizer_kernels();
std::span<const KernelRow> pool_kernels();
std::span<const KernelRow> qonnx_kernels();
std::span<const KernelRow> quantize_kernels();
std::span<const KernelRow> random_kernels();
std::span<const KernelRow> recurrent_kernels();
std::span<const KernelRow> reduce_kernels();
std::span<const KernelRow> regex_kernels();
std::span<const KernelRow> resize_kernels();
std::span<const KernelRow> roi_kernels();
std::span<const KernelRow> scatter_kernels();
std::span<const KernelRow> search_kernels();
std::span<const KernelRow> sequence_kernels();
std::span<const KernelRow> shape_kernels();
std::span<const KernelRow> slice_kernels();
std::span<const KernelRow> softmax_kernels();
std::span<const KernelRow> text_kernels();
std::span<const KernelRow> transformer_kernels();
std::span<const KernelRow> transpose_kernels();
std::span<const KernelRow> unary_kernels();
std::span<const KernelRow> unique_kernels();
std::span<const KernelRow> unpool_kernels();
std::span<const KernelRow> window_function_kernels();

}  // namespace mcompress::reference
