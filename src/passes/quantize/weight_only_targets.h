// The matrices that weight-only quantization stores in blocks: the one decision its pass and its fitting share.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "ops/matmul.h"
#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

/// A product x * w (or x * w^T) with a constant matrix.
struct WeightTarget {
    Node* node;
    Value* weight;      // the constant that input 1 is
    MatrixOrder order;  // Transposed: the weight is [columns, inner]

    std::int64_t columns() const;
    std::int64_t inner() const;
    /// [columns, inner].
    std::vector<float> matrix() const;
    /// Products with one key have the same codes.
    std::string key() const;
};

/// Of the graph and its bodies, in topological order. Conv, Gemm and MatMul that are left out are added to `skipped`, each with its reason, when it is given.
std::vector<WeightTarget> weight_only_targets(const Graph& graph, const QuantizationScheme& scheme, std::vector<Skip>* skipped = nullptr);

}  // namespace mcompress
