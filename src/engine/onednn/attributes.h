// What a primitive does besides its main operation: scales, zero points, post-operations. Neutral to the oneDNN version.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <dnnl.hpp>

#include "tensor/tensor.h"

namespace mcompress::onednn {

struct EltwisePostOp {
    dnnl::algorithm algorithm;
    float alpha = 0.0F;
    float beta = 0.0F;
};

/// Adds what the destination held before, times a scale (one rounding for both); seen as codes of another type where one is given.
struct SumPostOp {
    float scale = 1.0F;
    dnnl::memory::data_type type = dnnl::memory::data_type::undef;
};

struct BinaryPostOp {
    dnnl::algorithm algorithm;
    dnnl::memory::desc other;
};

using PostOp = std::variant<EltwisePostOp, SumPostOp, BinaryPostOp>;

/// Appends an element-wise operation; factors and offsets one behind the other become one.
void append(std::vector<PostOp>& post_ops, const EltwisePostOp& operation);

/// result = post_ops((accumulator + bias) * scale[channel]) + destination_zero_point, where the accumulator sums (source - source_zero_point) * weight
/// and the bias is given in accumulator units.
enum class SourceZeroPoint { Fixed, AtRun };

struct AttributeSpec {
    std::vector<PostOp> post_ops;
    std::vector<float> scales;  // empty: none; one: for all; else one an output channel
    int scale_axis = 1;         // of the destination
    std::int32_t source_zero_point = 0;
    /// AtRun: every execution takes it as a 32-bit number under DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC.
    SourceZeroPoint source_zero_point_given = SourceZeroPoint::Fixed;
    std::int32_t destination_zero_point = 0;
};

/// Scratchpad memory is always the caller's. v2 gives a second element-wise operation of one algorithm the parameters of the first (its kernels find them by the
/// algorithm): where they differ this throws dnnl::error (dnnl_unimplemented), as for everything else that a version lacks.
dnnl::primitive_attr make_attributes(const AttributeSpec& spec, int weight_scale_mask);

/// A bias in accumulator units as an integer convolution wants it: v2 adds it before the scales (int32), v3 after them (float).
Tensor integer_bias(const std::vector<std::int32_t>& bias, const std::vector<float>& scales);

/// As above from real numbers, in float; nothing when they cannot be expressed in accumulator units.
std::optional<Tensor> real_bias(std::span<const float> bias, const std::vector<float>& scales);

/// v3 takes scales and zero points as arguments of each execution: argument numbers and tensors. None for v2, which builds them in.
std::vector<std::pair<int, Tensor>> runtime_arguments(const AttributeSpec& spec);

/// Parameters of x * clip(x / 6 + 1 / 2, 0, 1), which differ between versions.
EltwisePostOp hard_swish();

}  // namespace mcompress::onednn
