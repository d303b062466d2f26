// How many zeros each layer gets: the table of scopes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "prune/pattern.h"

namespace mcompress {

enum class Scope { Uniform, Global, Erk, Lamp, Measured };

struct ScopeRow {
    Scope scope;
    std::string_view name;
    std::string_view summary;
    bool keeps_depthwise;  // shares that do not look at the weights leave depthwise convolutions dense where they can
};

std::span<const ScopeRow> all_scopes();
const ScopeRow& scope_row(Scope scope);

/// What a layer's weights cost when a share of them is zero.
struct ErrorPoint {
    double sparsity = 0.0;
    double error = 0.0;  // what is added to the model's relative error
};

struct BudgetLayer {
    WeightGrid grid;
    std::span<const float> weights = {};        // Global, Lamp
    std::vector<ErrorPoint> errors = {};        // Measured: by rising sparsity
    std::optional<double> fixed_sparsity = {};  // what the user said
};

/// Zeros by layer: round(sparsity * weights) over the layers whose share is not fixed, exactly.
///   uniform   the same share everywhere; depthwise convolutions stay dense unless the others would lose more than half of their density by that
///   global    one threshold of |w|
///   erk       density ~ (outputs + channels + kernel extents) / weights (Evci et al. 2020), clipped at 1; depthwise convolutions as under uniform
///   lamp      one threshold of w^2 / sum of the squares of the layer's weights that are no smaller (Lee et al. 2021)
///   measured  the least sum of errors: along the lower convex hulls of the layers' error tables, the cheapest step first
std::vector<std::int64_t> zeros_by_layer(Scope scope, std::span<const BudgetLayer> layers, double sparsity);

}  // namespace mcompress
