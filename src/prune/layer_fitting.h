// The repairs of one layer under a mask, from samples of what goes into it.
#pragma once

#include <span>
#include <vector>

#include "prune/fit_masked.h"
#include "prune/input_moments.h"
#include "prune/layer_judge.h"
#include "prune/mask.h"

namespace mcompress {

class LayerFitting {
public:
    /// `exact` is what the layer's weights were; moments are those of the rows' fit parts. Where the rows have residuals, s in the dense and s' in the pruned
    /// graph, what is to be met is W x + s - s', so that the sum is right whatever was lost before (He, Zhang and Sun 2017, section 3.2). `outputs`: which of
    /// the rows' outputs those of the layer are (PartialLayer); empty: all.
    LayerFitting(const Layer& layer, LayerWeights exact, const LayerRows& dense, const LayerRows& pruned, Centering centering, int threads,
                 std::span<const std::size_t> outputs = {});

    const LayerWeights& exact() const { return exact_; }
    /// Mean squares of the inputs about 0, [groups][inputs].
    std::vector<double> energy() const;
    /// The diagonals of the moments: about the means where a bias takes these up, else about 0.
    std::vector<double> spread() const;
    std::size_t group_size() const { return static_cast<std::size_t>(layer_.outputs * layer_.inputs); }
    MaskedProblem problem(std::size_t group, double damping) const;

    /// Least squares under the mask, group by group; empty when the moments allow none.
    std::vector<float> least_squares(const Mask& mask, double damping) const;
    /// The weights with the bias that keeps the mean of the results: c = b + W mean(x) - V mean(x'). That of the dense layer where the operator takes none.
    LayerWeights with_bias(std::vector<float> matrix) const;
    /// Every output scaled by the factor in [1/4, 4] that brings V x' nearest to W x: the ratio of their standard deviations times their correlation, as
    /// batch normalization's statistics would be matched, shrunk where the results have little to do with each other.
    std::vector<float> matched_scales(const std::vector<float>& matrix) const;

private:
    void find_shift(const LayerRows& dense, const LayerRows& pruned, std::size_t group, Centering centering,
                    std::span<const std::size_t> outputs);

    const Layer& layer_;
    LayerWeights exact_;
    int threads_;
    std::vector<InputMoments> moments_;       // by group
    std::vector<std::vector<double>> shift_;  // by group: E[(s - s') x'^T], [outputs, inputs]; empty without residuals
    std::vector<double> mean_shift_;          // by output
};

}  // namespace mcompress
