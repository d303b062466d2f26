// Reading raw attributes, for the typed attribute structs of the operator families only: passes and kernels read those structs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// The typed attributes of a node, e.g. attrs<ConvAttrs>(node). Each struct documents defaults and hides version differences.
/// Throws kAttributeInvalid naming node and attribute.
template <typename Attrs> Attrs attrs(const Node& node) { return Attrs::read(node); }

std::int64_t int_attribute(const Node& node, std::string_view name, std::int64_t fallback);
std::int64_t required_int_attribute(const Node& node, std::string_view name);
/// An attribute that is 0 or 1.
bool flag_attribute(const Node& node, std::string_view name, std::int64_t fallback);
float float_attribute(const Node& node, std::string_view name, float fallback);
std::string string_attribute(const Node& node, std::string_view name, std::string fallback);
std::vector<std::int64_t> ints_attribute(const Node& node, std::string_view name, std::vector<std::int64_t> fallback = {});
std::vector<float> floats_attribute(const Node& node, std::string_view name, std::vector<float> fallback = {});
std::vector<std::string> strings_attribute(const Node& node, std::string_view name, std::vector<std::string> fallback = {});
const Tensor* tensor_attribute(const Node& node, std::string_view name);
/// Null when absent.
Graph* graph_attribute(const Node& node, std::string_view name);
bool has_attribute(const Node& node, std::string_view name);
[[noreturn]] void reject_attribute(const Node& node, std::string_view name, std::string problem);

/// Position of a string attribute's value in a list of the allowed ones; rejects any other value.
template <typename Enum, std::size_t N>
Enum enum_attribute(const Node& node, std::string_view name, Enum fallback, const std::string_view (&allowed)[N]) {
    if (!has_attribute(node, name)) return fallback;
    const std::string text = string_attribute(node, name, {});
    for (std::size_t index = 0; index < N; ++index)
        if (text == allowed[index]) return static_cast<Enum>(index);
    reject_attribute(node, name, "has the unknown value '" + text + "'");
}

/// The tensor a value is known to hold before execution: an initializer or the `value` of a Constant node. Null otherwise.
const Tensor* known_tensor(const Value* value);
/// Elements of an int32 or int64 tensor, row-major; nothing for other types.
std::optional<std::vector<std::int64_t>> integers_of(const Tensor& tensor);
/// The one element of a numeric tensor (int4 to float64) as double; nothing when it has another count or is not numeric.
std::optional<double> scalar_of(const Tensor& tensor);

/// A list of integers that old opsets give as an attribute and new ones as an input.
struct IntegersSource {
    int input = -1;  // which input holds the list; -1: an attribute, or absent
    /// The list, when it is an attribute or an input whose value is known before execution.
    std::optional<std::vector<std::int64_t>> values;

    bool is_absent() const { return input < 0 && !values; }

    static IntegersSource from_attribute(const Node& node, std::string_view name);
    static IntegersSource from_input(const Node& node, int index);
};

/// A number that old opsets give as an attribute and new ones as an input.
struct ScalarSource {
    int input = -1;               // which input holds it; -1: an attribute, or absent
    std::optional<double> value;  // when it is an attribute or an input whose value is known before execution

    bool is_absent() const { return input < 0 && !value; }
    /// Absent or a known number.
    bool is_settled() const { return input < 0 || value.has_value(); }

    static ScalarSource from_attribute(const Node& node, std::string_view name);
    static ScalarSource from_input(const Node& node, int index);
};

}  // namespace mcompress
