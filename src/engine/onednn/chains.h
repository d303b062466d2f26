// A convolution or matrix product whose result is float, and the element-wise nodes behind it that can run inside of its primitive.
#pragma once

#include <unordered_map>
#include <vector>

#include "engine/onednn/activations.h"

namespace mcompress::onednn {

struct ChainLink {
    enum class Kind { Bias, Normalization, Activation, Residual, Quantize };
    Kind kind;
    std::vector<const Node*> nodes;         // one; more for an activation that is written out in several
    std::vector<EltwisePostOp> operations;  // of an activation
    const Value* other = nullptr;           // the bias or the residual
    const Value* output = nullptr;
};

struct Chain {
    std::vector<const Node*> heads;      // the product; for a dynamically quantized one also what makes floats of its sums
    const Value* head_output = nullptr;  // what they give
    std::vector<ChainLink> links;

    static Chain of(const Node& node) { return {{&node}, node.output(0), {}}; }
    const Node& head() const { return *heads.front(); }

    /// The head and the nodes of the first `count` links.
    std::vector<const Node*> nodes(std::size_t count) const;
    /// What the head and the first `count` links give.
    const Value* output(std::size_t count) const { return count == 0 ? head_output : links[count - 1].output; }
    const Node* last() const { return links.empty() ? heads.back() : links.back().nodes.back(); }
};

struct Chains {
    std::vector<Chain> list;
    /// The chain to build when a node is reached: it is the last of its chain.
    std::unordered_map<const Node*, const Chain*> at_last;
    /// Nodes inside of chains that are not their last.
    std::unordered_map<const Node*, const Chain*> inside;
};

/// Float: a node like any other. Codes: the last node of a product of 8-bit codes with a float result; a QuantizeLinear may end its chain.
/// Taken: stays out.
enum class ChainRole { Float, Codes, Taken };

/// A value inside of a chain is read by nothing else and not wanted by anybody. `heads` tells the nodes of a product by its last one, for those of
/// several nodes.
Chains find_chains(const PropagatedValues& values, const std::function<ChainRole(const Node&)>& role,
                   const std::unordered_map<const Node*, std::vector<const Node*>>& heads,
                   const std::function<bool(const Value&)>& is_kept);

}  // namespace mcompress::onednn
