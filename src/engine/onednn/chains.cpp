#include "engine/onednn/chains.h"

#include <algorithm>
#include <unordered_set>

#include "engine/fused_groups.h"
#include "engine/onednn/channel_affine.h"
#include "engine/onednn/gelu.h"

namespace mcompress::onednn {

namespace {

constexpr std::size_t kMostLinks = 8;  // oneDNN takes 32 post-operations
constexpr std::string_view kHeads[] = {"Conv", "ConvTranspose", "Gemm", "MatMul"};

class Finder {
public:
    Finder(const PropagatedValues& values, const std::function<ChainRole(const Node&)>& role,
           const std::function<bool(const Value&)>& is_kept)
        : values_(values), role_(role), is_kept_(is_kept), live_(values.nodes.begin(), values.nodes.end()) {}

    Chain follow(Chain chain) {
        used_.insert(chain.heads.begin(), chain.heads.end());
        bool has_residual = chain.head().is("com.microsoft", "FusedConv") && chain.head().input(3);
        for (const Value* value = chain.head_output; value && !is_kept_(*value) && chain.links.size() < kMostLinks;) {
            auto link = next(chain, *value, has_residual);
            if (!link) break;
            has_residual = has_residual || link->kind == ChainLink::Kind::Residual;
            value = link->kind == ChainLink::Kind::Quantize ? nullptr : link->output;
            used_.insert(link->nodes.begin(), link->nodes.end());
            chain.links.push_back(std::move(*link));
        }
        return chain;
    }

private:
    bool is_free(const Node* node) const { return live_.contains(node) && !used_.contains(node) && role_(*node) == ChainRole::Float; }

    /// None when there are more than a chain can have.
    std::vector<const Node*> readers(const Value& value) const {
        std::vector<const Node*> nodes;
        if (value.uses().size() > 2) return nodes;
        for (const Use& use : value.uses()) nodes.push_back(use.node);
        return nodes;
    }

    std::optional<ChainLink> next(const Chain& chain, const Value& value, bool has_residual) const {
        const auto nodes = readers(value);
        if (!std::all_of(nodes.begin(), nodes.end(), [&](const Node* node) { return is_free(node); })) return std::nullopt;
        if (nodes.size() == 2) {
            if (auto link = gelu(value)) return link;
            return gate(value, *nodes[0], *nodes[1]);
        }
        if (nodes.size() != 1) return std::nullopt;
        const Node& node = *nodes[0];
        if (const auto activation = activation_of(values_, node); activation && node.input(activation->input) == &value)
            return ChainLink{ChainLink::Kind::Activation, {&node}, activation->operations, nullptr, node.output(0)};
        if (const auto biased = biased_activation(values_, node); biased && node.input(0) == &value && chain.links.empty())
            if (const auto shape = values_.shape(&value); shape && is_bias(chain.head(), *shape, *values_.shape(biased->bias)))
                return ChainLink{ChainLink::Kind::Bias, {&node}, {biased->operation}, biased->bias, node.output(0)};
        if (node.is("QuantizeLinear") && role_(*chain.heads.back()) == ChainRole::Codes && node.input(0) == &value &&
            tensor_params(values_, node))
            return ChainLink{ChainLink::Kind::Quantize, {&node}, {}, nullptr, node.output(0)};
        if (is_normalization(chain, value, node)) return ChainLink{ChainLink::Kind::Normalization, {&node}, {}, nullptr, node.output(0)};
        return node.is("Add") && node.input_count() == 2 ? addition(chain, value, node, has_residual) : std::nullopt;
    }

    /// Weights and bias of a convolution can take it in.
    bool is_normalization(const Chain& chain, const Value& value, const Node& node) const {
        const Node& head = chain.head();
        if (!head.domain().empty() || !(head.is("Conv") || head.is("ConvTranspose")) || role_(head) != ChainRole::Float) return false;
        const bool is_behind_bias = chain.links.size() == 1 && chain.links[0].kind == ChainLink::Kind::Bias;
        if (!(chain.links.empty() || is_behind_bias) || node.input(0) != &value || !values_.is_known(head.input(1))) return false;
        if (head.input(2) && !values_.is_known(head.input(2))) return false;
        return channel_affine(values_, node).has_value();
    }

    std::optional<ChainLink> gelu(const Value& value) const {
        const auto found = match_gelu(values_, value);
        if (!found) return std::nullopt;
        for (const Node* node : found->nodes)
            if (!is_free(node) || (node != found->nodes.back() && is_kept_(*node->output(0)))) return std::nullopt;
        return ChainLink{ChainLink::Kind::Activation, found->nodes, {found->operation}, nullptr, found->nodes.back()->output(0)};
    }

    std::optional<ChainLink> gate(const Value& value, const Node& first, const Node& second) const {
        const Node& mul = first.is("Mul") ? first : second;
        const Node& gate = first.is("Mul") ? second : first;
        if (!mul.is("Mul") || mul.input_count() != 2 || !gate.output(0) || gate.output(0)->uses().size() != 1 || is_kept_(*gate.output(0)))
            return std::nullopt;
        const auto operation = gated_activation(gate);
        const Value* other = mul.input(0) == &value ? mul.input(1) : mul.input(0);
        if (!operation || other != gate.output(0)) return std::nullopt;
        return ChainLink{ChainLink::Kind::Activation, {&gate, &mul}, {*operation}, nullptr, mul.output(0)};
    }

    std::optional<ChainLink> addition(const Chain& chain, const Value& value, const Node& node, bool has_residual) const {
        const Value* other = node.input(0) == &value ? node.input(1) : node.input(0);
        const auto shape = values_.shape(&value), other_shape = values_.shape(other), result = values_.shape(node.output(0));
        if (!shape || !other_shape || !result || *shape != *result || other == &value || values_.dtype(other) != DType::Float32)
            return std::nullopt;
        if (values_.is_known(other)) {
            if (!chain.links.empty() || !is_bias(chain.head(), *shape, *other_shape)) return std::nullopt;
            return ChainLink{ChainLink::Kind::Bias, {&node}, {}, other, node.output(0)};
        }
        if (has_residual || *other_shape != *shape) return std::nullopt;
        return ChainLink{ChainLink::Kind::Residual, {&node}, {}, other, node.output(0)};
    }

    /// One number an output channel: the last axis of a matrix product, axis 1 of a convolution. The head must not have a bias already.
    static bool is_bias(const Node& head, const Shape& shape, const Shape& other) {
        const bool is_integer = head.is("MatMulInteger") || head.is("ConvInteger");  // its third input is a zero point
        if ((head.input(2) && !is_integer) || !head.domain().empty()) return false;
        const bool is_product = head.is("MatMulInteger") || head.is("MatMul") || head.is("Gemm");
        const int axis = is_product ? shape.rank() - 1 : 1;
        if (other.rank() > shape.rank() || axis < 0) return false;
        const int lead = shape.rank() - other.rank();
        for (int at = 0; at < other.rank(); ++at)
            if (other[at] != (at + lead == axis ? shape[axis] : 1)) return false;
        return other.element_count() == shape[axis];
    }

    const PropagatedValues& values_;
    const std::function<ChainRole(const Node&)>& role_;
    const std::function<bool(const Value&)>& is_kept_;
    std::unordered_set<const Node*> live_;
    std::unordered_set<const Node*> used_;
};

}  // namespace

std::vector<const Node*> Chain::nodes(std::size_t count) const {
    std::vector<const Node*> all = heads;
    for (std::size_t at = 0; at < count; ++at) all.insert(all.end(), links[at].nodes.begin(), links[at].nodes.end());
    return all;
}

Chains find_chains(const PropagatedValues& values, const std::function<ChainRole(const Node&)>& role,
                   const std::unordered_map<const Node*, std::vector<const Node*>>& heads,
                   const std::function<bool(const Value&)>& is_kept) {
    Chains chains;
    Finder finder(values, role, is_kept);
    // From the back: of two convolutions that meet in an addition the later one takes it, and the other is complete by then.
    for (auto node = values.nodes.rbegin(); node != values.nodes.rend(); ++node) {
        if (const auto several = heads.find(*node); several != heads.end()) {
            chains.list.push_back(finder.follow({several->second, (*node)->output(0), {}}));
            continue;
        }
        const bool is_head =
            ((*node)->domain().empty() && std::find(std::begin(kHeads), std::end(kHeads), (*node)->op_type()) != std::end(kHeads)) ||
            (*node)->is("com.microsoft", "FusedConv");
        if (is_head && role(**node) != ChainRole::Taken && (*node)->output(0) && values.dtype((*node)->output(0)) == DType::Float32)
            chains.list.push_back(finder.follow(Chain::of(**node)));
    }
    for (const Chain& chain : chains.list) {
        for (const Node* node : chain.nodes(chain.links.size())) chains.inside.emplace(node, &chain);
        chains.inside.erase(chain.last());
        chains.at_last.emplace(chain.last(), &chain);
    }
    return chains;
}

}  // namespace mcompress::onednn
