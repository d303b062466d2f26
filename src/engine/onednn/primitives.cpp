#include "engine/onednn/primitives.h"

#include "engine/onednn/faster_kernels.h"
#include "engine/onednn/known_faults.h"

#include <numeric>
#include <type_traits>
#include <unordered_map>

namespace mcompress::onednn {

namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

/// Goes on to the implementation whose name begins with `wanted`, or to the last one.
template <typename Description> void advance(Description& description, std::string_view wanted) {
    while (!std::string_view(description.impl_info_str()).starts_with(wanted))
        if (!description.next_impl()) return;
}

// v2 describes an operation first and picks an implementation after, v3 does both at once. Its iterator over implementations points to the operation.
template <typename Operation, typename... Args>
typename Operation::primitive_desc describe_as(std::string_view wanted, const dnnl::engine& engine, const dnnl::primitive_attr& attributes,
                                               Args&&... args) {
#if DNNL_VERSION_MAJOR >= 3
    typename Operation::primitive_desc description(engine, std::forward<Args>(args)..., attributes);
#else
    const typename Operation::desc operation(std::forward<Args>(args)...);
    typename Operation::primitive_desc description(operation, attributes, engine);
#endif
    advance(description, wanted);
    return description;
}

template <typename Operation, typename... Args>
typename Operation::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& attributes, Args&&... args) {
    return describe_as<Operation>("", engine, attributes, std::forward<Args>(args)...);
}

template <typename Operation, typename Description> Primitive finish(const Description& description) {
    Primitive made;
    made.primitive = Operation(description);
    made.kernel = description.impl_info_str();
    made.source = description.query_md(dnnl::query::src_md, 0);
    made.weights = description.query_md(dnnl::query::weights_md, 0);
    made.destination = description.query_md(dnnl::query::dst_md, 0);
    made.scratchpad = description.query_md(dnnl::query::scratchpad_md, 0);
    return made;
}

dnnl::primitive_attr user_scratchpad() { return make_attributes({}, 0); }

Dims dims_of(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
    return desc.get_dims();
#else
    return desc.dims();
#endif
}

template <typename Operation>
typename Operation::primitive_desc describe_convolution(const dnnl::engine& engine, const ConvolutionSpec& spec, algorithm direct,
                                                        std::string_view wanted = "") {
    const int mask = spec.grouped ? 3 : 1;
    const dnnl::primitive_attr attributes = make_attributes(spec.attributes, mask);
    const auto kind = prop_kind::forward_inference;
    if (spec.bias)
        return describe_as<Operation>(wanted, engine, attributes, kind, direct, spec.source, spec.weights, *spec.bias, spec.destination,
                                      spec.strides, spec.dilations, spec.pad_begin, spec.pad_end);
    return describe_as<Operation>(wanted, engine, attributes, kind, direct, spec.source, spec.weights, spec.destination, spec.strides,
                                  spec.dilations, spec.pad_begin, spec.pad_end);
}

/// The implementation that oneDNN takes first, or a faster one in the same layouts.
Primitive convolve(const dnnl::engine& engine, const ConvolutionSpec& spec) {
    using Operation = dnnl::convolution_forward;
    const auto first = describe_convolution<Operation>(engine, spec, algorithm::convolution_direct);
    if (const auto wanted = faster_kernel(spec, first.impl_info_str())) {
        ConvolutionSpec settled = spec;
        settled.source = first.query_md(dnnl::query::src_md, 0);
        settled.destination = first.query_md(dnnl::query::dst_md, 0);
        const auto other = describe_convolution<Operation>(engine, settled, algorithm::convolution_direct, *wanted);
        if (std::string_view(other.impl_info_str()).starts_with(*wanted)) return finish<Operation>(other);
    }
    return finish<Operation>(first);
}

}  // namespace

std::optional<dnnl::memory::data_type> data_type_of(DType dtype) {
    switch (dtype) {
        case DType::Float32: return dnnl::memory::data_type::f32;
        case DType::UInt8: return dnnl::memory::data_type::u8;
        case DType::Int8: return dnnl::memory::data_type::s8;
        case DType::Int32: return dnnl::memory::data_type::s32;
        default: return std::nullopt;
    }
}

Desc plain_desc(const Shape& shape, dnnl::memory::data_type type) {
    const Dims dims = shape.rank() == 0 ? Dims{1} : shape.dims();
    Dims strides(dims.size(), 1);
    for (std::size_t axis = dims.size() - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * dims[axis];
    return Desc(dims, type, strides);
}

Desc channels_last_desc(const Shape& shape, dnnl::memory::data_type type) {
    if (shape.rank() < 3) return plain_desc(shape, type);
    Dims strides(shape.dims().size(), 1);
    std::int64_t stride = shape[1];
    for (int axis = shape.rank() - 1; axis > 1; --axis) {
        strides[static_cast<std::size_t>(axis)] = stride;
        stride *= shape[axis];
    }
    strides[0] = stride;
    return Desc(shape.dims(), type, strides);
}

Desc any_desc(const Shape& shape, dnnl::memory::data_type type) {
    return Desc(shape.rank() == 0 ? Dims{1} : shape.dims(), type, dnnl::memory::format_tag::any);
}

Desc strided_desc(const Shape& shape, dnnl::memory::data_type type, const Dims& strides) { return Desc(shape.dims(), type, strides); }

Shape shape_of(const Desc& desc) { return Shape(dims_of(desc)); }

dnnl::memory::data_type element_type(const Desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
    return desc.get_data_type();
#else
    return desc.data_type();
#endif
}

Desc with_type(const Desc& desc, dnnl::memory::data_type type) {
#if DNNL_VERSION_MAJOR >= 3
    if (desc.get_inner_nblks() != 0) {
        // v3 hides the blocking: there is no public way to copy it, so let a primitive choose the layout again.
        return Desc(desc.get_dims(), type, dnnl::memory::format_tag::any);
    }
    return Desc(desc.get_dims(), type, desc.get_strides());
#else
    Desc copy = desc;
    copy.data.data_type = dnnl::memory::convert_to_c(type);
    return copy;
#endif
}

bool is_row_major(const Desc& desc) {
    const Shape shape = shape_of(desc);
    if (desc == plain_desc(shape, element_type(desc))) return true;
    const Dims row_major = shape.strides();
#if DNNL_VERSION_MAJOR >= 3
    if (desc.get_format_kind() != dnnl::memory::format_kind::blocked || desc.get_inner_nblks() != 0) return false;
    const Dims strides = desc.get_strides();
#else
    if (desc.data.format_kind != dnnl_blocked) return false;
    const Dims strides(desc.data.format_desc.blocking.strides, desc.data.format_desc.blocking.strides + desc.data.ndims);
#endif
    bool same = true;
    for (int axis = 0; axis < shape.rank(); ++axis)  // the stride of a single element means nothing
        same = same && (shape[axis] == 1 || strides[static_cast<std::size_t>(axis)] == row_major[static_cast<std::size_t>(axis)]);
#if DNNL_VERSION_MAJOR >= 3
    return same;
#else
    if (desc.data.format_desc.blocking.inner_nblks == 0) return same;
    // One block of channels over a single point without padding is the same sequence of elements.
    const auto& data = desc.data;
    if (data.format_kind != dnnl_blocked || data.format_desc.blocking.inner_nblks != 1 || data.format_desc.blocking.inner_idxs[0] != 1)
        return false;
    if (shape.rank() < 2 || shape[1] % data.format_desc.blocking.inner_blks[0] != 0 || shape.product(2, shape.rank()) != 1) return false;
    return shape[0] == 1 || data.format_desc.blocking.strides[0] == shape[1];
#endif
}

bool is_packed(const Desc& desc) {
    const auto elements = static_cast<std::size_t>(shape_of(desc).element_count());
    return desc.get_size() == elements * dnnl::memory::data_type_size(element_type(desc));
}

void set_window(ConvolutionSpec& spec, const Window& window, const Shape& source) {
    const bool transposed = spec.kind == ConvolutionKind::Transposed;
    for (std::size_t at = 0; at < window.size(); ++at) {
        const WindowAxis& axis = window[at];
        spec.strides.push_back(axis.stride);
        spec.dilations.push_back(axis.dilation - 1);
        spec.pad_begin.push_back(axis.pad_begin);
        const std::int64_t extent = source[static_cast<int>(at) + 2], reach = axis.dilation * (axis.kernel - 1) + 1;
        const std::int64_t wide = transposed ? axis.output : extent, narrow = transposed ? extent : axis.output;
        // oneDNN checks floor((wide + pads - reach) / stride) + 1 == narrow; output padding and ceil rounding need another end pad.
        const bool fits = (wide + axis.pad_begin + axis.pad_end - reach) / axis.stride + 1 == narrow;
        spec.pad_end.push_back(fits ? axis.pad_end : axis.stride * (narrow - 1) + reach - axis.pad_begin - wide);
    }
}

Primitive make_convolution(const dnnl::engine& engine, const ConvolutionSpec& spec) {
    if (spec.kind == ConvolutionKind::Transposed)
        return finish<dnnl::deconvolution_forward>(
            describe_convolution<dnnl::deconvolution_forward>(engine, spec, algorithm::deconvolution_direct));
    Primitive made = convolve(engine, spec);
    if (has_known_fault(spec, made)) throw dnnl::error(dnnl_unimplemented, "wrong in this version of oneDNN");
    return made;
}

Primitive make_inner_product(const dnnl::engine& engine, const ProductSpec& spec) {
    using Operation = dnnl::inner_product_forward;
    const dnnl::primitive_attr attributes = make_attributes(spec.attributes, 1);
    const auto kind = prop_kind::forward_inference;
    if (spec.bias)
        return finish<Operation>(describe<Operation>(engine, attributes, kind, spec.source, spec.weights, *spec.bias, spec.destination));
    return finish<Operation>(describe<Operation>(engine, attributes, kind, spec.source, spec.weights, spec.destination));
}

Primitive make_matmul(const dnnl::engine& engine, const ProductSpec& spec) {
    using Operation = dnnl::matmul;
    const dnnl::primitive_attr attributes = make_attributes(spec.attributes, 1 << (shape_of(spec.weights).rank() - 1));
    if (spec.bias)
        return finish<Operation>(describe<Operation>(engine, attributes, spec.source, spec.weights, *spec.bias, spec.destination));
    return finish<Operation>(describe<Operation>(engine, attributes, spec.source, spec.weights, spec.destination));
}

Primitive make_pooling(const dnnl::engine& engine, const PoolingSpec& spec) {
    const auto kind = prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    using Operation = dnnl::pooling_forward;
#else
    bool dilated = false;
    for (const auto dilation : spec.dilations) dilated = dilated || dilation != 0;
    if (!dilated) {
        using Undilated = dnnl::pooling_forward;
        return finish<Undilated>(describe<Undilated>(engine, user_scratchpad(), kind, spec.algorithm, spec.source, spec.destination,
                                                     spec.strides, spec.kernel, spec.pad_begin, spec.pad_end));
    }
    using Operation = dnnl::pooling_v2_forward;
#endif
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, spec.algorithm, spec.source, spec.destination,
                                                 spec.strides, spec.kernel, spec.dilations, spec.pad_begin, spec.pad_end));
}

Primitive make_eltwise(const dnnl::engine& engine, const EltwisePostOp& op, const Desc& layout) {
    using Operation = dnnl::eltwise_forward;
    const auto kind = prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, op.algorithm, layout, layout, op.alpha, op.beta));
#else
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, op.algorithm, layout, op.alpha, op.beta));
#endif
}

Primitive make_binary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& a, const Desc& b, const Desc& destination,
                      const AttributeSpec& attributes) {
    return finish<dnnl::binary>(describe<dnnl::binary>(engine, make_attributes(attributes, 0), algorithm, a, b, destination));
}

Primitive make_concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources, const std::optional<Desc>& destination) {
    const dnnl::primitive_attr attributes = user_scratchpad();
#if DNNL_VERSION_MAJOR >= 3
    if (destination) return finish<dnnl::concat>(dnnl::concat::primitive_desc(engine, *destination, axis, sources, attributes));
    return finish<dnnl::concat>(dnnl::concat::primitive_desc(engine, axis, sources, attributes));
#else
    if (destination) return finish<dnnl::concat>(dnnl::concat::primitive_desc(*destination, axis, sources, engine, attributes));
    return finish<dnnl::concat>(dnnl::concat::primitive_desc(axis, sources, engine, attributes));
#endif
}

Primitive make_softmax(const dnnl::engine& engine, SoftmaxKind softmax, const Desc& layout, int axis) {
    const auto kind = prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    using Operation = dnnl::softmax_forward;
#else
    using Operation = dnnl::softmax_v2_forward;
#endif
    const auto chosen = softmax == SoftmaxKind::Plain ? algorithm::softmax_accurate : algorithm::softmax_log;
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, chosen, layout, layout, axis));
}

Primitive make_layer_normalization(const dnnl::engine& engine, const Desc& layout, float epsilon, NormWeights weights) {
    using Operation = dnnl::layer_normalization_forward;
    using Flags = dnnl::normalization_flags;
    const Flags flags_of[] = {Flags::none, Flags::use_scale, Flags::use_scale | Flags::use_shift};
    const Flags flags = flags_of[static_cast<int>(weights)];
    const auto kind = prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, layout, layout, epsilon, flags));
#else
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), kind, layout, epsilon, flags));
#endif
}

Primitive make_reduction(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source, const Desc& destination) {
    return finish<dnnl::reduction>(describe<dnnl::reduction>(engine, user_scratchpad(), algorithm, source, destination, 0.0F, 0.0F));
}

Primitive make_resampling(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& source, const Shape& destination) {
    using Operation = dnnl::resampling_forward;
    const auto type = dnnl::memory::data_type::f32;
    const Desc layout = kResamplesRowMajor ? plain_desc(destination, type) : any_desc(destination, type);
    return finish<Operation>(describe<Operation>(engine, user_scratchpad(), prop_kind::forward_inference, algorithm, source, layout));
}

Primitive make_lrn(const dnnl::engine& engine, const Desc& layout, std::int64_t size, float alpha, float beta, float k) {
    using Operation = dnnl::lrn_forward;
    const auto kind = prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    return finish<Operation>(
        describe<Operation>(engine, user_scratchpad(), kind, algorithm::lrn_across_channels, layout, layout, size, alpha, beta, k));
#else
    return finish<Operation>(
        describe<Operation>(engine, user_scratchpad(), kind, algorithm::lrn_across_channels, layout, size, alpha, beta, k));
#endif
}

Primitive make_reorder(const dnnl::engine& engine, const Desc& source, const Desc& destination) {
    return finish<dnnl::reorder>(dnnl::reorder::primitive_desc(engine, source, engine, destination, user_scratchpad()));
}

RecurrentPrimitive make_recurrent(const dnnl::engine& engine, const RecurrentSpec& spec) {
    const auto make = [&]<typename Operation>(std::type_identity<Operation>, auto... cells) {
        using Direction = dnnl::rnn_direction;
        constexpr Direction kDirections[] = {Direction::unidirectional_left2right, Direction::unidirectional_right2left,
                                             Direction::bidirectional_concat};
        const Desc initial = spec.has_initial_state ? spec.state : Desc();
        const auto described = [&](auto... initial_cells) {
            return describe<Operation>(engine, user_scratchpad(), prop_kind::forward_inference,
                                       kDirections[static_cast<int>(spec.direction)], spec.source, initial, initial_cells..., spec.weights,
                                       spec.recurrent_weights, spec.bias, spec.destination, spec.state, cells...);
        }(((void)cells, initial)...);
        RecurrentPrimitive made{finish<Operation>(described), described.weights_iter_desc()};
        made.primitive.weights = described.weights_layer_desc();
        made.primitive.kernel = "rnn:" + made.primitive.kernel;  // its "ref" has matrix products and generated code, unlike others'
        return made;
    };
    switch (spec.cell) {
        case RecurrentCell::Lstm: return make(std::type_identity<dnnl::lstm_forward>{}, spec.state);
        case RecurrentCell::Gru: return make(std::type_identity<dnnl::gru_forward>{});
        default: return make(std::type_identity<dnnl::lbr_gru_forward>{});
    }
}

void execute_once(const dnnl::engine& engine, const Primitive& primitive, const std::vector<std::pair<int, dnnl::memory>>& arguments) {
    dnnl::stream stream(engine);
    std::unordered_map<int, dnnl::memory> all(arguments.begin(), arguments.end());
    all.emplace(DNNL_ARG_SCRATCHPAD, dnnl::memory(primitive.scratchpad, engine));
    primitive.primitive.execute(stream, all);
    stream.wait();
}

}  // namespace mcompress::onednn
