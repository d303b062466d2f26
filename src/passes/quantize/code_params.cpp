#include "passes/quantize/code_params.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "ops/attributes.h"
#include "ops/quantization.h"
#include "passes/quantize/qdq_pair.h"

namespace mcompress {

std::optional<QuantParams> code_params(const Node& node) {
    if (!node.input(0) || !node.input(1) || attrs<QuantizeLinearAttrs>(node).block_size != 0) return std::nullopt;
    std::optional<QuantParams> params = params_of(node);
    if (!params) return std::nullopt;
    const bool quantizes = node.is("QuantizeLinear");
    params->dtype = quantizes ? quantized_dtype(node) : node.input(0)->type().dtype;
    if (params->dtype != DType::UInt8 && params->dtype != DType::Int8) return std::nullopt;
    if (!(params->scale > 0.0F) || !std::isfinite(params->scale)) return std::nullopt;
    return params;
}

bool is_all_zero(const Tensor* tensor) {
    const auto holds_zeros = [](const auto& values) { return std::ranges::all_of(values, [](auto value) { return value == 0; }); };
    if (!tensor) return false;
    switch (tensor->dtype()) {
        case DType::Int32: return holds_zeros(tensor->values<std::int32_t>());
        case DType::Int8: return holds_zeros(tensor->values<std::int8_t>());
        case DType::UInt8: return holds_zeros(tensor->values<std::uint8_t>());
        default: return false;
    }
}

std::string without_code_suffix(std::string_view name) {
    return std::string(name.size() > 2 && name.ends_with("_q") ? name.substr(0, name.size() - 2) : name);
}

void erase_idle_dequantizers(Graph& graph) {
    std::vector<Node*> order = graph.order();
    std::unordered_set<const Value*> seen;
    std::vector<Value*> released;  // constants may be nodes of the order, so they go last
    for (auto at = order.rbegin(); at != order.rend(); ++at) {
        Node* node = *at;
        if ((!node->is("DequantizeLinear") && !node->is("QuantizeLinear")) || !node->output(0)->is_unused()) continue;
        for (Value* input : node->inputs())
            if (known_tensor(input) && !seen.contains(input)) {
                seen.insert(input);
                released.push_back(input);
            }
        graph.erase(node);
    }
    for (Value* value : released) erase_if_unused(value);
}

}  // namespace mcompress
