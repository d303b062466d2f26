#include "quant/scheme.h"

#include "quant/target.h"
#include "support/error.h"

namespace mcompress {
namespace {

void check_activations(const Target& target, DType dtype, Symmetry symmetry, const std::string& of) {
    std::string taken;
    for (const DType each : target.activation_dtypes) taken += (taken.empty() ? "" : ", ") + std::string(dtype_name(each));
    if (!target.takes(dtype))
        throw Error(codes::kUsage, format("{} does not take {} of type {}", target.runtime, of, dtype_name(dtype)), "it takes " + taken);
    if (!target.takes_zero_points && symmetry != Symmetry::Symmetric)
        throw Error(codes::kUsage, format("{} takes no zero points: {} must be symmetric", target.runtime, of),
                    "leave the symmetry to the target");
}

}  // namespace

DType QuantizationScheme::dtype_of(const std::string& value) const {
    const auto found = activation_dtypes.find(value);
    return found == activation_dtypes.end() ? activation_dtype : found->second;
}

Symmetry QuantizationScheme::symmetry_of(const std::string& value) const {
    const auto found = activation_symmetries.find(value);
    return found == activation_symmetries.end() ? activation_symmetry : found->second;
}

void check_scheme(const QuantizationScheme& scheme) {
    find_range_method(scheme.range_method);
    const Target& target = find_target(scheme.target);
    check_activations(target, scheme.activation_dtype, scheme.activation_symmetry, "activations");
    for (const auto& [name, dtype] : scheme.activation_dtypes)
        check_activations(target, dtype, scheme.activation_symmetry, format("a value ('{}')", name));
    for (const auto& [name, symmetry] : scheme.activation_symmetries)
        check_activations(target, scheme.activation_dtype, symmetry, format("a value ('{}')", name));
    if (scheme.weight_dtype != DType::Int8)
        throw Error(codes::kUsage, format("weights cannot be quantized to {}", dtype_name(scheme.weight_dtype)), "use int8");
    check_weight_only(scheme.weight_only);
}

}  // namespace mcompress
