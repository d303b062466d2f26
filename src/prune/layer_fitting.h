// The repairs of one layer under a mask, from samples of what goes into it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "prune/fit_masked.h"
#include "prune/input_moments.h"
#include "prune/layer_judge.h"
#include "prune/mask.h"
#include "prune/partial_layer.h"

namespace mcompress {

class LayerFitting {
public:
    /// `exact` is what the layer's weights were; moments are those of the rows' fit parts. What is to be met is W x; where the rows have residuals, s in the
    /// dense and s' in the pruned graph, it is W x + s - s', so that the sum is right whatever was lost before (He, Zhang and Sun 2017, section 3.2).
    LayerFitting(const Layer& layer, LayerWeights exact, const LayerRows& dense, const LayerRows& pruned, Centering centering, int threads);

    /// That of some of the outputs, sharing what is known of the inputs. `part` must outlive it.
    LayerFitting of(const PartialLayer& part) const;

    /// That whose targets are, of all results that the activation behind the layer takes for what it took them for in the dense graph, the ones nearest to what
    /// `weights` give: a value that a Relu cuts off may be as far below 0 as it likes. The same targets where nothing is cut off.
    LayerFitting within_passed(const LayerWeights& weights) const;
    /// Whether anything is cut off behind the layer.
    bool is_cut() const;

    const LayerWeights& exact() const { return exact_; }
    /// Mean squares of the inputs about 0, [groups][inputs].
    std::vector<double> energy() const;
    /// The diagonals of the moments: about the means where a bias takes these up, else about 0.
    std::vector<double> spread() const;
    std::size_t group_size() const { return static_cast<std::size_t>(layer_->outputs * layer_->inputs); }
    MaskedProblem problem(std::size_t group, double damping) const;

    /// Least squares under the mask, group by group; empty when the moments allow none.
    std::vector<float> least_squares(const Mask& mask, double damping) const;
    /// The weights with the bias that keeps the mean of the results: c = b + mean(y) - V mean(x'). That of the dense layer where the operator takes none.
    LayerWeights with_bias(std::vector<float> matrix) const;
    /// Every output scaled by the factor in [1/4, 4] that brings V x' nearest to y: the ratio of their standard deviations times their correlation, as
    /// batch normalization's statistics would be matched, shrunk where the results have little to do with each other.
    std::vector<float> matched_scales(const std::vector<float>& matrix) const;

private:
    struct Inputs {
        InputMoments moments;
        std::vector<double> products;  // empty where the rows are few
        mutable DampedInverses inverses;
    };
    struct Exact {
        std::vector<float> targets;  // W x + s - s', [count, outputs]
        std::vector<float> offsets;  // b + s'
    };
    struct Group {
        std::shared_ptr<const Inputs> inputs;
        std::shared_ptr<const Exact> exact;  // null where nothing is cut off
        std::vector<float> targets;          // y, [count, outputs], about their means where the moments are
        std::vector<double> mean_target;     // by output
        std::vector<double> wanted;          // E[y x'^T], [outputs, inputs]; empty where the rows are few
    };

    LayerFitting(const Layer& layer, LayerWeights exact, Centering centering, int threads)
        : layer_(&layer), exact_(std::move(exact)), centering_(centering), threads_(threads), passed_(layer.passed) {}
    Group make_group(const LayerRows& dense, const LayerRows& pruned, std::int64_t group, Centering centering) const;
    void center(Group& group) const;
    void find_wanted(Group& group) const;
    /// V x' of one group's rows, [count, outputs].
    std::vector<float> results(std::span<const float> rows, std::span<const float> matrix) const;
    /// Groups share the threads; where there is one, it has them all.
    int threads_of_group() const { return groups_.size() > 1 ? 1 : threads_; }

    const Layer* layer_;
    LayerWeights exact_;
    Centering centering_;
    int threads_;
    PassedRange passed_;
    std::vector<Group> groups_;
};

}  // namespace mcompress
