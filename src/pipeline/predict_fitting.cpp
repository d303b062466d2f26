#include "pipeline/predict_fitting.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/topology.h"
#include "passes/quantize/weight_only_targets.h"
#include "pipeline/prepare.h"
#include "tune/input_products.h"
#include "tune/layer.h"

namespace mcompress {

namespace {

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

/// What a stage allows itself: see tune/fit_layers.cpp and prune/prune_graph.cpp.
struct Allowance {
    std::uint64_t rows_of_layer = 0;                                      // bytes
    std::uint64_t rows_at_once = 0;                                       // of several layers
    std::uint64_t rows_beside = 0;                                        // how often those of one layer are there besides
    std::uint64_t kept = 0;                                               // between two layers, of all samples
    std::uint64_t bytes_kept_of = 0;                                      // an element between two layers
    std::uint64_t walks = 1;                                              // through graphs at the same time
    std::uint64_t moments_of_layer = 0;                                   // bytes an element of the matrix [inputs, inputs] of a layer
    std::int64_t most_inputs = std::numeric_limits<std::int64_t>::max();  // of layers that are solved for
    double solutions = 1.0;                                               // that are tried for a layer, measured roughly
};

Allowance allowance_of(const FittingPlan& plan, std::uint64_t weights) {
    if (plan.stage == FittingStage::QuantizeLayers)
        return {.rows_of_layer = (plan.effort == Effort::Max ? 32 : 8) * kMegabyte,
                .rows_at_once = std::max(24 * kMegabyte, weights / 2),
                .rows_beside = 1,
                .kept = 80 * kMegabyte,
                .bytes_kept_of = 1,
                .most_inputs = 2400,
                .solutions = 3.0};
    // Of the dense and of the pruned graph: gathered, split into two parts, and moved to their means.
    return {.rows_of_layer = 64 * kMegabyte,
            .rows_at_once = 64 * kMegabyte,
            .rows_beside = 2,
            .kept = 160 * kMegabyte,
            .bytes_kept_of = 4,
            .walks = 2,
            .moments_of_layer = 44,
            .solutions = 8.0};
}

/// Elements of a value for one sample; nothing when a dimension other than the first is not known.
std::optional<std::int64_t> elements_of(const Value& value) {
    if (!value.type().is_tensor() || !value.type().dims) return std::nullopt;
    std::int64_t elements = 1;
    bool is_first = true;
    for (const Dim& dim : *value.type().dims) {
        if (!dim.is_known() && !is_first) return std::nullopt;
        if (dim.is_known()) elements *= std::max<std::int64_t>(1, dim.extent());
        is_first = false;
    }
    return elements;
}

struct LayerSize {
    std::int64_t groups = 1, inputs = 0, outputs = 0;
    std::optional<std::int64_t> positions;  // of one sample
};

std::vector<LayerSize> layer_sizes(Graph& graph) {
    std::vector<LayerSize> sizes;
    for (Node* node : graph.order()) {
        const auto layer = float_layer(*node, *node);
        if (!layer) continue;
        LayerSize size{layer->groups, layer->inputs, layer->outputs, elements_of(*node->output(0))};
        if (size.positions)
            *size.positions = std::max<std::int64_t>(1, *size.positions / std::max<std::int64_t>(1, size.groups * size.outputs));
        sizes.push_back(size);
    }
    return sizes;
}

std::uint64_t rows_bytes(const LayerSize& layer, const FittingPlan& plan, const Allowance& allowance) {
    const std::int64_t row = 4 * std::max<std::int64_t>(1, layer.groups * layer.inputs);
    std::int64_t rows = std::clamp<std::int64_t>(static_cast<std::int64_t>(allowance.rows_of_layer) / row, 256, 8192);
    if (layer.positions) rows = std::min(rows, *layer.positions * static_cast<std::int64_t>(plan.samples));
    return static_cast<std::uint64_t>(rows * row);
}

/// Elements that lie in front of each layer and are read from there on, of one sample.
std::vector<std::uint64_t> elements_between(const Graph& graph) {
    const std::vector<Node*> order = graph.order();
    std::unordered_map<const Value*, std::size_t> last_read;
    for (std::size_t at = 0; at < order.size(); ++at) {
        for (const Value* input : order[at]->inputs()) last_read[input] = at;
        if (order[at]->subgraphs().empty()) continue;
        for (const Value* captured : captured_values(*order[at])) last_read[captured] = at;
    }
    std::vector<std::uint64_t> between;
    for (std::size_t layer = 0; layer < order.size(); ++layer) {
        if (!float_layer(*order[layer], *order[layer])) continue;
        std::uint64_t elements = 0;
        for (std::size_t before = 0; before < layer; ++before)
            for (const Value* output : order[before]->outputs())
                if (const auto read = last_read.find(output); output && read != last_read.end() && read->second >= layer)
                    elements += static_cast<std::uint64_t>(elements_of(*output).value_or(kMegabyte));
        between.push_back(elements);
    }
    return between;
}

/// What GraphPrefix keeps of all samples in front of each layer: where it would be more than is allowed, nothing.
std::vector<std::uint64_t> kept_between(const Graph& graph, const FittingPlan& plan, const Allowance& allowance) {
    constexpr std::uint64_t kFewest = 8, kHundred = 100;
    std::vector<std::uint64_t> between = elements_between(graph);
    std::uint64_t samples = plan.samples, most = 0;
    for (std::uint64_t& each : between) most = std::max(most, each *= allowance.bytes_kept_of);
    std::uint64_t limit = allowance.kept;
    if (plan.stage == FittingStage::QuantizeLayers) {
        samples = std::min(samples, std::max(kFewest, allowance.kept / std::max<std::uint64_t>(1, most)));
        limit = std::max(2 * kMegabyte, kHundred * most);
    }
    for (std::uint64_t& each : between) each = each * samples <= limit ? each * samples * allowance.walks : 0;
    return between;
}

std::uint64_t weight_bytes(const Graph& graph) {
    std::uint64_t bytes = 0;
    for (const Value* value : graph.constants())
        if (const Tensor* tensor = value->constant(); tensor && tensor->dtype() != DType::String) bytes += tensor->byte_size();
    return bytes;
}

/// In the space of the inputs, or of the rows where these are few: `order` is the system's.
double products_of(const LayerSize& layer, std::uint64_t rows, std::int64_t order) {
    const auto inputs = static_cast<double>(layer.inputs), side = static_cast<double>(order),
               count = static_cast<double>(rows) / std::max(1.0, 4.0 * inputs * static_cast<double>(layer.groups));
    return static_cast<double>(layer.groups) * side * (inputs * count + side * side + inputs * static_cast<double>(layer.outputs));
}

}  // namespace

namespace {

/// GPTQ: sums of products of what is read, of the samples to fit to and of those to judge by, in rounds as tune/fit_block_codes.cpp makes them; copies of one while it is solved for.
FittingCost predict_blocks(const Graph& graph, const QuantizationScheme& scheme) {
    constexpr std::uint64_t kMost = 512 * kMegabyte, kCopies = 3;
    constexpr std::size_t kRounds = 8;
    const std::vector<WeightTarget> targets = weight_only_targets(graph, scheme);
    const std::size_t wanted = scheme.effort == Effort::Fast  ? targets.size()
                               : scheme.effort == Effort::Max ? 1
                                                              : (targets.size() + kRounds - 1) / kRounds;
    FittingCost cost;
    std::uint64_t together = 0, most = 0, largest = 0, matrices = 0;
    std::size_t layers = 0;
    std::unordered_set<const Value*> read;
    for (const WeightTarget& target : targets) {
        std::uint64_t sums = 0;
        for (const ProductSegment& segment : product_segments(target.inner(), scheme.weight_only.block)) {
            const auto bytes = 8 * static_cast<std::uint64_t>(segment.width) * static_cast<std::uint64_t>(segment.width);
            sums += 2 * bytes;
            largest = std::max(largest, bytes);
        }
        const auto weight = 4 * static_cast<std::uint64_t>(target.inner() * target.columns());
        const bool is_read = read.contains(target.node->input(0));
        if (!is_read && (layers >= wanted || together + sums > kMost)) {
            together = matrices = layers = 0;
            read.clear();
        }
        if (read.insert(target.node->input(0)).second) together += sums;
        ++layers;
        matrices += weight;
        most = std::max(most, together + 2 * matrices);
        const auto inner = static_cast<double>(target.inner());
        cost.products += inner * inner * (inner + static_cast<double>(target.columns()));
    }
    cost.memory = most + kCopies * largest;
    return cost;
}

}  // namespace

FittingCost predict_fitting(const std::filesystem::path& path, const FittingPlan& plan) {
    constexpr std::uint64_t kPlans = 25 * kMegabyte;  // compiled parts of both graphs
    constexpr std::int64_t kFew = 8;                  // prune/input_moments.h: of so many times fewer rows than inputs no matrix is formed
    std::vector<PassRun> passes;
    const auto model = load_prepared(path, passes);
    if (plan.stage == FittingStage::QuantizeBlocks) return predict_blocks(*model->graph, plan.scheme);
    const std::uint64_t weights = weight_bytes(*model->graph);
    const Allowance allowance = allowance_of(plan, weights);
    FittingCost cost;
    const std::vector<LayerSize> layers = layer_sizes(*model->graph);
    std::vector<std::uint64_t> rows, matrices;  // by layer
    for (const LayerSize& layer : layers) {
        rows.push_back(rows_bytes(layer, plan, allowance));
        matrices.push_back(0);
        if (layer.inputs > allowance.most_inputs) continue;
        const auto count = static_cast<std::int64_t>(rows.back()) / (4 * std::max<std::int64_t>(1, layer.groups * layer.inputs));
        const bool is_formed = kFew * count > layer.inputs;
        const auto inputs = static_cast<std::uint64_t>(layer.inputs);
        if (is_formed) matrices.back() = inputs * inputs * allowance.moments_of_layer;
        cost.products += allowance.solutions * products_of(layer, rows.back(), is_formed ? layer.inputs : count);
    }
    if (rows.empty()) return cost;
    const std::vector<std::uint64_t> kept = kept_between(*model->graph, plan, allowance);
    const std::size_t at_once = std::max<std::size_t>(1, allowance.rows_at_once / allowance.rows_of_layer);
    std::uint64_t most_rows = 0, most_kept = 0, together = 0;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const std::size_t first = at / at_once * at_once, last = std::min(rows.size(), first + at_once);
        const std::uint64_t gathered = std::accumulate(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                                       rows.begin() + static_cast<std::ptrdiff_t>(last), std::uint64_t{0});
        const std::uint64_t of_layer = gathered + allowance.rows_beside * rows[at];
        most_rows = std::max(most_rows, of_layer);
        most_kept = std::max(most_kept, kept[at]);
        together = std::max(together, of_layer + kept[at] + matrices[at]);
    }
    // Pruning goes from layer to layer: most lies between the first ones, whose matrices are small. Quantizing makes fitted weights and trials besides, which what never comes together makes up for.
    cost.memory = kPlans + (plan.stage == FittingStage::PruneLayers ? together : most_rows + most_kept) + 4 * weights;
    return cost;
}

double time_sample(const std::filesystem::path& path, const Dataset& data, std::size_t index) {
    std::vector<PassRun> passes;
    const auto model = load_prepared(path, passes);
    const auto engine = make_onednn_engine();
    PlanCache plans(*engine, *model->graph, CompileOptions{.threads = 1});
    const auto plan = plans.plan_for(bind_inputs(*model->graph, data.sample(index)));
    const auto begin = std::chrono::steady_clock::now();
    (void)plan->run(bind_inputs(*model->graph, data.sample(index)));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace mcompress
