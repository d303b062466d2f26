#include "tune/layer_samples.h"

#include <algorithm>
#include <unordered_set>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/topology.h"
#include "ops/attributes.h"
#include "ops/conv.h"
#include "passes/pipelines.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantized_view.h"
#include "quant/affine.h"
#include "support/check.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tune/pooled_pictures.h"
#include "tune/residual.h"
#include "tune/samples.h"
#include "tune/subgraph.h"

namespace mcompress {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a hash good enough to jitter positions with.
std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

/// `count` of [0, total), one in each of `count` equal parts.
std::vector<std::int64_t> spread(std::int64_t total, std::int64_t count, std::uint64_t seed) {
    std::vector<std::int64_t> chosen;
    for (std::int64_t at = 0; at < count; ++at) {
        const std::int64_t begin = at * total / count, end = (at + 1) * total / count;
        const std::uint64_t jitter = mixed(seed * 0x100000001b3U + static_cast<std::uint64_t>(at));
        chosen.push_back(begin + static_cast<std::int64_t>(jitter % static_cast<std::uint64_t>(std::max<std::int64_t>(1, end - begin))));
    }
    return chosen;
}

/// Reads rows out of a layer's input of one shape.
class RowReader {
public:
    RowReader(const Layer& layer, const Shape& input) : layer_(layer), input_(input) {
        if (!layer.node->is("Conv")) {
            positions_ = layer.inputs == 0 ? 0 : input.element_count() / layer.inputs;
            return;
        }
        const Shape& weight = float_weight(layer).shape();
        window_ = attrs<ConvAttrs>(*layer.node).geometry(input, weight);
        positions_ = input[0];
        for (const WindowAxis& axis : window_) positions_ *= axis.output;
        std::int64_t taps = 1;
        for (const WindowAxis& axis : window_) taps *= axis.kernel;
        taps_ = taps;
    }

    std::int64_t positions() const { return positions_; }

    /// Whether a tensor has the shape of the layer's results, for its positions.
    bool fits_results(const Tensor& tensor) const {
        return tensor.dtype() == DType::Float32 && tensor.element_count() == positions_ * layer_.groups * layer_.outputs;
    }
    /// What a tensor of that shape has at a position, of every channel.
    void read_result(const float* from, std::int64_t position, float* to) const {
        const std::int64_t channels = layer_.groups * layer_.outputs;
        std::int64_t plane = 1;
        for (const WindowAxis& axis : window_) plane *= axis.output;
        const float* const first = from + position / plane * plane * channels + position % plane;
        for (std::int64_t channel = 0; channel < channels; ++channel) to[channel] = first[channel * plane];
    }

    /// Writes the row of a position for each group, `stride` floats apart: to_real(element), 0 in the padding.
    template <typename T, typename ToReal>
    void read(const T* from, std::int64_t position, float* to, std::int64_t stride, const ToReal& to_real) const {
        if (window_.empty()) std::transform(from + position * layer_.inputs, from + (position + 1) * layer_.inputs, to, to_real);
        else read_window(from, position, to, stride, to_real);
    }

private:
    template <typename T, typename ToReal>
    void read_window(const T* from, std::int64_t position, float* to, std::int64_t stride, const ToReal& to_real) const {
        const int spatial = static_cast<int>(window_.size());
        std::vector<std::int64_t> start(window_.size());
        for (int axis = spatial - 1; axis >= 0; --axis) {
            const WindowAxis& along = window_[static_cast<std::size_t>(axis)];
            start[static_cast<std::size_t>(axis)] = position % along.output * along.stride - along.pad_begin;
            position /= along.output;
        }
        const std::int64_t channels = input_[1], plane = input_.product(2, input_.rank());
        const std::int64_t per_group = channels / layer_.groups;
        const T* image = from + position * channels * plane;
        std::vector<std::int64_t> offsets(static_cast<std::size_t>(taps_));  // -1 in the padding
        for (std::int64_t tap = 0; tap < taps_; ++tap) offsets[static_cast<std::size_t>(tap)] = offset_of(start, tap);
        for (std::int64_t channel = 0; channel < channels; ++channel) {
            float* row = to + channel / per_group * stride + channel % per_group * taps_;
            const T* source = image + channel * plane;
            for (std::int64_t tap = 0; tap < taps_; ++tap) {
                const std::int64_t offset = offsets[static_cast<std::size_t>(tap)];
                row[tap] = offset < 0 ? 0.0F : to_real(source[offset]);
            }
        }
    }

    std::int64_t offset_of(const std::vector<std::int64_t>& start, std::int64_t tap) const {
        std::int64_t offset = 0, step = 1;
        for (std::size_t axis = window_.size(); axis-- > 0;) {
            const WindowAxis& along = window_[axis];
            const std::int64_t at = start[axis] + tap % along.kernel * along.dilation;
            tap /= along.kernel;
            const std::int64_t extent = input_[static_cast<int>(axis) + 2];
            if (at < 0 || at >= extent) return -1;
            offset += at * step;
            step *= extent;
        }
        return offset;
    }

    const Layer& layer_;
    Shape input_;
    Window window_;
    std::int64_t positions_ = 0;
    std::int64_t taps_ = 1;
};

/// The rows of one layer while they are gathered: each sample has its own places.
class Gathering {
public:
    Gathering(const Layer& layer, std::size_t number, std::size_t samples, std::size_t bytes)
        : layer_(layer), number_(number), found_(samples, 0), parts_(samples, 1) {
        const std::int64_t row = layer.groups * layer.inputs * static_cast<std::int64_t>(sizeof(float));
        const std::int64_t rows = std::clamp<std::int64_t>(static_cast<std::int64_t>(bytes) / std::max<std::int64_t>(1, row), 256, 8192);
        per_sample_ = std::max<std::int64_t>(1, rows / static_cast<std::int64_t>(samples));
        capacity_ = per_sample_ * static_cast<std::int64_t>(samples);
        values_.resize(static_cast<std::size_t>(layer.groups * capacity_ * layer.inputs));
    }

    /// From several threads, each with its own sample.
    template <typename T, typename ToReal> void add(std::size_t sample, const Shape& shape, const T* from, const ToReal& to_real) {
        const RowReader reader(layer_, shape);
        const std::int64_t count = std::min(per_sample_, reader.positions());
        found_[sample] = count;
        std::int64_t row = static_cast<std::int64_t>(sample) * per_sample_;
        for (const std::int64_t position : spread(reader.positions(), count, mixed(sample) + number_))
            reader.read(from, position, values_.data() + row++ * layer_.inputs, capacity_ * layer_.inputs, to_real);
    }

    /// Before anything is added: there will be residuals, too.
    void expect_residuals() {
        has_residual_.assign(found_.size(), 1);
        residuals_.resize(static_cast<std::size_t>(capacity_ * layer_.groups * layer_.outputs));
    }

    /// What is added to the layer's results, at the places of the sample's rows.
    void add_residual(std::size_t sample, const Shape& shape, const Tensor& residual) {
        const RowReader reader(layer_, shape);
        has_residual_[sample] = reader.fits_results(residual) ? 1 : 0;
        if (!has_residual_[sample]) return;
        const std::int64_t width = layer_.groups * layer_.outputs;
        std::int64_t row = static_cast<std::int64_t>(sample) * per_sample_;
        for (const std::int64_t position : spread(reader.positions(), found_[sample], mixed(sample) + number_))
            reader.read_result(residual.data<float>(), position, residuals_.data() + row++ * width);
    }

    /// The same of what is pooled in front of the layer.
    void add_parts(std::size_t sample, const Tensor& tensor) {
        const PooledPictures reader(tensor.shape(), per_sample_);
        const std::vector<std::int64_t> chosen = spread(reader.positions(), reader.chosen_positions(), mixed(sample) + number_);
        found_[sample] = std::min(per_sample_, reader.rows());
        parts_[sample] = reader.rows_of_picture();
        for (std::int64_t at = 0; at < found_[sample]; ++at)
            reader.read(tensor.data<float>(), at, chosen,
                        values_.data() + (static_cast<std::int64_t>(sample) * per_sample_ + at) * layer_.inputs);
    }

    /// Hands the rows over; nothing is left here. Held out are whole pictures only: they are what the layer will see.
    SplitRows split() {
        const std::vector<bool> is_held_out = held_out_samples(found_.size());
        SplitRows rows;
        for (const bool held_out : {false, true}) {
            LayerRows& part = held_out ? rows.held_out : rows.fit;
            for (std::size_t sample = 0; sample < found_.size(); ++sample)
                if (belongs(is_held_out[sample], held_out)) part.count += read_of(sample, held_out);
            part.values.reserve(static_cast<std::size_t>(layer_.groups * part.count * layer_.inputs));
            for (std::int64_t group = 0; group < layer_.groups; ++group)
                for (std::size_t sample = 0; sample < found_.size(); ++sample) {
                    if (!belongs(is_held_out[sample], held_out)) continue;
                    const std::int64_t row = group * capacity_ + static_cast<std::int64_t>(sample) * per_sample_;
                    for (std::int64_t at = 0; at < found_[sample]; at += held_out ? parts_[sample] : 1) {
                        const auto begin = values_.begin() + (row + at) * layer_.inputs;
                        part.values.insert(part.values.end(), begin, begin + layer_.inputs);
                    }
                }
            if (have_residuals()) part.residual = residuals_of(is_held_out, held_out);
        }
        values_ = {};
        return rows;
    }

private:
    bool have_residuals() const {
        return !has_residual_.empty() && std::all_of(has_residual_.begin(), has_residual_.end(), [](std::uint8_t has) { return has != 0; });
    }

    std::vector<float> residuals_of(const std::vector<bool>& is_held_out, bool held_out) const {
        std::vector<float> rows;
        const std::int64_t width = layer_.groups * layer_.outputs;
        for (std::size_t sample = 0; sample < found_.size(); ++sample) {
            if (!belongs(is_held_out[sample], held_out)) continue;
            const auto begin = residuals_.begin() + static_cast<std::int64_t>(sample) * per_sample_ * width;
            rows.insert(rows.end(), begin, begin + found_[sample] * width);
        }
        return rows;
    }

    std::int64_t read_of(std::size_t sample, bool held_out) const {
        return held_out ? (found_[sample] + parts_[sample] - 1) / parts_[sample] : found_[sample];
    }

    /// A single sample has to serve as both.
    bool belongs(bool is_held_out, bool wanted) const { return found_.size() == 1 || is_held_out == wanted; }

    const Layer& layer_;
    std::size_t number_;
    std::int64_t per_sample_ = 0;
    std::int64_t capacity_ = 0;
    std::vector<std::int64_t> found_;  // by sample
    std::vector<std::int64_t> parts_;  // by sample: rows of each picture, the first of the whole of it
    std::vector<float> values_;
    std::vector<float> residuals_;
    std::vector<std::uint8_t> has_residual_;  // by sample; empty when none are expected
};

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

std::vector<Tensor> inputs_of(const Graph& part, const Sample& sample, const std::map<std::string, Tensor>& kept, const Graph& whole) {
    std::vector<Tensor> inputs;
    std::vector<Tensor> given;
    for (const Value* input : part.inputs()) {
        const auto found = kept.find(input->name());
        if (found != kept.end()) {
            inputs.push_back(found->second);
            continue;
        }
        if (given.empty()) given = bind_inputs(whole, sample);
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
    std::vector<Gathering> gatherings;
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
        const std::vector<Tensor> inputs = inputs_of(*part, data.sample(sample), {}, reference);
        const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
        for (std::size_t output = 0; output < outputs.size(); ++output)
            for (const std::size_t at : readers[output])
                gatherings[at].add(sample, outputs[output].shape(), outputs[output].data<float>(), [](float value) { return value; });
    });
    std::vector<SplitRows> rows;
    for (Gathering& gathering : gatherings) rows.push_back(gathering.split());
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
    const std::vector<Tensor> inputs = inputs_of(*part, data_.sample(0), {}, graph_);
    const std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
    std::map<std::string, std::size_t> bytes;
    for (std::size_t at = 0; at < names.size(); ++at) bytes[names[at]] = outputs[at].byte_size();
    for (std::size_t layer = 0; layer < crossing_.size(); ++layer) {
        for (const std::string& name : crossing_[layer]) crossing_bytes_[layer] += bytes[name];
        bytes_per_sample_ = std::max(bytes_per_sample_, crossing_bytes_[layer]);
    }
}

/// What is added to the layer's results, in the graph walked through; null when it is not wanted or there is nothing that can be read.
const Value* GraphPrefix::residual_value(const Layer& layer) const {
    if (options_.residual == ResidualRows::Without) return nullptr;
    const std::optional<Residual> residual = residual_of(layer);
    const Value* value = residual ? graph_.find_value(residual->value->name()) : nullptr;
    return value && !value->is_graph_input() && !value->is_constant() ? value : nullptr;
}

SplitRows GraphPrefix::rows_of(std::size_t number) {
    const Layer& layer = layers_[number];
    std::vector<std::string> given;
    for (const auto& [name, tensor] : kept_.front()) given.push_back(name);
    // Where much lies between two layers (wide early ones), the next layer starts from further up again instead.
    const bool is_kept = crossing_bytes_[number] <= options_.kept_bytes / data_.size();
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
    Gathering gathering(layer, number, data_.size(), options_.bytes_per_layer);
    if (residual) gathering.expect_residuals();
    parallel_for(data_.size(), options_.threads, [&](int, std::size_t sample) {
        const std::vector<Tensor> inputs = inputs_of(*part, data_.sample(sample), kept_[sample], graph_);
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
