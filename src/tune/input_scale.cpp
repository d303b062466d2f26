#include "tune/input_scale.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "calibrate/sample_check.h"
#include "data/subset.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ops/attributes.h"
#include "ops/normalization.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tensor/compare.h"
#include "tune/subgraph.h"

namespace mcompress {
namespace {

constexpr std::size_t kLooked = 16;
constexpr std::size_t kFewestChannels = 4;
constexpr double kUnfitVariance = 16.0, kDoubtfulVariance = 6.0, kUnfitShift = 5.0, kDoubtfulShift = 3.0;
constexpr double kUnfitGain = 20.0, kDoubtfulGain = 12.0, kUnfitLoss = 0.05, kDoubtfulLoss = 0.1;
constexpr const char* kRemedy = "check --preset, --scale, --mean and --std: the model may want numbers from -2 to 2 where pixels from 0 to "
                                "255 came, or the other way round";

using Verdict = DataFinding::Verdict;

std::vector<double> doubles_of(const Value* value) {
    const Tensor* tensor = known_tensor(value);
    std::vector<double> result;
    if (!tensor || !is_float(tensor->dtype())) return result;
    for (const float each : to_floats(*tensor)) result.push_back(static_cast<double>(each));
    return result;
}

bool is_normalized_again(const Node& node) {
    return std::any_of(node.output(0)->uses().begin(), node.output(0)->uses().end(),
                       [](const Use& use) { return use.node->op_type().find("Normalization") != std::string::npos; });
}

/// Inputs of operators by which samples choose or count, and do not enter sums.
bool is_choice(const Node& node, int input) {
    if (node.is("Gather") || node.is("GatherElements") || node.is("GatherND")) return input == 1;
    return node.is("OneHot") || node.is("Shape") || node.is("Size");
}

/// The samples' numbers reach the value, and not only as the indices of an embedding: codes of letters have no scale.
bool follows_samples(const Value* value) {
    std::vector<const Value*> left{value};
    std::unordered_set<const Value*> seen{value};
    while (!left.empty()) {
        const Value* each = left.back();
        left.pop_back();
        if (each->is_graph_input()) return true;
        const Node* node = each->producer();
        for (int input = 0; node && input < node->input_count(); ++input)
            if (node->input(input) && !is_choice(*node, input) && seen.insert(node->input(input)).second)
                left.push_back(node->input(input));
    }
    return false;
}

bool is_telling(const FirstLayer& layer) { return layer.variances.size() >= kFewestChannels && follows_samples(layer.observed); }

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Sums of one sample, channel by channel.
struct Sums {
    std::vector<double> sum, square;
    double count = 0.0;  // elements a channel
};

Sums sums_of(const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    Sums sums;
    if (shape.rank() < 2 || shape.element_count() == 0) return sums;
    const std::vector<float> values = to_floats(tensor);
    const std::int64_t channels = shape[1], inner = shape.product(2, shape.rank());
    sums.sum.assign(static_cast<std::size_t>(channels), 0.0);
    sums.square = sums.sum;
    sums.count = static_cast<double>(shape[0] * inner);
    for (std::int64_t at = 0; at < shape.element_count(); ++at) {
        const auto channel = static_cast<std::size_t>(at / inner % channels);
        const double value = static_cast<double>(values[static_cast<std::size_t>(at)]);
        sums.sum[channel] += value;
        sums.square[channel] += value * value;
    }
    return sums;
}

void judge_batch_norm(const FirstLayer& layer, const ChannelMoments& moments, std::vector<DataFinding>& findings) {
    std::vector<double> factors, ratios, shifts;
    for (std::size_t channel = 0; channel < layer.means.size(); ++channel) {
        if (!(layer.variances[channel] > 0.0)) continue;
        const double ratio = std::max(moments.variances[channel], 1e-30) / layer.variances[channel];
        ratios.push_back(ratio);
        factors.push_back(std::max(ratio, 1.0 / ratio));
        shifts.push_back(std::fabs(moments.means[channel] - layer.means[channel]) / std::sqrt(layer.variances[channel]));
    }
    if (factors.empty()) return;
    const double factor = median(factors), shift = median(shifts);
    if (!(factor > kDoubtfulVariance || shift > kDoubtfulShift)) return;
    const bool unfit = factor > kUnfitVariance || shift > kUnfitShift;
    findings.push_back({unfit ? Verdict::Unfit : Verdict::Warning,
                        format("the samples have another scale than those the model was trained on: the input of batch norm '{}' has "
                               "{:.3g} times the standard "
                               "deviation it was trained with and its mean is {:.3g} deviations off (median channel; up to 2.4 times and 3 "
                               "deviations are usual)",
                               layer.node->display_name(), std::sqrt(median(ratios)), shift),
                        kRemedy});
}

void judge_convolution(const FirstLayer& layer, const ChannelMoments& moments, std::vector<DataFinding>& findings) {
    std::vector<double> ratios;
    for (std::size_t channel = 0; channel < layer.variances.size(); ++channel)
        if (layer.variances[channel] > 0.0) ratios.push_back(std::sqrt(moments.variances[channel] / layer.variances[channel]));
    if (ratios.size() < kFewestChannels) return;
    const double ratio = median(ratios);
    if (ratio >= kDoubtfulLoss && ratio <= kDoubtfulGain) return;
    findings.push_back(
        {ratio < kUnfitLoss || ratio > kUnfitGain ? Verdict::Unfit : Verdict::Warning,
         format("the samples seem to have another scale than those the model was trained on: what the first convolution '{}' gives varies "
                "{:.3g} times as much as its bias is large (median channel; 0.4 to 5 times is usual)",
                layer.node->display_name(), ratio),
         kRemedy});
}

}  // namespace

std::vector<FirstLayer> find_first_layers(const Graph& graph) {
    FirstLayer first;
    for (const Node* node : graph.order()) {
        FirstLayer layer;
        if (node->is("BatchNormalization") && node->input_count() >= 5 && node->input(0)) {
            const auto norm = attrs<BatchNormAttrs>(*node);
            if (norm.mode == BatchNormAttrs::Mode::Training) continue;
            layer = {FirstLayer::Kind::BatchNorm, node, node->input(0), doubles_of(node->input(3)), doubles_of(node->input(4))};
            for (double& variance : layer.variances) variance += static_cast<double>(norm.epsilon);
            if (layer.means.size() != layer.variances.size() || !is_telling(layer)) continue;
            std::vector<FirstLayer> found{std::move(layer)};
            if (first.node && first.observed != found[0].observed) found.push_back(std::move(first));
            return found;
        } else if (!first.node && node->is("Conv") && node->input_count() > 2 && known_tensor(node->input(1)) &&
                   !is_normalized_again(*node)) {
            layer = {FirstLayer::Kind::Convolution, node, node->output(0), {}, doubles_of(node->input(2))};
            for (double& bias : layer.variances) bias *= bias;
            if (is_telling(layer)) first = std::move(layer);
        }
    }
    return {std::move(first)};
}

FirstLayer find_first_layer(const Graph& graph) { return std::move(find_first_layers(graph).front()); }

ChannelMoments measure_moments(const Engine& engine, const Graph& graph, const std::string& value, const Dataset& samples, std::size_t most,
                               int threads) {
    const std::shared_ptr<const Dataset> borrowed(&samples, [](const Dataset*) {});
    const std::size_t batch = samples_per_run(graph, samples.sample(0));
    const std::shared_ptr<const Dataset> grouped = batch == 1 || samples.size() < batch ? borrowed : batches(borrowed, batch);
    const Dataset& data = *grouped;
    const std::string outputs[] = {value};
    const std::unique_ptr<Graph> part = extract_subgraph(graph, {}, outputs);
    PlanCache plans(engine, *part, CompileOptions{.threads = 1});
    std::vector<Sums> sums(std::min(most, data.size()));
    parallel_for(sums.size(), threads, [&](int, std::size_t at) {
        const std::vector<Tensor> all = bind_inputs(graph, data.sample(at * data.size() / sums.size()));
        std::vector<Tensor> inputs;
        for (const Value* wanted : part->inputs())
            for (std::size_t slot = 0; slot < graph.inputs().size(); ++slot)
                if (graph.inputs()[slot]->name() == wanted->name()) inputs.push_back(all[slot]);
        sums[at] = sums_of(plans.plan_for(inputs)->run(inputs).at(0));
    });
    ChannelMoments moments;
    std::vector<double> sum, square;
    double count = 0.0;
    for (const Sums& each : sums) {
        if (each.sum.empty()) continue;
        sum.resize(each.sum.size(), 0.0);
        square.resize(each.sum.size(), 0.0);
        for (std::size_t channel = 0; channel < sum.size(); ++channel) {
            sum[channel] += each.sum[channel];
            square[channel] += each.square[channel];
        }
        count += each.count;
    }
    for (std::size_t channel = 0; channel < sum.size(); ++channel) {
        const double mean = sum[channel] / count;
        moments.means.push_back(mean);
        moments.variances.push_back(std::max(0.0, square[channel] / count - mean * mean));
    }
    return moments;
}

std::vector<DataFinding> check_input_scale(const Engine& engine, const Graph& graph, const Dataset& data, int threads) {
    std::vector<DataFinding> findings;
    if (data.size() == 0) return findings;
    for (const FirstLayer& layer : find_first_layers(graph)) {
        if (!layer.node) return {};
        const ChannelMoments moments = measure_moments(engine, graph, layer.observed->name(), data, kLooked, threads);
        if (moments.means.size() != layer.variances.size()) continue;
        const std::size_t before = findings.size();
        if (layer.kind == FirstLayer::Kind::BatchNorm) judge_batch_norm(layer, moments, findings);
        else judge_convolution(layer, moments, findings);
        if (findings.size() == before) return {};  // one that finds nothing is enough
    }
    if (findings.size() == 2) findings.erase(findings[1].verdict == Verdict::Unfit ? findings.begin() : findings.begin() + 1);
    return findings;
}

}  // namespace mcompress
