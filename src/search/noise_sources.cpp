#include "search/noise_sources.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "ir/qualified_name.h"
#include "ops/attributes.h"
#include "ops/cost.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "support/saturating.h"

namespace mcompress {
namespace {

/// The pairs of a graph, joined into sets of one meaning.
class SourceFinder {
public:
    SourceFinder(Graph& graph, const QuantizationScheme& scheme) : plan_(plan_quantization(graph, scheme)) {
        for_each_graph(graph, [&](Graph& each) {
            for (Node* node : each.order()) order_.push_back(node);
        });
    }

    std::vector<NoiseSource> run() {
        collect_pairs();
        for (const Node* node : order_) join_around(*node);
        for (std::size_t at = 0; at < pairs_.size(); ++at) add_activation(at);
        for (const Node* node : order_) add_weights(*node);
        return std::move(sources_);
    }

private:
    void collect_pairs() {
        for (Node* node : order_) {
            if (!node->is("DequantizeLinear")) continue;
            const std::optional<QdqPair> pair = pair_behind(node->output(0));
            if (!pair) continue;
            index_.emplace(node->output(0), pairs_.size());
            by_source_.emplace(pair->source(), pairs_.size());
            pairs_.push_back(*pair);
        }
        leader_.resize(pairs_.size());
        std::iota(leader_.begin(), leader_.end(), std::size_t{0});
    }

    std::size_t find(std::size_t at) {
        while (leader_[at] != at) at = leader_[at] = leader_[leader_[at]];
        return at;
    }

    /// The earlier one leads.
    void join(std::size_t a, std::size_t b) {
        a = find(a);
        b = find(b);
        leader_[std::max(a, b)] = std::min(a, b);
    }

    std::optional<std::size_t> index_of(const Value* dequantized) const {
        const auto found = index_.find(dequantized);
        return found == index_.end() ? std::nullopt : std::optional(found->second);
    }

    bool share_parameters(std::size_t a, std::size_t b) const {
        return pairs_[a].scale() == pairs_[b].scale() && pairs_[a].zero_point() == pairs_[b].zero_point();
    }

    /// What moves or joins quantized elements hands the parameters on, and what a body captures dequantized is quantized again: to quantize twice with
    /// the same parameters changes nothing, so these pairs are one source.
    void join_around(const Node& node) {
        const auto unit = plan_.units.find(&node);
        const bool is_concat = unit != plan_.units.end() && unit->second->role == QuantizedRole::Concat;
        const bool requantizes = node.is("QuantizeLinear");
        if (!is_concat && !requantizes && !plan_.carriers.contains(&node)) return;
        for (const Value* input : node.inputs()) {
            const auto before = index_of(input);
            if (!before) continue;
            for (const Value* output : node.outputs()) {
                const auto after = requantizes ? by_source_.find(input) : by_source_.find(output);
                if (output && after != by_source_.end() && (requantizes || share_parameters(*before, after->second)))
                    join(*before, after->second);
            }
        }
    }

    /// The unit that computes this value; null when none does.
    const Node* writer_of(const Value* value) const {
        if (!plan_.unit_results.contains(value) || !value->producer()) return nullptr;
        const Node* node = value->producer();
        if (!plan_.is_unit(node) && node->input(0)) node = node->input(0)->producer();  // an absorbed activation
        return node && plan_.units.contains(node) ? node : nullptr;
    }

    void add_activation(std::size_t leader) {
        if (find(leader) != leader) return;
        const Value* value = see_through(pairs_[leader].source());
        NoiseSource source{NoiseSource::Kind::Activation, value->name(), value->producer() ? value->producer()->op_type() : "", {}, {}, 0};
        std::vector<const Node*> nodes;
        for (std::size_t at = leader; at < pairs_.size(); ++at) {
            if (find(at) != leader) continue;
            source.marks.push_back(qualified_name(*pairs_[at].quantize->output(0)));
            source.values.push_back(qualified_name(*see_through(pairs_[at].source())));
            if (const Node* writer = writer_of(pairs_[at].source())) {
                source.writers.push_back(writer->display_name());
                // One that writes integers only: while it is quantized, so is the value.
                if (plan_.units.at(writer)->result == ResultQuantizer::Always) nodes.push_back(writer);
            }
            for (const Use& use : pairs_[at].dequantized()->uses())
                if (plan_.is_unit(use.node)) nodes.push_back(use.node);
        }
        add_units(source, nodes);
        sources_.push_back(std::move(source));
    }

    void add_weights(const Node& node) {
        const auto unit = plan_.units.find(&node);
        if (unit == plan_.units.end() || unit->second->role != QuantizedRole::Compute) return;
        const Value* weight = node.input(unit->second->weight_input);
        if (!weight || !weight->producer() || !weight->producer()->is("DequantizeLinear")) return;
        NoiseSource source{NoiseSource::Kind::Weight, node.display_name(), node.op_type(), {qualified_name(*node.output(0))}, {}, 0};
        add_units(source, {&node});
        sources_.push_back(std::move(source));
    }

    static void add_units(NoiseSource& source, const std::vector<const Node*>& nodes) {
        for (const Node* node : nodes) {
            const std::string name = node->display_name();
            if (std::find(source.units.begin(), source.units.end(), name) != source.units.end()) continue;
            source.units.push_back(name);
            source.macs = saturating_add(source.macs, count_macs(*node).value_or(0));
        }
    }

    QuantizationPlan plan_;
    std::vector<Node*> order_;
    std::vector<QdqPair> pairs_;
    std::vector<std::size_t> leader_;
    std::unordered_map<const Value*, std::size_t> index_;      // by dequantized value
    std::unordered_map<const Value*, std::size_t> by_source_;  // by the value it quantizes
    std::vector<NoiseSource> sources_;
};

}  // namespace

std::vector<NoiseSource> find_noise_sources(const Graph& quantized, const QuantizationScheme& scheme) {
    return SourceFinder(const_cast<Graph&>(quantized), scheme).run();
}

}  // namespace mcompress
