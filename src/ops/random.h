// Attributes of the operators whose values are drawn at random.
#pragma once

#include <optional>
#include <vector>

#include "ir/node.h"
#include "tensor/dtype.h"

namespace mcompress {

/// The attribute `seed`, a float in the random operators and an integer in Dropout, as one number; absent: nothing.
struct SeedAttrs {
    std::optional<double> seed;
    static SeedAttrs read(const Node& node);
};

/// RandomNormal, RandomUniform (shape given) and the …Like forms (shape and, without `dtype`, the type of input 0).
struct RandomAttrs {
    DType dtype = DType::Undefined;  // Undefined: that of input 0
    std::vector<std::int64_t> shape;
    double mean = 0.0, scale = 1.0;  // normal
    double low = 0.0, high = 1.0;    // uniform
    std::optional<double> seed;
    static RandomAttrs read(const Node& node);
};

/// 1 with the probability that input 0 holds, 0 otherwise.
struct BernoulliAttrs {
    DType dtype = DType::Undefined;  // Undefined: that of input 0
    std::optional<double> seed;
    static BernoulliAttrs read(const Node& node);
};

/// Draws indices of columns of input 0, which holds unnormalized log-probabilities.
struct MultinomialAttrs {
    DType dtype = DType::Int32;
    std::int64_t sample_size = 1;
    std::optional<double> seed;
    static MultinomialAttrs read(const Node& node);
};

}  // namespace mcompress
