// What the 8-bit codes of a QuantizeLinear or DequantizeLinear mean, and taking such nodes away.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ir/graph.h"
#include "quant/params.h"

namespace mcompress {

/// One known, positive scale and zero point of 8-bit codes; nothing for other types, computed parameters, one scale a channel or a block.
std::optional<QuantParams> code_params(const Node& node);

/// Whether a known tensor holds nothing but integer zeros. False for null.
bool is_all_zero(const Tensor* tensor);

/// "x" for the codes "x_q"; other names stay.
std::string without_code_suffix(std::string_view name);

/// Erases DequantizeLinear and QuantizeLinear nodes whose results nobody reads, with constants that nobody else reads.
void erase_idle_dequantizers(Graph& graph);

}  // namespace mcompress
