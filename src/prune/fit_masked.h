// Weights under a mask that make up for those the mask takes away.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "prune/mask.h"

namespace mcompress {

/// One group's problem: W [outputs, inputs] applied to x is to be met by V applied to x'.
struct MaskedProblem {
    std::int64_t outputs = 0;
    std::int64_t inputs = 0;
    std::span<const float> weights;   // W
    std::span<const double> moments;  // A = E[x' x'^T]
    std::span<const double> cross;    // D = E[x x'^T]
    double damping = 0.01;            // d: correlations are trusted 1 / (1 + d)
    int threads = 1;
    std::span<const double> shift = {};  // E[t x'^T], [outputs, inputs], where W x + t is to be met; empty: no t
};

/// Least squares under a mask in closed form, row by row: V minimises E (W x + t - V x')^2 + d sum_j A_jj (v_j - w_j)^2 over the weights that stay: the
/// solution for moments whose correlations are shrunk by 1 / (1 + d), whatever the scales of the inputs. With G = d diag(A) it is
///     v_S = (A + G)_SS^-1 (W D + E[t x'^T] + W G)_S
/// or, where fewer weights go than stay, v = u - B_:Z (B_ZZ)^-1 u_Z with B = (A + G)^-1 and u = (W D + E[t x'^T] + W G) B. For t = 0, x' = x and d = 0 that is
/// w_S = (A_SS)^-1 A_S: w (AdaPrune: Hubara et al. 2021, in closed form). Inputs that never vary keep the weights they have. Empty when A is not finite.
std::vector<float> fit_masked(const MaskedProblem& problem, const Mask& mask);

/// Chooses what a panel of columns loses: their current weights [outputs, width] and the diagonal of the factor [width] → a mask [outputs, width].
using ChoosePanel =
    std::function<Mask(std::span<const float> weights, std::span<const float> factor, std::int64_t first, std::int64_t width)>;

/// SparseGPT (Frantar and Alistarh 2023): walks over the columns in `order`; each weight taken out passes its error on to the columns behind it. Panels have
/// `panel` columns. Returns weights and mask as they lie. Empty when the moments have no factor.
struct WalkedWeights {
    std::vector<float> weights;
    Mask mask;
};
WalkedWeights walk_masked(const MaskedProblem& problem, std::span<const std::int32_t> order, std::int64_t panel, const ChoosePanel& choose);

}  // namespace mcompress
