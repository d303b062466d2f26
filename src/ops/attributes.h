// Reading raw attributes, for the typed attribute structs of the operator families only: passes and kernels read those structs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/node.h"

namespace mcompress {

/// The typed attributes of a node, e.g. attrs<ConvAttrs>(node). Each struct documents defaults and hides version differences.
/// Throws kAttributeInvalid naming node and attribute.
template <typename Attrs>
Attrs attrs(const Node& node) {
    return Attrs::read(node);
}

std::int64_t int_attribute(const Node& node, std::string_view name, std::int64_t fallback);
float float_attribute(const Node& node, std::string_view name, float fallback);
std::string string_attribute(const Node& node, std::string_view name, std::string fallback);
std::vector<std::int64_t> ints_attribute(const Node& node, std::string_view name, std::vector<std::int64_t> fallback = {});
std::vector<float> floats_attribute(const Node& node, std::string_view name, std::vector<float> fallback = {});
const Tensor* tensor_attribute(const Node& node, std::string_view name);
bool has_attribute(const Node& node, std::string_view name);
[[noreturn]] void reject_attribute(const Node& node, std::string_view name, std::string problem);

}  // namespace mcompress
