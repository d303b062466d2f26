// How far a layer's results are from those it had, on samples that nothing was fitted to.
#pragma once

#include <functional>
#include <vector>

#include "tune/layer_samples.h"

namespace mcompress {

/// A layer's weight as [groups * outputs, inputs] and its bias.
struct LayerWeights {
    std::vector<float> matrix;
    std::vector<float> bias;
};

class LayerJudge {
public:
    /// `dense` rows of the dense graph's input, `pruned` of the pruned one's, at the same places. They must outlive the judge. `outputs`: which of the rows'
    /// outputs those of the layer are (PartialLayer); empty: all.
    LayerJudge(const Layer& layer, const LayerWeights& exact, const LayerRows& dense, const LayerRows& pruned,
               std::vector<std::size_t> outputs = {}, int threads = 1);

    /// Mean squared difference behind the layer's activation, or behind the sum and its activation where the rows have residuals, over the mean square of
    /// what was there.
    double error(const LayerWeights& weights) const;

private:
    std::vector<float> results(const LayerRows& rows, const LayerWeights& weights, std::size_t group) const;
    double sum_of_groups(const std::function<double(std::size_t)>& part) const;

    const Layer& layer_;
    int threads_;
    std::vector<std::size_t> outputs_;
    bool has_residuals_ = false;
    PassedRange passed_;
    const LayerRows& pruned_;
    std::vector<std::vector<float>> expected_;  // by group
    double power_ = 0.0;
};

}  // namespace mcompress
