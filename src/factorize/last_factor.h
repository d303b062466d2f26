// The last factor of a layer fitted to what the factors before it give, and judged on rows that nothing was fitted to.
#pragma once

#include <vector>

#include "factorize/low_rank.h"
#include "tune/layer_samples.h"

namespace mcompress {

/// A last factor with what it adds to the layer's bias (nothing where the layer cannot have one).
struct LastFactor {
    Matrix factor;              // [m, q]
    std::vector<double> shift;  // [m], or empty
};

enum class BiasUse { None, Mean };  // Mean: the bias takes up the mean error

// What a last factor is to give is W x of the exact rows; where both have residuals, s and s', it is W x + s - s', so that the sum behind the layer is right
// whatever was lost before it.

/// With z = front x': the given factor, its bias shifted to the mean of what is wanted on these rows.
LastFactor with_bias(Matrix factor, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                     BiasUse bias);

/// With the least E |y - L z - shift|^2 + d sum_j E[z_j^2] |l_j - l0_j|^2 over these rows, y what is wanted, L0 the factor that it had, d the damping: what few samples
/// say of correlations is trusted 1 / (1 + d).
LastFactor fit_last(const Matrix& start, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                    BiasUse bias, double damping);

/// Takes the fit to `best` whose damping does best on held-out rows, if it does better there than `best` with its error; whether it did.
bool fit_better(const Matrix& weight, const Matrix& front, const SplitRows& exact, const SplitRows& compressed, BiasUse bias,
                LastFactor& best, double& error);

/// E |y - L z - shift|^2 over E |y|^2, means of y taken out of the latter where the bias takes them up.
double error_of(const LastFactor& last, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                BiasUse bias);

}  // namespace mcompress
