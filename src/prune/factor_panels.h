// The factor that SparseGPT walks along, a panel of rows at a time.
#pragma once

#include <memory>

#include "prune/fit_masked.h"

namespace mcompress {

/// Upper U with U^T U = (A + G)^-1, columns in the order of the walk.
class FactorPanels {
public:
    virtual ~FactorPanels() = default;

    /// Rows [begin, begin + width) from column `begin` on, [width, inputs - begin]; panels in rising order. Empty when there is no factor.
    virtual std::vector<float> panel(std::size_t begin, std::size_t width) = 0;
};

/// Of A + G (damping_terms.h). `problem` and `order` must outlive it.
std::unique_ptr<FactorPanels> factor_panels(const MaskedProblem& problem, std::span<const std::int32_t> order);

}  // namespace mcompress
