#include "ops/attributes.h"

#include "tensor/float16.h"

namespace mcompress {

namespace {

template <typename T> const T* find_as(const Node& node, std::string_view name, std::string_view wanted) {
    const Attribute* attribute = node.attribute(name);
    if (!attribute) return nullptr;
    if (const T* value = std::get_if<T>(&attribute->value)) return value;
    reject_attribute(node, name, format("is of kind '{}', expected '{}'", attribute_kind(attribute->value), wanted));
}

template <typename T> std::vector<std::int64_t> widened(const Tensor& tensor) {
    const auto values = tensor.values<T>();
    return {values.begin(), values.end()};
}

template <typename T> double only(const Tensor& tensor) { return static_cast<double>(tensor.values<T>()[0]); }

}  // namespace

void reject_attribute(const Node& node, std::string_view name, std::string problem) {
    fail(codes::kAttributeInvalid, "{}: attribute '{}' {}", node.label(), name, problem);
}

bool has_attribute(const Node& node, std::string_view name) { return node.attribute(name) != nullptr; }

std::int64_t int_attribute(const Node& node, std::string_view name, std::int64_t fallback) {
    const auto* value = find_as<std::int64_t>(node, name, "int");
    return value ? *value : fallback;
}

std::int64_t required_int_attribute(const Node& node, std::string_view name) {
    const auto* value = find_as<std::int64_t>(node, name, "int");
    if (!value) reject_attribute(node, name, "is missing");
    return *value;
}

bool flag_attribute(const Node& node, std::string_view name, std::int64_t fallback) { return int_attribute(node, name, fallback) != 0; }

float float_attribute(const Node& node, std::string_view name, float fallback) {
    const auto* value = find_as<float>(node, name, "float");
    return value ? *value : fallback;
}

std::string string_attribute(const Node& node, std::string_view name, std::string fallback) {
    const auto* value = find_as<std::string>(node, name, "string");
    return value ? *value : fallback;
}

std::vector<std::int64_t> ints_attribute(const Node& node, std::string_view name, std::vector<std::int64_t> fallback) {
    const auto* value = find_as<std::vector<std::int64_t>>(node, name, "ints");
    return value ? *value : fallback;
}

std::vector<float> floats_attribute(const Node& node, std::string_view name, std::vector<float> fallback) {
    const auto* value = find_as<std::vector<float>>(node, name, "floats");
    return value ? *value : fallback;
}

std::vector<std::string> strings_attribute(const Node& node, std::string_view name, std::vector<std::string> fallback) {
    const auto* value = find_as<std::vector<std::string>>(node, name, "strings");
    return value ? *value : fallback;
}

const Tensor* tensor_attribute(const Node& node, std::string_view name) { return find_as<Tensor>(node, name, "tensor"); }

Graph* graph_attribute(const Node& node, std::string_view name) {
    const auto* value = find_as<std::shared_ptr<Graph>>(node, name, "graph");
    return value ? value->get() : nullptr;
}

const Tensor* known_tensor(const Value* value) {
    if (!value) return nullptr;
    if (const Tensor* constant = value->constant()) return constant;
    const Node* producer = value->producer();
    if (!producer || !producer->is("Constant")) return nullptr;
    const Attribute* attribute = producer->attribute("value");
    return attribute ? std::get_if<Tensor>(&attribute->value) : nullptr;
}

std::optional<std::vector<std::int64_t>> integers_of(const Tensor& tensor) {
    if (tensor.dtype() == DType::Int64) return widened<std::int64_t>(tensor);
    if (tensor.dtype() == DType::Int32) return widened<std::int32_t>(tensor);
    return std::nullopt;
}

std::optional<double> scalar_of(const Tensor& tensor) {
    if (tensor.element_count() != 1) return std::nullopt;
    switch (tensor.dtype()) {
        case DType::Float32: return only<float>(tensor);
        case DType::Float64: return only<double>(tensor);
        case DType::Float16: return to_float(tensor.values<Float16>()[0]);
        case DType::BFloat16: return to_float(tensor.values<BFloat16>()[0]);
        case DType::Int8: return only<std::int8_t>(tensor);
        case DType::UInt8: return only<std::uint8_t>(tensor);
        case DType::Int16: return only<std::int16_t>(tensor);
        case DType::UInt16: return only<std::uint16_t>(tensor);
        case DType::Int32: return only<std::int32_t>(tensor);
        case DType::UInt32: return only<std::uint32_t>(tensor);
        case DType::Int64: return only<std::int64_t>(tensor);
        case DType::UInt64: return only<std::uint64_t>(tensor);
        case DType::Bool: return only<std::uint8_t>(tensor);
        default: return std::nullopt;
    }
}

IntegersSource IntegersSource::from_attribute(const Node& node, std::string_view name) {
    IntegersSource source;
    if (has_attribute(node, name)) source.values = ints_attribute(node, name);
    return source;
}

IntegersSource IntegersSource::from_input(const Node& node, int index) {
    IntegersSource source;
    if (!node.input(index)) return source;
    source.input = index;
    if (const Tensor* tensor = known_tensor(node.input(index))) source.values = integers_of(*tensor);
    return source;
}

ScalarSource ScalarSource::from_attribute(const Node& node, std::string_view name) {
    ScalarSource source;
    if (has_attribute(node, name)) source.value = float_attribute(node, name, 0.0F);
    return source;
}

ScalarSource ScalarSource::from_input(const Node& node, int index) {
    ScalarSource source;
    if (!node.input(index)) return source;
    source.input = index;
    if (const Tensor* tensor = known_tensor(node.input(index))) source.value = scalar_of(*tensor);
    return source;
}

}  // namespace mcompress
