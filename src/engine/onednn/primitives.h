// Makers of oneDNN primitives from version-neutral descriptions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <dnnl.hpp>

#include "engine/onednn/attributes.h"
#include "ops/window.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace mcompress::onednn {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

/// A primitive, the layouts it chose where `any` was asked, and the implementation's name.
struct Primitive {
    dnnl::primitive primitive;
    std::string kernel;
    Desc source;
    Desc weights;
    Desc destination;
    Desc scratchpad;

    /// An implementation that oneDNN keeps for completeness: orders of magnitude slower.
    bool is_reference() const { return kernel.starts_with("ref"); }
};

// ---- descriptors ----
std::optional<dnnl::memory::data_type> data_type_of(DType dtype);
Desc plain_desc(const Shape& shape, dnnl::memory::data_type type);
/// Channels last: [N, spatial …, C].
Desc channels_last_desc(const Shape& shape, dnnl::memory::data_type type);
Desc any_desc(const Shape& shape, dnnl::memory::data_type type);
/// Strided with explicit strides in elements.
Desc strided_desc(const Shape& shape, dnnl::memory::data_type type, const Dims& strides);
Shape shape_of(const Desc& desc);
dnnl::memory::data_type element_type(const Desc& desc);
/// The same layout for another element type.
Desc with_type(const Desc& desc, dnnl::memory::data_type type);
/// Elements lie in row-major order without gaps.
bool is_row_major(const Desc& desc);
/// Elements lie in some order without gaps or padding.
bool is_packed(const Desc& desc);

enum class ConvolutionKind { Direct, Transposed };

struct ConvolutionSpec {
    ConvolutionKind kind = ConvolutionKind::Direct;
    Desc source, weights, destination;
    std::optional<Desc> bias;
    Dims strides, dilations, pad_begin, pad_end;  // dilations as oneDNN counts: 0 is dense
    AttributeSpec attributes;
    bool grouped = false;  // weights have a leading group axis
};
/// Strides, dilations and pads of a convolution whose input has the shape `source`; the end pads are those that give the window's outputs.
void set_window(ConvolutionSpec& spec, const Window& window, const Shape& source);
/// As all makers, throws dnnl_unimplemented when there is none; also where it is known to be wrong (known_faults.h).
Primitive make_convolution(const dnnl::engine& engine, const ConvolutionSpec& spec);

struct ProductSpec {
    Desc source, weights, destination;
    std::optional<Desc> bias;
    AttributeSpec attributes;
};
Primitive make_inner_product(const dnnl::engine& engine, const ProductSpec& spec);
Primitive make_matmul(const dnnl::engine& engine, const ProductSpec& spec);

struct PoolingSpec {
    dnnl::algorithm algorithm;
    Desc source, destination;
    Dims strides, kernel, dilations, pad_begin, pad_end;
};
Primitive make_pooling(const dnnl::engine& engine, const PoolingSpec& spec);

Primitive make_eltwise(const dnnl::engine& engine, const EltwisePostOp& op, const Desc& layout);
Primitive make_binary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& a, const Desc& b, const Desc& destination,
                      const AttributeSpec& attributes = {});
Primitive make_concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources, const std::optional<Desc>& destination);
enum class SoftmaxKind { Plain, Logarithmic };
Primitive make_softmax(const dnnl::engine& engine, SoftmaxKind kind, const Desc& layout, int axis);
enum class NormWeights { None, Scale, ScaleAndShift };
/// Layer normalization over the last axis.
Primitive make_layer_normalization(const dnnl::engine& engine, const Desc& layout, float epsilon, NormWeights weights);
Primitive make_reduction(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source, const Desc& destination);
/// To float32, in row-major order or in the layout that suits the source.
Primitive make_resampling(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source, const Shape& destination);
Primitive make_lrn(const dnnl::engine& engine, const Desc& layout, std::int64_t size, float alpha, float beta, float k);
Primitive make_reorder(const dnnl::engine& engine, const Desc& source, const Desc& destination);

enum class RecurrentCell { Lstm, Gru, LinearBeforeResetGru };
enum class RecurrentDirection { Forward, Reverse, Bidirectional };

/// One layer over whole sequences. Weights are [1, directions, inputs or hidden, gates, hidden], biases [1, directions, gates, hidden] (of
/// LinearBeforeResetGru with one gate more), states [1, directions, batch, hidden], source and destination [steps, batch, …].
struct RecurrentSpec {
    RecurrentCell cell;
    RecurrentDirection direction = RecurrentDirection::Forward;
    Desc source, weights, recurrent_weights, bias, destination;
    Desc state;                      // of the hidden values, at both ends
    bool has_initial_state = false;  // else it is zero
};
struct RecurrentPrimitive {
    Primitive primitive;
    Desc recurrent_weights;
};
RecurrentPrimitive make_recurrent(const dnnl::engine& engine, const RecurrentSpec& spec);

/// Runs a primitive once, at compile time: arguments by DNNL_ARG number.
void execute_once(const dnnl::engine& engine, const Primitive& primitive, const std::vector<std::pair<int, dnnl::memory>>& arguments);

}  // namespace mcompress::onednn
