#include "pipeline/predict_fitting.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "pipeline/prepare.h"
#include "tune/layer.h"

namespace mcompress {

namespace {

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

/// What a stage allows itself: see tune/fit_layers.cpp, tune/fit_block_codes.cpp and prune/prune_graph.cpp.
struct Allowance {
    std::uint64_t rows_of_layer = 0;                                      // bytes
    std::uint64_t rows_at_once = 0;                                       // of several layers
    std::uint64_t kept = 0;                                               // between two layers, of all samples
    std::uint64_t bytes_kept_of = 0;                                      // an element between two layers
    std::uint64_t largest_moments = 0;                                    // matrices [inputs, inputs] of several layers
    std::uint64_t moments_of_layer = 0;                                   // bytes an element of them, of one layer
    std::int64_t most_inputs = std::numeric_limits<std::int64_t>::max();  // of layers that are solved for
    double solutions = 1.0;                                               // that are tried for a layer, measured roughly
};

Allowance allowance_of(const FittingPlan& plan, std::uint64_t weights) {
    switch (plan.stage) {
        case FittingStage::QuantizeLayers:
            return {(plan.effort == Effort::Max ? 32 : 8) * kMegabyte,
                    std::max(24 * kMegabyte, weights / 2),
                    80 * kMegabyte,
                    1,
                    0,
                    0,
                    2400,
                    3.0};
        case FittingStage::QuantizeBlocks: return {.largest_moments = 512 * kMegabyte};
        case FittingStage::PruneLayers: break;
    }
    return {24 * kMegabyte, 24 * kMegabyte, 160 * kMegabyte, 4, 0, 44, std::numeric_limits<std::int64_t>::max(), 8.0};
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

/// The largest value that lies between layers, of one sample.
std::uint64_t largest_value(const Graph& graph) {
    std::int64_t largest = 0;
    for (const Node* node : graph.nodes())
        for (const Value* output : node->outputs())
            if (output) largest = std::max(largest, elements_of(*output).value_or(kMegabyte));
    return static_cast<std::uint64_t>(largest);
}

std::uint64_t weight_bytes(const Graph& graph) {
    std::uint64_t bytes = 0;
    for (const Value* value : graph.constants())
        if (const Tensor* tensor = value->constant(); tensor && tensor->dtype() != DType::String) bytes += tensor->byte_size();
    return bytes;
}

double products_of(const LayerSize& layer, std::uint64_t rows) {
    const auto inputs = static_cast<double>(layer.inputs),
               count = static_cast<double>(rows) / std::max(1.0, 4.0 * inputs * static_cast<double>(layer.groups));
    return static_cast<double>(layer.groups) * inputs * inputs * (count + inputs + static_cast<double>(layer.outputs));
}

}  // namespace

FittingCost predict_fitting(const std::filesystem::path& path, const FittingPlan& plan) {
    constexpr std::uint64_t kPlans = 25 * kMegabyte;  // compiled parts of both graphs
    std::vector<PassRun> passes;
    const auto model = load_prepared(path, passes);
    const std::uint64_t weights = weight_bytes(*model->graph);
    const Allowance allowance = allowance_of(plan, weights);
    FittingCost cost;
    std::vector<std::uint64_t> rows;
    std::uint64_t moments = 0, largest = 0;
    for (const LayerSize& layer : layer_sizes(*model->graph)) {
        rows.push_back(rows_bytes(layer, plan, allowance));
        const std::uint64_t elements = static_cast<std::uint64_t>(layer.inputs) * static_cast<std::uint64_t>(layer.inputs);
        moments += 16 * elements;
        largest = std::max(largest, elements);
        if (layer.inputs <= allowance.most_inputs) cost.products += allowance.solutions * products_of(layer, rows.back());
    }
    if (rows.empty()) return cost;
    std::sort(rows.rbegin(), rows.rend());
    const std::size_t at_once =
        allowance.rows_of_layer == 0
            ? 0
            : std::min<std::size_t>(rows.size(), std::max<std::size_t>(1, allowance.rows_at_once / allowance.rows_of_layer));
    const std::uint64_t gathered = std::accumulate(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(at_once), std::uint64_t{0});
    const std::uint64_t kept = std::min(allowance.kept, plan.samples * largest_value(*model->graph) * allowance.bytes_kept_of);
    cost.memory = (at_once > 0 ? kPlans : 0) + gathered + (at_once > 0 ? rows.front() : 0) + kept +
                  std::min(moments, allowance.largest_moments) + largest * allowance.moments_of_layer +
                  (plan.stage == FittingStage::QuantizeBlocks ? weights : 4 * weights);
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
