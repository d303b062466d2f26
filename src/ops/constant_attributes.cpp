// The tensors that Constant and ConstantOfShape hold, whatever attribute gives them.
#include "ops/shape.h"

namespace mcompress {

namespace {

template <typename T> Tensor list_tensor(const std::vector<T>& values) {
    return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

ConstantAttrs ConstantAttrs::read(const Node& node) {
    if (const Tensor* value = tensor_attribute(node, "value")) return {*value};
    if (has_attribute(node, "value_int")) return {Tensor::scalar(int_attribute(node, "value_int", 0))};
    if (has_attribute(node, "value_float")) return {Tensor::scalar(float_attribute(node, "value_float", 0.0F))};
    if (has_attribute(node, "value_ints")) return {list_tensor(ints_attribute(node, "value_ints"))};
    if (has_attribute(node, "value_floats")) return {list_tensor(floats_attribute(node, "value_floats"))};
    if (has_attribute(node, "value_string")) return {Tensor::from_strings(Shape{}, {string_attribute(node, "value_string", {})})};
    if (has_attribute(node, "value_strings")) {
        auto strings = strings_attribute(node, "value_strings");
        const auto count = static_cast<std::int64_t>(strings.size());
        return {Tensor::from_strings(Shape{count}, std::move(strings))};
    }
    if (has_attribute(node, "sparse_value")) return {};
    reject_attribute(node, "value", "is missing");
}

ConstantOfShapeAttrs ConstantOfShapeAttrs::read(const Node& node) {
    const Tensor* value = tensor_attribute(node, "value");
    if (!value) return {Tensor::scalar(0.0F)};
    if (value->element_count() != 1) reject_attribute(node, "value", format("has {} elements, expected 1", value->element_count()));
    return {*value};
}

}  // namespace mcompress
