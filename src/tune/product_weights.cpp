#include "tune/product_weights.h"

#include <algorithm>
#include <cmath>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"

namespace mcompress {

namespace {

/// The element of group g, output o, input i and tap t lies at g group_stride + o output_stride + i input_stride + t.
struct WeightLayout {
    std::int64_t groups = 1, outputs = 1, inputs = 1, taps = 1;  // outputs and inputs of one group
    std::int64_t group_stride = 0, output_stride = 0, input_stride = 0;
};

WeightLayout layout_of(const Node& node, const Shape& shape) {
    if (node.is("Conv")) {
        const std::int64_t groups = attrs<ConvAttrs>(node).group;
        const std::int64_t taps = shape.product(2, shape.rank());
        return {groups, shape[0] / groups, shape[1], taps, shape[0] / groups * shape[1] * taps, shape[1] * taps, taps};
    }
    if (node.is("ConvTranspose")) {
        const std::int64_t groups = attrs<ConvTransposeAttrs>(node).group;
        const std::int64_t taps = shape.product(2, shape.rank());
        return {groups, shape[1], shape[0] / groups, taps, shape[0] / groups * shape[1] * taps, taps, shape[1] * taps};
    }
    if (node.is("Gemm") && attrs<GemmAttrs>(node).b == MatrixOrder::Transposed) return {1, shape[0], shape[1], 1, 0, shape[1], 1};
    return {1, shape[1], shape[0], 1, 0, 1, shape[1]};
}

}  // namespace

bool is_product(const Node& node) { return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul"); }

ProductWeights read_weights(const Node& node) {
    const Tensor& tensor = *known_tensor(node.input(1));
    const WeightLayout layout = layout_of(node, tensor.shape());
    ProductWeights weights{static_cast<std::size_t>(layout.groups),
                           static_cast<std::size_t>(layout.outputs),
                           static_cast<std::size_t>(layout.inputs),
                           static_cast<std::size_t>(layout.taps),
                           {},
                           {}};
    weights.energy.assign(weights.groups * weights.inputs_per_group, 0.0);
    weights.magnitude.reserve(static_cast<std::size_t>(layout.groups * layout.outputs * layout.inputs));
    const float* values = tensor.data<float>();
    for (std::int64_t group = 0; group < layout.groups; ++group)
        for (std::int64_t output = 0; output < layout.outputs; ++output)
            for (std::int64_t input = 0; input < layout.inputs; ++input) {
                const float* taps = values + group * layout.group_stride + output * layout.output_stride + input * layout.input_stride;
                float greatest = 0.0F;
                double energy = 0.0;
                for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
                    greatest = std::max(greatest, std::abs(taps[tap]));
                    energy += static_cast<double>(taps[tap]) * static_cast<double>(taps[tap]);
                }
                weights.magnitude.push_back(greatest);
                weights.energy[static_cast<std::size_t>(group * layout.inputs + input)] += energy;
            }
    return weights;
}

}  // namespace mcompress
