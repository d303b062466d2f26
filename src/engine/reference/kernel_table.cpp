#include <map>
#include <utility>

#include "engine/reference/kernel_families.h"
#include "engine/reference/pair_saturation.h"

namespace mcompress {

namespace {

using Family = std::span<const KernelRow> (*)();

// clang-format off
constexpr Family kFamilies[] = {
    reference::activation_kernels,
    reference::attention_kernels,
    reference::binary_kernels,
    reference::cast_kernels,
    reference::compare_kernels,
    reference::concat_kernels,
    reference::constant_kernels,
    reference::control_flow_kernels,
    reference::conv_kernels,
    reference::conv_transpose_kernels,
    reference::crop_pad_kernels,
    reference::deform_conv_kernels,
    reference::determinant_kernels,
    reference::dropout_kernels,
    reference::einsum_kernels,
    reference::experimental_kernels,
    reference::fourier_kernels,
    reference::gather_kernels,
    reference::grid_sample_kernels,
    reference::integer_product_kernels,
    reference::loss_kernels,
    reference::matmul_kernels,
    reference::microsoft_attention_kernels,
    reference::microsoft_early_kernels,
    reference::microsoft_fused_kernels,
    reference::microsoft_group_query_kernels,
    reference::microsoft_lstm_kernels,
    reference::microsoft_norm_kernels,
    reference::microsoft_qlinear_kernels,
    reference::microsoft_qproduct_kernels,
    reference::microsoft_qwindow_kernels,
    reference::microsoft_rotary_kernels,
    reference::non_max_suppression_kernels,
    reference::normalization_kernels,
    reference::optimizer_kernels,
    reference::pair_saturation_kernels,
    reference::pool_kernels,
    reference::qonnx_kernels,
    reference::quantize_kernels,
    reference::random_kernels,
    reference::recurrent_kernels,
    reference::reduce_kernels,
    reference::regex_kernels,
    reference::resize_kernels,
    reference::roi_kernels,
    reference::scatter_kernels,
    reference::search_kernels,
    reference::sequence_kernels,
    reference::shape_kernels,
    reference::slice_kernels,
    reference::softmax_kernels,
    reference::text_kernels,
    reference::transformer_kernels,
    reference::transpose_kernels,
    reference::unary_kernels,
    reference::unique_kernels,
    reference::unpool_kernels,
    reference::window_function_kernels,
};
// clang-format on

using Key = std::pair<std::string_view, std::string_view>;

std::map<Key, const KernelRow*> index_rows() {
    std::map<Key, const KernelRow*> index;
    for (const Family family : kFamilies)
        for (const KernelRow& row : family()) index.emplace(Key(row.domain, row.type), &row);
    return index;
}

}  // namespace

std::vector<KernelRow> all_reference_kernels() {
    std::vector<KernelRow> rows;
    for (const Family family : kFamilies)
        for (const KernelRow& row : family()) rows.push_back(row);
    return rows;
}

const KernelRow* find_kernel_row(const Node& node) {
    static const std::map<Key, const KernelRow*> kIndex = index_rows();
    const auto found = kIndex.find({node.domain(), node.op_type()});
    return found == kIndex.end() ? nullptr : found->second;
}

KernelFunction find_reference_kernel(const Node& node) {
    const KernelRow* row = find_kernel_row(node);
    return row ? row->run : nullptr;
}

}  // namespace mcompress
