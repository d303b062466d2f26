// A product or convolution written as two or three smaller ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// Product  y = L (R x): for a convolution, the kernel's window first, then 1x1.
/// Spatial  a column window (h x 1) first, then a row window (1 x w).
/// Tucker   1x1 to fewer channels, the window on these, 1x1 to the outputs.
enum class FactorForm { Product, Spatial, Tucker };

std::string_view form_name(FactorForm form);

/// Why the node cannot be written in that form; empty when it can. Requires a Conv without groups, Gemm or MatMul whose weight is a known float32 tensor.
std::string why_not_in_form(const Node& node, FactorForm form);

/// Matrices of the factors in the order of the data, row-major [outputs, columns]; columns of windows in the order channel, row, column.
struct FactorMatrix {
    std::int64_t outputs = 0;
    std::int64_t columns = 0;
    std::vector<float> values;
};

/// Puts the factors in the node's place. The node itself becomes the last of them: its name, its output and what reads it stay; so does its bias. Requires an empty
/// why_not_in_form(); returns the nodes in the order of the data.
std::vector<Node*> write_factors(Node* node, FactorForm form, const std::vector<FactorMatrix>& factors);

}  // namespace mcompress
