// Weights under a mask that make up for those the mask takes away.
#pragma once

#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "prune/damped_inverses.h"
#include "prune/mask.h"

namespace mcompress {

/// What is to be met, as moments of the input x' and of what is to come out, y.
struct FitMoments {
    std::span<const double> inputs;      // A = E[x' x'^T], [inputs, inputs]
    std::span<const double> wanted;      // E[y x'^T], [outputs, inputs]
    DampedInverses* inverses = nullptr;  // of A, where several masks are fitted; else found anew
};

/// The same as rows, for fewer of them than inputs: A then has a small rank, and nothing of its size is needed.
struct FitRows {
    std::int64_t count = 0;
    std::span<const float> inputs;   // x', [count, inputs]
    std::span<const float> wanted;   // y, [count, outputs]
    std::span<const double> spread;  // the diagonal of A
};

/// One group's problem: V x' is to be y.
struct MaskedProblem {
    std::int64_t outputs = 0;
    std::int64_t inputs = 0;
    std::span<const float> weights;  // W
    std::variant<FitMoments, FitRows> given;
    double damping = 0.01;  // d: correlations are trusted 1 / (1 + d)
    int threads = 1;
};

/// Least squares under a mask in closed form, row by row: V minimises E (y - V x')^2 + sum_j G_j (v_j - w_j)^2 over the weights that stay, G = d diag(A): the
/// solution for moments whose correlations are shrunk by 1 / (1 + d), whatever the scales of the inputs. From moments that is
///     v_S = (A + G)_SS^-1 (E[y x'^T] + W G)_S
/// or, where fewer weights go than stay, v = u - B_:Z (B_ZZ)^-1 u_Z with B = (A + G)^-1 and u = (E[y x'^T] + W G) B; from n rows X'
///     v_S = w_S + (X' G^-1)_S^T (n I + X'_S G_S^-1 X'_S^T)^-1 (y - X'_S w_S),
/// the same for matrices of n rows. For y = W x, x' = x and d = 0 that is w_S = (A_SS)^-1 A_S: w (AdaPrune: Hubara et al. 2021, in closed form). Inputs that
/// never vary keep the weights they have. Empty when the moments are not finite.
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
