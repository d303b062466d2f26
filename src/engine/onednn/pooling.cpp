// MaxPool, AveragePool and GlobalAveragePool in float.
#include "engine/onednn/operators.h"
#include "ops/attributes.h"
#include "ops/pool.h"

namespace mcompress::onednn {

namespace {

Built add_pooling(PlanBuilder& builder, const Node& node, PoolingSpec spec) {
    const BufferId source = builder.any_form(node.input(0));
    spec.source = builder.desc(source);
    spec.destination = any_desc(builder.shape(node.output(0)), element_type(spec.source));
    Primitive primitive = make_pooling(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    const Desc layout = primitive.destination;
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, builder.result(node.output(0), layout)}});
    return Built::Yes;
}

bool is_poolable(const PlanBuilder& builder, const Node& node) {
    return builder.is_dense(node.input(0), DType::Float32) && builder.is_dense(node.output(0), DType::Float32) &&
           builder.shape(node.input(0)).rank() >= 3 && builder.shape(node.input(0)).rank() <= 5 && !builder.is_known(node.input(0));
}

}  // namespace

Built build_pooling(PlanBuilder& builder, const Node& node) {
    if (!is_poolable(builder, node) || node.output(1)) return Built::No;
    const auto pool = attrs<PoolAttrs>(node);
    const Shape source = builder.shape(node.input(0));
    PoolingSpec spec;
    spec.algorithm = dnnl::algorithm::pooling_max;
    if (node.is("AveragePool"))
        spec.algorithm =
            pool.count_include_pad ? dnnl::algorithm::pooling_avg_include_padding : dnnl::algorithm::pooling_avg_exclude_padding;
    int axis = 2;
    for (const WindowAxis& window : pool.geometry(source)) {
        const std::int64_t end =
            window.stride * (window.output - 1) + window.dilation * (window.kernel - 1) + 1 - window.pad_begin - source[axis++];
        // A window that hangs over the declared padding counts fewer elements in ONNX than oneDNN would count.
        if (pool.count_include_pad && end > window.pad_end) return Built::No;
        spec.strides.push_back(window.stride);
        spec.kernel.push_back(window.kernel);
        spec.dilations.push_back(window.dilation - 1);
        spec.pad_begin.push_back(window.pad_begin);
        spec.pad_end.push_back(end);
    }
    return add_pooling(builder, node, std::move(spec));
}

Built build_global_average(PlanBuilder& builder, const Node& node) {
    if (!is_poolable(builder, node)) return Built::No;
    const Shape source = builder.shape(node.input(0));
    PoolingSpec spec;
    spec.algorithm = dnnl::algorithm::pooling_avg_exclude_padding;
    for (int axis = 2; axis < source.rank(); ++axis) {
        spec.strides.push_back(1);
        spec.kernel.push_back(source[axis]);
        spec.dilations.push_back(0);
        spec.pad_begin.push_back(0);
        spec.pad_end.push_back(0);
    }
    return add_pooling(builder, node, std::move(spec));
}

}  // namespace mcompress::onednn
