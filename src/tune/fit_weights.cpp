#include "tune/fit_weights.h"

#include <algorithm>
#include <cmath>

#include "quant/code_descent.h"
#include "quant/gptq.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::int64_t kMostInputs = 2400;  // beyond, a factor takes too long and too much memory: nearest rounding with a corrected bias
constexpr double kRoundingDamping = 0.01;

struct Ridge {
    std::string_view method;
    double damping;  // of the mean of the diagonal
};
constexpr Ridge kRidges[] = {{"refitted lightly and rounded", 1.0}, {"refitted and rounded", 0.1}, {"refitted closely and rounded", 0.01}};

/// A weight in all its forms.
struct Candidate {
    std::string_view method;
    QuantizedWeight weight;
    std::vector<float> matrix;  // dequantized, [groups * outputs, inputs]
    std::vector<float> bias;
};

/// First and second moments of one group's rows.
struct Moments {
    std::vector<double> mean_quantized, mean_exact;
    std::vector<double> quantized;  // A: [inputs, inputs]
    std::vector<double> cross;      // D
};

class Fitter {
public:
    Fitter(const Layer& layer, const SplitRows& exact, const SplitRows& quantized, const FitOptions& options)
        : layer_(layer),
          exact_rows_(exact),
          rows_(quantized),
          options_(options),
          shape_(float_weight(layer).shape()),
          exact_(weight_matrix(layer, float_weight(layer))),
          exact_bias_(float_bias(layer)) {}

    std::optional<FittedWeights> run() {
        for (std::int64_t group = 0; group < layer_.groups; ++group) means_.push_back(means(group));
        const QuantizedWeight current{*layer_.weight->input(0)->constant(), *layer_.weight->input(1)->constant()};
        Candidate best{"", current, dequantized(current), exact_bias_};
        const double before = held_out_error(best);
        double least = before;
        const auto consider = [&](std::string_view method, QuantizedWeight weight) {
            Candidate candidate{method, std::move(weight), {}, {}};
            candidate.matrix = dequantized(candidate.weight);
            candidate.bias = options_.may_correct_bias ? corrected_bias(candidate.matrix) : exact_bias_;
            const double error = held_out_error(candidate);
            if (!(error < least)) return;
            least = error;
            best = std::move(candidate);
        };
        if (options_.may_correct_bias) consider("bias corrected", current);
        if (layer_.inputs <= kMostInputs && rows_.fit.count > 1) consider_rounded(consider);
        if (best.method.empty()) return std::nullopt;
        const double power = held_out_power();
        return FittedWeights{std::move(best.weight), std::move(best.bias), best.method, before / power, least / power};
    }

private:
    Moments means(std::int64_t group) const {
        return {linalg::column_means(rows_.fit.of_group(layer_, group), rows_.fit.count, layer_.inputs),
                linalg::column_means(exact_rows_.fit.of_group(layer_, group), rows_.fit.count, layer_.inputs),
                {},
                {}};
    }

    /// Moments about the means where a bias can take up the means, else about 0.
    void add_second_moments(Moments& moments, std::int64_t group) const {
        const auto inputs = static_cast<std::size_t>(layer_.inputs);
        moments.quantized.assign(inputs * inputs, 0.0);
        moments.cross.assign(inputs * inputs, 0.0);
        const std::span<const float> rounded = rows_.fit.of_group(layer_, group), exact = exact_rows_.fit.of_group(layer_, group);
        linalg::accumulate_gram(rounded, rows_.fit.count, layer_.inputs, moments.quantized);
        linalg::accumulate_cross(exact, rounded, rows_.fit.count, layer_.inputs, layer_.inputs, moments.cross);
        const double scale = 1.0 / static_cast<double>(rows_.fit.count);
        for (std::size_t row = 0; row < inputs; ++row)
            for (std::size_t column = 0; column < inputs; ++column) {
                double& a = moments.quantized[row * inputs + column];
                double& d = moments.cross[row * inputs + column];
                a *= scale;
                d *= scale;
                if (!options_.may_correct_bias) continue;
                a -= moments.mean_quantized[row] * moments.mean_quantized[column];
                d -= moments.mean_exact[row] * moments.mean_quantized[column];
            }
    }

    std::vector<float> dequantized(const QuantizedWeight& weight) const {
        const std::span<const float> scales = weight.scales.values<float>();
        std::vector<float> matrix = codes_matrix(weight.codes);
        const auto inputs = static_cast<std::size_t>(layer_.inputs);
        for (std::size_t at = 0; at < matrix.size(); ++at) matrix[at] *= scales[scales.size() == 1 ? 0 : at / inputs];
        return matrix;
    }

    std::vector<float> codes_matrix(const Tensor& codes) const {
        Tensor floats = Tensor::uninitialized(DType::Float32, codes.shape());
        const std::span<const std::int8_t> from = codes.values<std::int8_t>();
        std::copy(from.begin(), from.end(), floats.mutable_data<float>());
        return weight_matrix(layer_, floats);
    }

    /// c = b + W mean(x) - V mean(x').
    std::vector<float> corrected_bias(const std::vector<float>& matrix) const {
        std::vector<float> bias(exact_bias_.size());
        for (std::size_t channel = 0; channel < bias.size(); ++channel) {
            const Moments& moments = means_[channel / static_cast<std::size_t>(layer_.outputs)];
            double shift = static_cast<double>(exact_bias_[channel]);
            for (std::size_t at = 0; at < moments.mean_exact.size(); ++at) {
                const std::size_t element = channel * moments.mean_exact.size() + at;
                shift += static_cast<double>(exact_[element]) * moments.mean_exact[at] -
                         static_cast<double>(matrix[element]) * moments.mean_quantized[at];
            }
            bias[channel] = static_cast<float>(shift);
        }
        return bias;
    }

    template <typename Consider> void consider_rounded(const Consider& consider) {
        const std::size_t inputs = static_cast<std::size_t>(layer_.inputs), size = inputs * static_cast<std::size_t>(layer_.outputs);
        std::vector<RoundingPath> paths;
        for (std::int64_t group = 0; group < layer_.groups; ++group) {
            Moments& moments = means_[static_cast<std::size_t>(group)];
            add_second_moments(moments, group);
            paths.push_back(plan_rounding(moments.quantized, layer_.inputs, kRoundingDamping));
        }
        consider("rounded along its inputs", rounded(exact_, paths));
        for (const Ridge& ridge : kRidges) {
            std::vector<float> target = exact_;
            for (std::size_t group = 0; group < paths.size(); ++group)
                regress(means_[group], ridge.damping, std::span(target).subspan(group * size, size));
            consider(ridge.method, rounded(target, paths));
        }
    }

    /// W + W (D - A)(A + damping)^-1 for one group.
    void regress(const Moments& moments, double damping, std::span<float> weights) const {
        const auto inputs = static_cast<std::size_t>(layer_.inputs), outputs = static_cast<std::size_t>(layer_.outputs);
        std::vector<float> difference(inputs * inputs);
        for (std::size_t at = 0; at < difference.size(); ++at)
            difference[at] = static_cast<float>(moments.cross[at] - moments.quantized[at]);
        std::vector<float> product(outputs * inputs);  // W (D - A)
        linalg::gemm({weights}, {difference}, product, {.m = layer_.outputs, .n = layer_.inputs, .k = layer_.inputs});
        std::vector<double> columns(inputs * outputs);  // its transpose: A is symmetric, so X (A + d) = B is (A + d) X^T = B^T
        for (std::size_t row = 0; row < outputs; ++row)
            for (std::size_t at = 0; at < inputs; ++at) columns[at * outputs + row] = static_cast<double>(product[row * inputs + at]);
        if (linalg::cholesky_solve(moments.quantized, layer_.inputs, damping, columns, layer_.outputs) != linalg::Factorization::Done)
            return;
        for (std::size_t row = 0; row < outputs; ++row)
            for (std::size_t at = 0; at < inputs; ++at) weights[row * inputs + at] += static_cast<float>(columns[at * outputs + row]);
    }

    QuantizedWeight rounded(const std::vector<float>& target, const std::vector<RoundingPath>& paths) const {
        std::vector<float> kept = target;  // what was pruned stays pruned, here as on the walk
        for (std::size_t at = 0; at < kept.size(); ++at)
            if (exact_[at] == 0.0F) kept[at] = 0.0F;
        QuantizedWeight weight = options_.quantize(weight_tensor(layer_, kept, shape_));
        const std::span<const float> scales = weight.scales.values<float>();
        const auto outputs = static_cast<std::size_t>(layer_.outputs), size = outputs * static_cast<std::size_t>(layer_.inputs);
        std::vector<float> codes = codes_matrix(weight.codes);
        for (std::size_t group = 0; group < paths.size(); ++group) {
            if (paths[group].empty()) continue;
            std::vector<float> own(outputs, scales[0]);
            if (scales.size() > 1) std::copy_n(scales.begin() + static_cast<std::ptrdiff_t>(group * outputs), outputs, own.begin());
            const std::span<const float> weights = std::span(target).subspan(group * size, size);
            std::vector<std::int8_t> found = round_along(paths[group], weights, own, symmetric_weight_range(DType::Int8), options_.threads,
                                                         std::span(exact_).subspan(group * size, size));
            if (!options_.pairs.empty()) limit(found, weights, own);
            if (options_.search == CodeSearch::Descent)
                descend_codes({.moments = means_[group].quantized,
                               .damping = kRoundingDamping,
                               .range = symmetric_weight_range(DType::Int8),
                               .pairs = options_.pairs,
                               .threads = options_.threads,
                               .exact = std::span(exact_).subspan(group * size, size)},
                              weights, own, found);
            std::copy(found.begin(), found.end(), codes.begin() + static_cast<std::ptrdiff_t>(group * size));
        }
        const Tensor back = weight_tensor(layer_, codes, shape_);
        Tensor integers = Tensor::uninitialized(DType::Int8, shape_);
        std::transform(back.data<float>(), back.data<float>() + back.element_count(), integers.mutable_data<std::int8_t>(),
                       [](float code) { return static_cast<std::int8_t>(code); });
        weight.codes = std::move(integers);
        return weight;
    }

    /// Lowers codes of pairs that would saturate.
    void limit(std::span<std::int8_t> codes, std::span<const float> weights, std::span<const float> scales) const {
        const auto inputs = static_cast<std::size_t>(layer_.inputs);
        std::vector<float> wanted(inputs);
        for (std::size_t row = 0; row < scales.size(); ++row) {
            const std::span<std::int8_t> own = codes.subspan(row * inputs, inputs);
            if (pairs_fit(own, options_.pairs)) continue;
            for (std::size_t at = 0; at < inputs; ++at) wanted[at] = weights[row * inputs + at] / scales[row];
            limit_pairs(own, wanted, options_.pairs);
        }
    }

    /// x W^T + b behind the activation, [rows, outputs] of one group.
    std::vector<float> results(std::span<const float> rows, const std::vector<float>& matrix, const std::vector<float>& bias,
                               std::int64_t group) const {
        const auto outputs = static_cast<std::size_t>(layer_.outputs), size = outputs * static_cast<std::size_t>(layer_.inputs);
        const std::size_t first = static_cast<std::size_t>(group) * outputs;
        std::vector<float> values(static_cast<std::size_t>(rows_.held_out.count) * outputs);
        linalg::gemm({rows}, {std::span(matrix).subspan(static_cast<std::size_t>(group) * size, size), linalg::Transpose::Yes}, values,
                     {.m = rows_.held_out.count, .n = layer_.outputs, .k = layer_.inputs});
        for (std::size_t at = 0; at < values.size(); ++at) values[at] = layer_.passed.clamped(values[at] + bias[first + at % outputs]);
        return values;
    }

    double held_out_error(const Candidate& candidate) {
        double sum = 0.0;
        for (std::int64_t group = 0; group < layer_.groups; ++group) {
            if (expected_.size() == static_cast<std::size_t>(group))
                expected_.push_back(results(exact_rows_.held_out.of_group(layer_, group), exact_, exact_bias_, group));
            const std::vector<float> found = results(rows_.held_out.of_group(layer_, group), candidate.matrix, candidate.bias, group);
            const std::vector<float>& expected = expected_[static_cast<std::size_t>(group)];
            for (std::size_t at = 0; at < found.size(); ++at) {
                const double error = static_cast<double>(found[at]) - static_cast<double>(expected[at]);
                sum += error * error;
            }
        }
        return sum;
    }

    double held_out_power() const {
        double sum = 1e-30;
        for (const std::vector<float>& expected : expected_)
            for (const float value : expected) sum += static_cast<double>(value) * static_cast<double>(value);
        return sum;
    }

    const Layer& layer_;
    const SplitRows& exact_rows_;
    const SplitRows& rows_;
    const FitOptions& options_;
    Shape shape_;
    std::vector<float> exact_;
    std::vector<float> exact_bias_;
    std::vector<Moments> means_;                // by group
    std::vector<std::vector<float>> expected_;  // by group, on the held-out rows
};

}  // namespace

std::optional<FittedWeights> fit_weights(const Layer& layer, const SplitRows& exact, const SplitRows& quantized,
                                         const FitOptions& options) {
    return Fitter(layer, exact, quantized, options).run();
}

}  // namespace mcompress
