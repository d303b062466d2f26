#include "tune/fit_block_codes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/engine.h"
#include "ir/clone.h"
#include "ops/attributes.h"
#include "passes/quantize/weight_codes.h"
#include "passes/quantize/weight_only_targets.h"
#include "quant/block_gptq.h"
#include "support/error.h"
#include "tune/input_products.h"
#include "tune/samples.h"

namespace mcompress {
namespace {

constexpr std::int64_t kProductBytes = std::int64_t{512} << 20;
constexpr std::size_t kBalancedRounds = 8;
constexpr double kDampings[] = {0.01, 0.1, 1.0, 10.0};
constexpr std::int64_t kRowsAnInput = 4;  // with more, the first damping is the best one

/// A weight with all products that read it.
struct Layer {
    WeightTarget target;  // the first
    std::vector<Node*> nodes;
};

std::vector<Layer> layers_of(const Graph& graph, const QuantizationScheme& scheme) {
    std::vector<Layer> layers;
    std::map<std::string, std::size_t> places;
    for (const WeightTarget& target : weight_only_targets(graph, scheme)) {
        const auto [place, is_new] = places.try_emplace(target.key(), layers.size());
        if (is_new) layers.push_back({target, {}});
        layers[place->second].nodes.push_back(target.node);
    }
    return layers;
}

/// The rounding that needs no samples, for the same grid.
WeightRounding plain_rounding(const WeightOnlyScheme& scheme) {
    if (scheme.rounding == WeightRounding::Nearest) return WeightRounding::Nearest;
    return scheme.zero_points == ZeroPoints::None ? WeightRounding::Nearest : WeightRounding::Hqq;
}

double decibels(double signal, double noise) { return 10.0 * std::log10(signal / noise); }

class BlockFitter {
public:
    BlockFitter(const Graph& graph, const QuantizationScheme& scheme, int threads)
        : scheme_(scheme),
          grid_(BlockGrid::of(scheme.weight_only)),
          threads_(threads),
          graph_(clone(graph)),
          layers_(layers_of(*graph_, scheme)) {}

    void fit_plain() {
        for (const Layer& layer : layers_) {
            const std::vector<float> matrix = checked_matrix(layer);
            keep(layer, matrix, plain(layer, matrix), plain_rounding(scheme_.weight_only));
        }
    }

    void fit_gptq(const std::shared_ptr<const Dataset>& data, const std::function<void(std::size_t, std::size_t)>& progress) {
        const SampleSplit samples = split_samples(data);
        std::size_t done = 0;
        for (const auto& [first, last] : rounds()) {
            fit_round(first, last, samples);
            done += last - first;
            if (progress) progress(done, layers_.size());
        }
    }

    BlockFit take() { return std::move(fit_); }

private:
    static std::vector<float> checked_matrix(const Layer& layer) {
        check_finite(*known_tensor(layer.target.weight), layer.target.weight->name());
        std::vector<float> matrix = layer.target.matrix();
        known_tensor(layer.target.weight)->release_pages();
        return matrix;
    }

    BlockCodes plain(const Layer& layer, const std::vector<float>& matrix) const {
        return quantize_blocks(matrix, layer.target.columns(), layer.target.inner(), grid_, plain_rounding(scheme_.weight_only), threads_);
    }

    WeightFit& keep(const Layer& layer, const std::vector<float>& matrix, BlockCodes codes, WeightRounding rounding) {
        WeightFit line;
        line.weight = layer.target.weight->name();
        line.node = layer.target.node->display_name();
        line.inner = codes.inner;
        line.columns = codes.columns;
        line.bytes_before = 4 * codes.inner * codes.columns;
        line.bytes_after = codes.bytes();
        line.rounding = rounding;
        line.weight_sqnr_db = weight_sqnr_db(matrix, codes.values());
        fit_.codes.emplace(layer.target.key(), std::move(codes));
        fit_.weights.push_back(std::move(line));
        return fit_.weights.back();
    }

    // ---- on samples ----

    /// Layers [first, last) that are fitted to one look at the samples. Layers that read one value stay together.
    std::vector<std::pair<std::size_t, std::size_t>> rounds() const {
        std::vector<std::pair<std::size_t, std::size_t>> result;
        const std::size_t most = scheme_.effort == Effort::Fast ? 1 : scheme_.effort == Effort::Balanced ? kBalancedRounds : layers_.size();
        const std::size_t wanted = (layers_.size() + most - 1) / std::max<std::size_t>(most, 1);
        std::int64_t bytes = 0;
        std::map<const Value*, std::size_t> read;
        for (std::size_t at = 0; at < layers_.size(); ++at) {
            const Value* const value = layers_[at].target.node->input(0);
            const bool is_read = !result.empty() && read.contains(value) && read.at(value) == result.size();
            const std::int64_t more = is_read ? 0 : 2 * 8 * layers_[at].target.inner() * layers_[at].target.inner();
            if (result.empty() || (!is_read && (bytes + more > kProductBytes || at - result.back().first >= wanted))) {
                result.push_back({at, at});
                bytes = 0;
            }
            bytes += more;
            result.back().second = at + 1;
            read[value] = result.size();
        }
        return result;
    }

    void fit_round(std::size_t first, std::size_t last, const SampleSplit& samples) {
        std::vector<const Value*> values;
        for (std::size_t at = first; at < last; ++at)
            for (const Node* node : layers_[at].nodes)
                if (std::find(values.begin(), values.end(), node->input(0)) == values.end()) values.push_back(node->input(0));
        const auto engine = make_onednn_engine();
        const std::vector<InputProducts> fit = collect_input_products(*graph_, *engine, *samples.fit, values, threads_);
        const std::vector<InputProducts> judge = collect_input_products(*graph_, *engine, *samples.held_out, values, threads_);
        std::map<const Value*, std::vector<GptqFactor>> factors;
        for (std::size_t at = first; at < last; ++at) {
            const Layer& layer = layers_[at];
            std::vector<std::size_t> places;
            for (const Node* node : layer.nodes)
                places.push_back(static_cast<std::size_t>(std::find(values.begin(), values.end(), node->input(0)) - values.begin()));
            if (places.size() == 1) {
                const auto [factor, is_new] = factors.try_emplace(values[places[0]]);
                if (is_new) factor->second = factors_of(fit[places[0]]);
                fit_layer(layer, factor->second, judge[places[0]]);
            } else {
                const InputProducts all = sum_of(fit, places, layer.target.inner());
                fit_layer(layer, factors_of(all), sum_of(judge, places, layer.target.inner()));
            }
        }
        // Only now: a weight of this round may have been read by a layer whose inputs were looked at together with its own.
        for (std::size_t at = first; at < last; ++at) put_quantized(layers_[at]);
    }

    /// Few rows tell little about how inputs vary together: then codes that follow them less closely are tried too.
    static std::vector<GptqFactor> factors_of(const InputProducts& inputs) {
        std::vector<GptqFactor> factors;
        if (inputs.products.empty()) return factors;
        for (const double damping : kDampings) {
            std::optional<GptqFactor> factor = factorize_products(inputs.products, inputs.inner, damping);
            if (!factor) break;
            if (factors.empty() || factor->damping > factors.back().damping) factors.push_back(*std::move(factor));
            if (inputs.rows > kRowsAnInput * inputs.inner) break;
        }
        return factors;
    }

    static InputProducts sum_of(const std::vector<InputProducts>& parts, const std::vector<std::size_t>& places, std::int64_t inner) {
        InputProducts sum{inner, 0, {}};
        for (const std::size_t place : places) {
            if (parts[place].products.empty()) continue;
            sum.products.resize(parts[place].products.size());
            for (std::size_t i = 0; i < sum.products.size(); ++i) sum.products[i] += parts[place].products[i];
            sum.rows += parts[place].rows;
        }
        return sum;
    }

    void fit_layer(const Layer& layer, const std::vector<GptqFactor>& factors, const InputProducts& judge) {
        const std::vector<float> matrix = checked_matrix(layer);
        const std::int64_t columns = layer.target.columns(), inner = layer.target.inner();
        BlockCodes simple = plain(layer, matrix);
        const WeightRounding simple_rounding = plain_rounding(scheme_.weight_only);
        if (factors.empty()) {
            keep(layer, matrix, std::move(simple), simple_rounding).note =
                "no sample reached it, or its inputs' products have no Cholesky factor";
            return;
        }
        if (judge.products.empty()) {
            keep(layer, matrix, fitted(matrix, columns, factors.front()), WeightRounding::Gptq);
            return;
        }
        const auto error = [&](const BlockCodes& codes) { return output_error(matrix, codes.values(), columns, inner, judge.products); };
        const double signal = output_error(matrix, std::vector<float>(matrix.size()), columns, inner, judge.products);
        const double without = error(simple);
        double least = without;
        BlockCodes best = std::move(simple);
        for (const GptqFactor& factor : factors) {
            BlockCodes codes = fitted(matrix, columns, factor);
            const double with = error(codes);
            if (!(with < least)) continue;
            least = with;
            best = std::move(codes);
        }
        const bool is_better = least < without;
        WeightFit& line = keep(layer, matrix, std::move(best), is_better ? WeightRounding::Gptq : simple_rounding);
        line.output_sqnr_db = decibels(signal, least);
        line.output_sqnr_db_without = decibels(signal, without);
        if (!is_better) line.note = "gptq does not lower the error of its outputs on held-out samples";
    }

    BlockCodes fitted(const std::vector<float>& matrix, std::int64_t columns, const GptqFactor& factor) const {
        const auto inner = static_cast<std::int64_t>(matrix.size()) / columns;
        BlockCodes codes = quantize_blocks_gptq(matrix, columns, inner, grid_, factor, threads_);
        refine_blocks(matrix, factor, codes, threads_);
        return codes;
    }

    /// What comes behind sees the weight as it will be.
    void put_quantized(const Layer& layer) {
        const BlockCodes& codes = fit_.codes.at(layer.target.key());
        const std::vector<float> values = codes.values();
        const Tensor& original = *known_tensor(layer.target.weight);
        Tensor tensor = Tensor::uninitialized(DType::Float32, original.shape());
        float* const to = tensor.mutable_data<float>();
        const bool is_transposed = layer.target.order == MatrixOrder::Transposed;
        for (std::int64_t column = 0; column < codes.columns; ++column)
            for (std::int64_t k = 0; k < codes.inner; ++k)
                to[is_transposed ? column * codes.inner + k : k * codes.columns + column] =
                    values[static_cast<std::size_t>(column * codes.inner + k)];
        Value* const quantized = layer.target.weight->graph().add_constant(layer.target.weight->name() + "_fitted", std::move(tensor));
        for (Node* node : layer.nodes) node->graph().set_input(node, 1, quantized);
    }

    QuantizationScheme scheme_;
    BlockGrid grid_;
    int threads_;
    std::unique_ptr<Graph> graph_;
    std::vector<Layer> layers_;
    BlockFit fit_;
};

}  // namespace

BlockFit fit_block_codes(const Graph& graph, const QuantizationScheme& scheme, const std::shared_ptr<const Dataset>& data, int threads,
                         const std::function<void(std::size_t done, std::size_t total)>& progress) {
    BlockFitter fitter(graph, scheme, threads);
    if (scheme.weight_only.rounding != WeightRounding::Gptq) {
        fitter.fit_plain();
        return fitter.take();
    }
    if (!data || data->size() == 0) throw Error(codes::kDataEmpty, "gptq needs samples", "pass --data, or take hqq");
    fitter.fit_gptq(data, progress);
    return fitter.take();
}

}  // namespace mcompress
