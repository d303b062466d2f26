// What a primitive does besides its main operation: scales, zero points, post-operations. Neutral to the oneDNN version.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <dnnl.hpp>

namespace mcompress::onednn {

struct EltwisePostOp {
    dnnl::algorithm algorithm;
    float alpha = 0.0F;
    float beta = 0.0F;
};

/// Adds what the destination held before.
struct SumPostOp {};

struct BinaryPostOp {
    dnnl::algorithm algorithm;
    dnnl::memory::desc other;
};

using PostOp = std::variant<EltwisePostOp, SumPostOp, BinaryPostOp>;

/// result = post_ops((accumulator + bias) * scale[channel]) + destination_zero_point, where the accumulator sums (source - source_zero_point) * weight
/// and the bias is given in accumulator units.
struct AttributeSpec {
    std::vector<PostOp> post_ops;
    std::vector<float> scales;  // empty: none; one: for all; else one an output channel
    int scale_axis = 1;         // of the destination
    std::int32_t source_zero_point = 0;
    std::int32_t destination_zero_point = 0;
};

/// Scratchpad memory is always the caller's.
dnnl::primitive_attr make_attributes(const AttributeSpec& spec, int weight_scale_mask);

/// Which element type the bias of an integer convolution has, and its values for a bias in accumulator units.
dnnl::memory::data_type integer_bias_type();
std::vector<float> real_bias(const std::vector<std::int32_t>& bias, const std::vector<float>& scales);

/// v3 keeps some run-time scales outside of the primitive: the argument under which the weights' scales are passed; 0 when they are built in.
int weight_scale_argument();
int source_zero_point_argument();
int destination_zero_point_argument();

/// Parameters of x * clip(x / 6 + 1 / 2, 0, 1), which differ between versions.
EltwisePostOp hard_swish();

}  // namespace mcompress::onednn
