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

/// With z = front x': the given factor, its bias shifted to the mean of W x on these rows.
LastFactor with_bias(Matrix factor, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                     BiasUse bias);

/// With the least E |W x - L z - shift|^2 over these rows.
LastFactor fit_last(const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed, BiasUse bias);

/// E |W x - L z - shift|^2 over E |W x|^2, means of W x taken out of the latter where the bias takes them up.
double error_of(const LastFactor& last, const Matrix& weight, const Matrix& front, const LayerRows& exact, const LayerRows& compressed,
                BiasUse bias);

}  // namespace mcompress
