// Reading the attributes of Fourier transforms and windows.
#include "ops/attributes.h"
#include "ops/signal.h"

namespace mcompress {

DftAttrs DftAttrs::read(const Node& node) {
    DftAttrs attrs;
    const bool is_inverse = flag_attribute(node, "inverse", 0), is_half = flag_attribute(node, "onesided", 0);
    if (is_half) attrs.transform = is_inverse ? Transform::HalfToReal : Transform::RealToHalf;
    else if (is_inverse) attrs.transform = Transform::Inverse;
    if (node.opset_version() < 20) attrs.axis = int_attribute(node, "axis", 1);
    return attrs;
}

StftAttrs StftAttrs::read(const Node& node) { return {flag_attribute(node, "onesided", 1) ? Spectrum::Half : Spectrum::Full}; }

SignalWindowAttrs SignalWindowAttrs::read(const Node& node) {
    const std::int64_t number = int_attribute(node, "output_datatype", 1);
    if (number < 1 || number > 255 || !is_known_dtype(static_cast<int>(number)))
        reject_attribute(node, "output_datatype", format("is {}, which is no element type", number));
    SignalWindowAttrs attrs;
    attrs.dtype = static_cast<DType>(number);
    if (!node.is("MelWeightMatrix") && !flag_attribute(node, "periodic", 1)) attrs.form = Form::Symmetric;
    return attrs;
}

}  // namespace mcompress
