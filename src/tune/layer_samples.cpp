#include "tune/layer_samples.h"

#include <algorithm>
#include <unordered_set>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/topology.h"
#include "ops/attributes.h"
#include "passes/pipelines.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantized_view.h"
#include "quant/affine.h"
#include "support/check.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tune/pooled_pictures.h"
#include "tune/residual.h"
#include "tune/row_gathering.h"
#include "tune/samples.h"
#include "tune/subgraph.h"

namespace mcompress {
namespace {

/// The codes of a dequantized activation; the value itself when it is something else.
const Value* codes_of(const Value* value) {
    const Node* producer = value->producer();
    return producer && is_dequantizer(*producer) && !producer->input(0)->is_constant() ? producer->input(0) : value;
}

/// Whether a value is a constant or a dequantized one: it is made again where it is read, and may change between two layers.
bool is_fixed(const Value* value) {
    const Node* producer = value->producer();
    return !producer ? value->is_constant() : producer->is("Constant") || (is_dequantizer(*producer) && is_fixed(producer->input(0)));
}

/// What was kept, and what is left of the sample's tensors: those are made only where they are read.
std::vector<Tensor> inputs_of(const Graph& part, const Dataset& data, std::size_t sample, const std::map<std::string, Tensor>& kept,
                              const Graph& whole) {
    std::vector<Tensor> inputs;
    std::vector<Tensor> given;
    for (const Value* input : part.inputs()) {
        const auto found = kept.find(input->name());
        if (found != kept.end()) {
            inputs.push_back(found->second);
            continue;
        }
        if (given.empty()) given = bind_inputs(whole, data.sample(sample));
        const auto at =
            std::find_if(whole.inputs().begin(), whole.inputs().end(), [&](const Value* each) { return each->name() == input->name(); });
        MCOMPRESS_CHECK(at != whole.inputs().end());
        inputs.push_back(given[static_cast<std::size_t>(at - whole.inputs().begin())]);
    }
    return inputs;
}

template <typename Add> void read_values(const Layer& layer, const Tensor& tensor, const Add& add) {
    if (tensor.dtype() == DType::Float32) return add(tensor.data<float>(), [](float value) { return value; });
    const std::optional<QuantParams> params = params_of(*layer.node->input(0)->producer());
    MCOMPRESS_CHECK(params);
    const auto to_real = [&](auto code) { return dequantize_value(static_cast<std::int32_t>(code), params->scale, params->zero_point); };
    switch (tensor.dtype()) {
        case DType::UInt8: return add(tensor.data<std::uint8_t>(), to_real);
        case DType::Int8: return add(tensor.data<std::int8_t>(), to_real);
        case DType::UInt16: return add(tensor.data<std::uint16_t>(), to_real);
        case DType::Int16: return add(tensor.data<std::int16_t>(), to_real);
        default: fail(codes::kInternal, "codes of type {}", dtype_name(tensor.dtype()));
    }
}

}  // namespace

std::span<const float> LayerRows::of_group(const Layer& layer, std::int64_t group) const {
    const auto size = static_cast<std::size_t>(count * layer.inputs);
    return std::span(values).subspan(static_cast<std::size_t>(group) * size, size);
}

std::vector<bool> held_out_samples(std::size_t count) {
    std::vector<bool> held_out(count);
    for (std::size_t at = 0; at < count; ++at) held_out[at] = is_held_out(at, count);
    return held_out;
}

std::vector<SplitRows> sample_exact_rows(const Engine& engine, const Graph& reference, std::span<const Layer> layers, std::size_t first,
                                         const Dataset& data, const RowOptions& options) {
    std::vector<RowGathering> gatherings;
    std::vector<std::string> names;
    std::vector<std::vector<std::size_t>> readers;  // by name: layers
    for (std::size_t at = 0; at < layers.size(); ++at) {
        gatherings.emplace_back(layers[at], first + at, data.size(), options.bytes_per_layer);
        const std::string& name = layers[at].float_input()->name();
        const auto known = std::find(names.begin(), names.end(), name);
        readers.resize(std::max(readers.size(), static_cast<std::size_t>(known - names.begin()) + 1));
        readers[static_cast<std::size_t>(known - names.begin())].push_back(at);
        if (known == names.end()) names.push_back(name);
    }
    const std::unique_ptr<Graph> part = extract_subgraph(reference, {}, names);
    PlanCache plans(engine, *part, {.threads = 1});
    parallel_for(data.size(), options.threads, [&](int, std::size_t sample) {
        const std::vector<Tensor> inputs = inputs_of(*part, data, sample, {}, reference);
        const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
        for (std::size_t output = 0; output < outputs.size(); ++output)
            for (const std::size_t at : readers[output])
                gatherings[at].add(sample, outputs[output].shape(), outputs[output].data<float>(), [](float value) { return value; });
    });
    std::vector<SplitRows> rows;
    for (RowGathering& gathering : gatherings) rows.push_back(gathering.split());
    return rows;
}

GraphPrefix::GraphPrefix(const Engine& engine, const Graph& graph, std::span<const Layer> layers, const Dataset& data,
                         const RowOptions& options)
    : engine_(engine), graph_(graph), layers_(layers.begin(), layers.end()), data_(data), options_(options), kept_(data.size()) {
    for (std::size_t at = 0; at < layers_.size(); ++at) crossing_.push_back(crossing(at));
    crossing_bytes_.resize(layers_.size());
    measure_first_sample();
}

/// The graph walked through may be either of the two that a layer names a node of.
static bool is_node_of(const Layer& layer, const Node& node) { return layer.node == &node || layer.reference == &node; }

/// What nodes from this layer on read of what comes before it, its own input among it.
std::vector<std::string> GraphPrefix::crossing(std::size_t layer) const {
    const std::vector<Node*> order = graph_.order();
    // Only what later layers depend on has to be kept.
    std::unordered_set<const Node*> needed;
    std::unordered_set<const Value*> read;
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
        const bool is_layer = std::any_of(layers_.begin(), layers_.end(), [&](const Layer& each) { return is_node_of(each, **node); });
        const auto outputs = (*node)->outputs();
        if (!is_layer && std::none_of(outputs.begin(), outputs.end(), [&](const Value* value) { return read.contains(value); })) continue;
        needed.insert(*node);
        read.insert((*node)->inputs().begin(), (*node)->inputs().end());
        if ((*node)->subgraphs().empty()) continue;
        const std::vector<Value*> captured = captured_values(**node);
        read.insert(captured.begin(), captured.end());
    }
    std::vector<std::string> names;
    std::unordered_set<const Value*> done, seen;
    bool is_behind = false;
    const auto keep = [&](const Value* value) {
        if (!value || is_fixed(value) || value->is_graph_input()) return;
        const Value* codes = codes_of(value);
        if (done.contains(codes) && seen.insert(codes).second) names.push_back(codes->name());
    };
    for (const Node* node : order) {
        is_behind = is_behind || is_node_of(layers_[layer], *node);
        if (!is_behind) {
            done.insert(node->outputs().begin(), node->outputs().end());
        } else if (needed.contains(node)) {
            for (const Value* input : node->inputs()) keep(input);
            if (!node->subgraphs().empty())
                for (const Value* captured : captured_values(*node)) keep(captured);
        }
    }
    return names;
}

void GraphPrefix::measure_first_sample() {
    std::vector<std::string> names;
    for (const std::vector<std::string>& each : crossing_) names.insert(names.end(), each.begin(), each.end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.empty()) return;
    const std::unique_ptr<Graph> part = extract_subgraph(graph_, {}, names);
    PlanCache plans(engine_, *part, {.threads = options_.threads});
    const std::vector<Tensor> inputs = inputs_of(*part, data_, 0, {}, graph_);
    const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
    std::map<std::string, std::size_t> bytes;
    for (std::size_t at = 0; at < names.size(); ++at) bytes[names[at]] = outputs[at].byte_size();
    for (std::size_t layer = 0; layer < crossing_.size(); ++layer) {
        for (const std::string& name : crossing_[layer]) crossing_bytes_[layer] += bytes[name];
        bytes_per_sample_ = std::max(bytes_per_sample_, crossing_bytes_[layer]);
    }
}

/// Memory must not grow with the number of samples; of values of some bytes it may, or they would be computed again for next to nothing.
std::size_t GraphPrefix::kept_bytes() const {
    constexpr std::size_t kSamples = 100, kLeastBytes = std::size_t{2} << 20;
    return options_.kept_bytes.value_or(std::max(kLeastBytes, kSamples * bytes_per_sample_));
}

/// What is added to the layer's results, in the graph walked through; null when it is not wanted or there is nothing that can be read.
const Value* GraphPrefix::residual_value(const Layer& layer) const {
    if (options_.residual == ResidualRows::Without) return nullptr;
    const std::optional<Residual> residual = residual_of(layer);
    const Value* value = residual ? graph_.find_value(residual->value->name()) : nullptr;
    return value && !value->is_graph_input() && !value->is_constant() ? value : nullptr;
}

SplitRows GraphPrefix::rows_at(const PositionRead& read, std::size_t number) {
    std::vector<std::string> given, wanted{read.windows};
    for (const auto& [name, tensor] : kept_.front()) given.push_back(name);
    if (!read.results.empty() && read.results != read.windows) wanted.push_back(read.results);
    const std::unique_ptr<Graph> part = extract_subgraph(graph_, given, wanted);
    run_pipeline("quantize-finish", *part, {});
    PlanCache plans(engine_, *part, {.threads = 1});
    RowGathering gathering(read.at, number, data_.size(), read.bytes);
    gathering.mark_padding();
    if (!read.results.empty()) gathering.expect_residuals();
    parallel_for(data_.size(), options_.threads, [&](int, std::size_t sample) {
        const std::vector<Tensor> inputs = inputs_of(*part, data_, sample, kept_[sample], graph_);
        const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
        const Shape& shape = outputs[0].shape();
        gathering.add(sample, shape, outputs[0].data<float>(), [](float value) { return value; });
        if (!read.results.empty()) gathering.add_residual(sample, shape, outputs.back());
    });
    return gathering.split();
}

SplitRows GraphPrefix::rows_of(std::size_t number, KeepValues keep) {
    const Layer& layer = layers_[number];
    std::vector<std::string> given;
    for (const auto& [name, tensor] : kept_.front()) given.push_back(name);
    // Where much lies between two layers (wide early ones), the next layer starts from further up again instead.
    const bool is_kept = keep == KeepValues::Yes && crossing_bytes_[number] <= kept_bytes() / data_.size();
    std::vector<std::string> wanted = is_kept ? crossing_[number] : std::vector<std::string>{};
    const auto place_of = [&](const Value* value) {
        if (std::find(wanted.begin(), wanted.end(), value->name()) == wanted.end()) wanted.push_back(value->name());
        return static_cast<std::size_t>(std::find(wanted.begin(), wanted.end(), value->name()) - wanted.begin());
    };
    const std::size_t own = place_of(codes_of(layer.compressed_input()));
    const Value* source = options_.pooled == PooledRows::Parts ? pooled_source(layer, layer.compressed_input()) : nullptr;
    const std::size_t pictures = source && !source->is_graph_input() ? place_of(source) : own;
    const Value* residual = pictures == own ? residual_value(layer) : nullptr;
    const std::size_t beside = residual ? place_of(residual) : own;
    const std::unique_ptr<Graph> part = extract_subgraph(graph_, given, wanted);
    run_pipeline("quantize-finish", *part, {});
    PlanCache plans(engine_, *part, {.threads = 1});
    RowGathering gathering(layer, number, data_.size(), options_.bytes_per_layer);
    if (residual) gathering.expect_residuals();
    parallel_for(data_.size(), options_.threads, [&](int, std::size_t sample) {
        const std::vector<Tensor> inputs = inputs_of(*part, data_, sample, kept_[sample], graph_);
        const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
        const Tensor& rows = outputs[own];
        if (pictures != own && PooledPictures::can_read(layer, outputs[pictures])) gathering.add_parts(sample, outputs[pictures]);
        else read_values(layer, rows, [&](const auto* from, const auto& to_real) { gathering.add(sample, rows.shape(), from, to_real); });
        if (residual) gathering.add_residual(sample, rows.shape(), outputs[beside]);
        if (!is_kept) return;
        Kept kept;
        for (std::size_t at = 0; at < crossing_[number].size(); ++at) kept.emplace(wanted[at], outputs[at]);
        kept_[sample] = std::move(kept);
    });
    return gathering.split();
}

}  // namespace mcompress
