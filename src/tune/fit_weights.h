// Better integer weights and biases of one layer from samples of what goes into it.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "passes/quantize/weight_codes.h"
#include "tune/layer_samples.h"

namespace mcompress {

/// What a layer's weight and bias became.
struct FittedWeights {
    QuantizedWeight weight;
    std::vector<float> bias;  // [groups * outputs]; empty: stays as it was
    std::string_view method;  // "rounded to nearest", …
    double error_before =
        0.0;  // mean squared error behind the layer's activation on held-out rows, over the mean square of the exact result
    double error_after = 0.0;
};

/// Descent: codes rounded along the inputs are moved one by one as well, while that lowers the error of the products (quant/code_descent.h).
enum class CodeSearch { OnePass, Descent };

struct FitOptions {
    /// How a float weight becomes codes and scales: those of pass quantize-weights.
    std::function<QuantizedWeight(const Tensor& weight)> quantize = {};
    std::vector<CodePair> pairs = {};  // of every row that must not saturate
    int threads = 1;
    bool may_correct_bias = true;
    CodeSearch search = CodeSearch::OnePass;
};

/// Looks for codes V and a bias c with V x' + c near W x + b, x exact and x' the quantized input of the same row. Candidates, each with the bias that makes
/// the mean error 0 (c = b + W mean(x) - V mean(x')):
///   W rounded to nearest; W rounded along its inputs' second moments (GPTQ); and W' = W + W (D - A)(A + damping)^-1 rounded so, the ridge regression
///   of W x on x' that stays near W, with A = cov(x', x') and D = cov(x, x'). Weights that are exactly 0 get the code 0 in all of them.
/// Fitted on the fit rows, judged on the held-out ones behind the layer's activation; nothing when no candidate beats the codes the layer has.
std::optional<FittedWeights> fit_weights(const Layer& layer, const SplitRows& exact, const SplitRows& quantized, const FitOptions& options);

}  // namespace mcompress
