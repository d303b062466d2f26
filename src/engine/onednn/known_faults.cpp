#include "engine/onednn/known_faults.h"

#include <algorithm>

namespace mcompress::onednn {

namespace {

bool is_integer(const Desc& desc) {
    const auto type = element_type(desc);
    return type == dnnl::memory::data_type::s8 || type == dnnl::memory::data_type::u8;
}

#if DNNL_VERSION_MAJOR >= 3

/// Some window along an axis meets no point of the source.
bool sees_only_padding(const ConvolutionSpec& spec) {
    const Shape source = shape_of(spec.source), weights = shape_of(spec.weights), destination = shape_of(spec.destination);
    for (std::size_t at = 0; at < spec.strides.size(); ++at) {
        const int axis = static_cast<int>(at) + 2;
        const std::int64_t kernel = weights[weights.rank() - source.rank() + axis], spacing = spec.dilations[at] + 1;
        for (std::int64_t place = 0; place < destination[axis]; ++place) {
            const std::int64_t first = place * spec.strides[at] - spec.pad_begin[at];
            bool meets = false;
            for (std::int64_t tap = 0; tap < kernel; ++tap) {
                const std::int64_t position = first + tap * spacing;
                meets = meets || (position >= 0 && position < source[axis]);
            }
            if (!meets) return true;
        }
    }
    return false;
}

#else

bool has_binary(const AttributeSpec& attributes) {
    return std::ranges::any_of(attributes.post_ops,
                               [](const PostOp& operation) { return std::holds_alternative<BinaryPostOp>(operation); });
}

#endif

}  // namespace

bool has_known_fault(const ConvolutionSpec& spec, const Primitive& made) {
    if (spec.kind != ConvolutionKind::Direct) return false;
#if DNNL_VERSION_MAJOR >= 3
    if (!made.kernel.starts_with("brg_conv_fwd")) return false;
    // One channel of the source is read as if it were its lines.
    const bool has_unlike_strides = spec.strides.size() == 2 && spec.strides[0] != spec.strides[1];
    return (shape_of(spec.source)[1] == 1 && has_unlike_strides) || (is_integer(spec.source) && sees_only_padding(spec));
#else
    // What the zero point adds is wrong where windows of groups reach into the padding.
    if (is_integer(spec.source) && spec.grouped && made.kernel.find("gemm") != std::string::npos) return true;
    // Depthwise convolutions to a single point add other channels than those behind the last whole block.
    const Shape destination = shape_of(spec.destination);
    return has_binary(spec.attributes) && made.kernel.starts_with("brdgmm") && destination.product(2, destination.rank()) == 1 &&
           destination[1] % 16 != 0;
#endif
}

}  // namespace mcompress::onednn
