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

    std::int64_t product_bytes(std::int64_t inner) const {
        std::int64_t bytes = 0;
        for (const ProductSegment& segment : product_segments(inner, grid_.block)) bytes += 8 * segment.width * segment.width;
        return bytes;
    }

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
            const std::int64_t more = is_read ? 0 : 2 * product_bytes(layers_[at].target.inner());
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
        const std::vector<InputProducts> fit = collect_input_products(*graph_, *engine, *samples.fit, values, grid_.block, threads_);
        const std::vector<InputProducts> judge = collect_input_products(*graph_, *engine, *samples.held_out, values, grid_.block, threads_);
        std::map<std::vector<std::size_t>, std::vector<std::size_t>> readers;  // layers of this round by the values they read
        for (std::size_t at = first; at < last; ++at) {
            std::vector<std::size_t> places;
            for (const Node* node : layers_[at].nodes)
                places.push_back(static_cast<std::size_t>(std::find(values.begin(), values.end(), node->input(0)) - values.begin()));
            readers[places].push_back(at);
        }
        std::map<std::size_t, Candidate> chosen;
        for (const auto& [places, layers] : readers) {
            if (places.size() == 1) fit_layers(layers, fit[places[0]], judge[places[0]], chosen);
            else fit_layers(layers, sum_of(fit, places), sum_of(judge, places), chosen);
        }
        for (auto& [at, candidate] : chosen) keep_best(layers_[at], std::move(candidate));
        // Only now: a weight of this round may have been read by a layer whose inputs were looked at together with its own.
        for (std::size_t at = first; at < last; ++at) put_quantized(layers_[at]);
    }

    static InputProducts sum_of(const std::vector<InputProducts>& parts, const std::vector<std::size_t>& places) {
        InputProducts sum;
        for (const std::size_t place : places) {
            const InputProducts& part = parts[place];
            if (part.segments.empty()) continue;
            if (sum.segments.empty()) sum = {part.inner, 0, part.segments};
            else
                for (std::size_t at = 0; at < sum.segments.size(); ++at)
                    for (std::size_t i = 0; i < sum.segments[at].products.size(); ++i)
                        sum.segments[at].products[i] += part.segments[at].products[i];
            sum.rows += part.rows;
        }
        return sum;
    }

    /// A layer's best codes so far.
    struct Candidate {
        std::vector<float> matrix;
        BlockCodes codes;
        WeightRounding rounding = WeightRounding::Nearest;  // that they come from
        double signal = 0.0, without = 0.0, least = 0.0;
        bool has_factor = false;
        bool is_judged = false;
    };

    /// Layers that read the same. Few rows tell little about how inputs vary together: then codes that follow them less closely are tried too.
    void fit_layers(const std::vector<std::size_t>& layers, const InputProducts& fit, const InputProducts& judge,
                    std::map<std::size_t, Candidate>& chosen) const {
        for (const std::size_t at : layers) {
            Candidate& candidate = chosen[at];
            candidate.matrix = checked_matrix(layers_[at]);
            candidate.codes = plain(layers_[at], candidate.matrix);
            candidate.rounding = plain_rounding(scheme_.weight_only);
            candidate.is_judged = !judge.segments.empty();
            if (!candidate.is_judged) continue;
            const std::int64_t columns = layers_[at].target.columns();
            candidate.signal = error(candidate.matrix, std::vector<float>(candidate.matrix.size()), columns, judge);
            candidate.without = candidate.least = error(candidate.matrix, candidate.codes.values(), columns, judge);
        }
        double last_damping = 0.0;
        for (const double damping : kDampings) {
            std::vector<BlockCodes> codes;
            for (const std::size_t at : layers) codes.push_back(BlockCodes::sized(layers_[at].target.columns(), fit.inner, grid_));
            double taken = 0.0;
            for (const ProductSegment& segment : fit.segments) {
                const std::optional<GptqFactor> factor = factorize_products(segment.products, segment.width, damping);
                if (!factor) return;
                taken = std::max(taken, factor->damping);
                if (!(taken > last_damping)) continue;
                for (std::size_t at = 0; at < layers.size(); ++at)
                    put_blocks(fitted(part_of(chosen[layers[at]].matrix, fit.inner, segment), segment.width, *factor), segment.first,
                               codes[at]);
            }
            if (fit.segments.empty()) return;
            for (std::size_t at = 0; at < layers.size() && taken > last_damping; ++at)
                consider(std::move(codes[at]), judge, chosen[layers[at]]);
            last_damping = std::max(last_damping, taken);
            if (fit.rows > kRowsAnInput * fit.inner || judge.segments.empty()) return;
        }
    }

    static void consider(BlockCodes codes, const InputProducts& judge, Candidate& candidate) {
        candidate.has_factor = true;
        if (candidate.is_judged) {
            const double with = error(candidate.matrix, codes.values(), codes.columns, judge);
            if (!(with < candidate.least)) return;
            candidate.least = with;
        } else if (candidate.rounding == WeightRounding::Gptq) return;  // the first damping stays
        candidate.codes = std::move(codes);
        candidate.rounding = WeightRounding::Gptq;
    }

    /// Of the layer's outputs, as far as the segments tell.
    static double error(const std::vector<float>& matrix, const std::vector<float>& quantized, std::int64_t columns,
                        const InputProducts& judge) {
        double sum = 0.0;
        for (const ProductSegment& segment : judge.segments)
            sum += output_error(part_of(matrix, judge.inner, segment), part_of(quantized, judge.inner, segment), columns, segment.width,
                                segment.products);
        return sum;
    }

    /// The segment's columns of [columns, inner].
    static std::vector<float> part_of(const std::vector<float>& matrix, std::int64_t inner, const ProductSegment& segment) {
        if (segment.width == inner) return matrix;
        std::vector<float> part;
        for (auto row = matrix.begin() + segment.first; row < matrix.end(); row += std::min(inner, matrix.end() - row))
            part.insert(part.end(), row, row + segment.width);
        return part;
    }

    /// No way down ends at the least error there is. Three starts end at different codes; each column keeps its best ones.
    BlockCodes fitted(const std::vector<float>& matrix, std::int64_t inner, const GptqFactor& factor) const {
        const auto columns = static_cast<std::int64_t>(matrix.size()) / inner;
        BlockCodes codes = quantize_blocks_gptq(matrix, columns, inner, grid_, factor, threads_);
        refine_blocks(matrix, factor, codes, threads_);
        if (scheme_.effort == Effort::Fast) return codes;
        BlockCodes plain = quantize_blocks(matrix, columns, inner, grid_, plain_rounding(scheme_.weight_only), threads_);
        BlockCodes on_its_grids = quantize_blocks_gptq(matrix, columns, inner, grid_, factor, threads_, &plain);
        for (BlockCodes* const other : {&plain, &on_its_grids}) {
            refine_blocks(matrix, factor, *other, threads_);
            keep_better_columns(matrix, factor, *other, codes, threads_);
        }
        return codes;
    }

    /// Blocks of the columns from `first` on.
    static void put_blocks(const BlockCodes& part, std::int64_t first, BlockCodes& whole) {
        const std::int64_t block = first / whole.grid.block;
        for (std::int64_t column = 0; column < whole.columns; ++column) {
            std::copy_n(part.codes.begin() + column * part.padded(), part.padded(), whole.codes.begin() + column * whole.padded() + first);
            std::copy_n(part.params.begin() + column * part.blocks(), part.blocks(),
                        whole.params.begin() + column * whole.blocks() + block);
        }
    }

    void keep_best(const Layer& layer, Candidate candidate) {
        WeightFit& line = keep(layer, candidate.matrix, std::move(candidate.codes), candidate.rounding);
        if (candidate.is_judged && candidate.has_factor) {
            line.output_sqnr_db = decibels(candidate.signal, candidate.least);
            line.output_sqnr_db_without = decibels(candidate.signal, candidate.without);
        }
        if (candidate.rounding == WeightRounding::Gptq) return;
        line.note = candidate.has_factor ? "gptq does not lower the error of its outputs on held-out samples"
                                         : "no sample reached it, or its inputs' products have no Cholesky factor";
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
