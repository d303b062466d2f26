// How many zeros it takes for the weights to pack into so many bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ir/graph.h"
#include "prune/budget.h"

namespace mcompress {

/// Exactly as a packed model has them, or an estimate in a fraction of the time.
enum class PackedCare { Exact, Estimate };

/// What all constants of the main graph may take together once they are packed.
struct PackedGoal {
    std::int64_t bytes = 0;
    /// Of elements of `width` bytes; several threads call it.
    std::function<std::int64_t(std::span<const std::byte> elements, std::size_t width, PackedCare care)> bytes_of;
};

/// Of the graph's constants that something reads as they are, exactly.
std::int64_t packed_bytes(const Graph& graph, const PackedGoal& goal, int threads);

/// What each layer's weights pack into, estimated, by their share of zeros. Which weights go matters little for that: here those of the least w^2.
class PackedSizes {
public:
    PackedSizes(std::span<const BudgetLayer> layers, const Pattern& pattern, const PackedGoal& goal, int threads);

    /// Of all layers with these zeros; linear between the shares that were packed.
    double of(std::span<const std::int64_t> zeros) const;

private:
    std::vector<std::vector<double>> bytes_;  // by layer, by share
    std::vector<double> weights_;             // by layer
};

/// The least share of zeros, in steps of 1/4096, with which the scope's choice packs into `bytes`. Throws kUsage when no share does.
double sparsity_for(Scope scope, std::span<const BudgetLayer> layers, const PackedSizes& sizes, double bytes);

}  // namespace mcompress
