#include "pipeline/match_graphs.h"

#include <algorithm>
#include <deque>
#include <functional>

#include "ops/attributes.h"
#include "support/format.h"
#include "support/hash.h"
#include "tensor/content.h"

namespace mcompress {

namespace {

std::string hash_of(const Tensor& tensor) {
    Hasher hasher;
    add_elements(hasher, tensor);
    tensor.release_pages();
    return hasher.hex_digest();
}

std::string content_of(const Tensor& tensor) {
    return format("{}{}#{}", dtype_name(tensor.dtype()), tensor.shape().to_string(), hash_of(tensor));
}

struct AttributePrinter {
    template <typename Each> static std::string listed(const std::vector<Each>& values) {
        constexpr std::size_t kMost = 16;
        std::string text = "[";
        for (std::size_t at = 0; at < std::min(kMost, values.size()); ++at) text += (at > 0 ? ", " : "") + format("{}", values[at]);
        return text + (values.size() > kMost ? format(", … {} in all]", values.size()) : "]");
    }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(float value) const { return format("{:.9g}", value); }
    std::string operator()(const std::string& value) const { return "\"" + value + "\""; }
    std::string operator()(const Tensor& value) const {
        return format("{}{} #{}", dtype_name(value.dtype()), value.shape().to_string(), hash_of(value).substr(0, 12));
    }
    std::string operator()(const std::vector<std::int64_t>& values) const { return listed(values); }
    std::string operator()(const std::vector<float>& values) const { return listed(values); }
    std::string operator()(const std::vector<std::string>& values) const { return listed(values); }
    std::string operator()(const std::vector<Tensor>& values) const { return format("{} tensors", values.size()); }
    std::string operator()(const std::shared_ptr<Graph>& graph) const { return format("a body of {} nodes", graph->node_count()); }
    std::string operator()(const std::vector<std::shared_ptr<Graph>>& graphs) const { return format("{} bodies", graphs.size()); }
    std::string operator()(const OpaqueAttribute& value) const {
        Hasher hasher;
        hasher.add_string(value.bytes);
        return "#" + hasher.hex_digest().substr(0, 12);
    }
};

/// What a node is by itself; `full` with the values of its attributes.
enum class Depth { Operator, Attributes };

std::string kind_of(const Node& node, Depth depth) {
    Hasher hasher;
    hasher.add_string(node.qualified_op_type());
    hasher.add_integer(node.input_count());
    hasher.add_integer(node.output_count());
    if (depth == Depth::Attributes)
        for (const Attribute& attribute : node.attributes()) {
            hasher.add_string(attribute.name);
            hasher.add_string(attribute_text(attribute.value));
            if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute.value))
                for (const std::int64_t each : *list) hasher.add_integer(each);
        }
    return hasher.hex_digest();
}

using Key = std::function<std::string(const Node&)>;

class Matcher {
public:
    GraphMatch run(const Graph& before, const Graph& after) {
        pending_.push_back({&before, &after, ""});
        while (!pending_.empty()) {
            const Scope scope = pending_.front();
            pending_.pop_front();
            match(scope);
        }
        return std::move(result_);
    }

private:
    struct Scope {
        const Graph* before;
        const Graph* after;
        std::string name;  // of a body; its inputs are matched by position
    };

    void match(const Scope& scope) {
        left_before_ = scope.before->order();
        left_after_ = scope.after->order();
        partner_.clear();
        identify_inputs(scope);
        const auto names = std::pair(values_by_name(*scope.before), values_by_name(*scope.after));
        identify_constants(*scope.before, names.second);
        identify_constants(*scope.after, names.first);
        pair_up([](const Node& node) { return node.name().empty() ? "" : node.name() + "\n" + node.qualified_op_type(); }, true);
        pair_up([](const Node& node) { return node.name(); }, true);
        pair_up([](const Node& node) { return node.output(0) ? node.output(0)->name() : std::string(); }, true);
        identify_outputs(scope);
        pair_up([this](const Node& node) { return structures_.at(&node); }, false);
        pair_up([this](const Node& node) { return kind_of(node, Depth::Attributes) + constants_read(node); }, false);
        pair_up([this](const Node& node) { return kind_of(node, Depth::Operator) + shapes_read(node); }, false);
        identify_outputs(scope);
        finish(scope);
    }

    static std::unordered_map<std::string, const Value*> values_by_name(const Graph& graph) {
        std::unordered_map<std::string, const Value*> names;
        for (const Value* value : graph.constants()) names[value->name()] = value;
        return names;
    }

    void identify_inputs(const Scope& scope) {
        const auto name = [&](std::span<Value* const> inputs) {
            for (std::size_t at = 0; at < inputs.size(); ++at)
                result_.identities[inputs[at]] =
                    "input " + scope.name + "/" + (scope.name.empty() ? inputs[at]->name() : std::to_string(at));
        };
        name(scope.before->inputs());
        name(scope.after->inputs());
    }

    /// A constant that the other model has under the same name is that one, whatever it holds; others are what they hold.
    void identify_constants(const Graph& graph, const std::unordered_map<std::string, const Value*>& others) {
        for (const Value* value : graph.constants())
            result_.identities[value] = others.contains(value->name()) ? "constant " + value->name()
                                        : value->constant()            ? content_of(*value->constant())
                                                                       : "sparse " + value->sparse_initializer();
    }

    /// Nodes of the same key are paired in order: all of them for a key that says what a node is, the only ones for a name.
    void pair_up(const Key& key, bool by_name) {
        std::unordered_map<std::string, std::vector<const Node*>> before;
        std::unordered_map<std::string, std::size_t> after;
        for (const Node* node : left_before_)
            if (std::string text = key(*node); !text.empty()) before[text].push_back(node);
        for (const Node* node : left_after_) ++after[key(*node)];
        std::unordered_map<std::string, std::size_t> taken;
        for (const Node* node : left_after_) {
            const std::string text = key(*node);
            const auto found = before.find(text);
            if (text.empty() || found == before.end()) continue;
            if (by_name && (found->second.size() > 1 || after[text] > 1)) continue;
            std::size_t& next = taken[text];
            if (next == found->second.size()) continue;
            const Node* other = found->second[next++];
            partner_[node] = partner_[other] = result_.pairs.size();
            result_.pairs.push_back({other, node, by_name});
        }
        const auto is_taken = [&](const Node* node) { return partner_.contains(node); };
        std::erase_if(left_before_, is_taken);
        std::erase_if(left_after_, is_taken);
    }

    std::string identity(const Value* value) const {
        if (!value) return "-";
        const auto found = result_.identities.find(value);
        return found == result_.identities.end() ? "?" + value->name() : found->second;
    }

    /// What every node's outputs are: those of a pair, or what follows from the node's operator and inputs.
    void identify_outputs(const Scope& scope) {
        for (const Graph* graph : {scope.before, scope.after})
            for (const Node* node : graph->order()) {
                const auto pair = partner_.find(node);
                std::string own;
                if (pair != partner_.end()) {
                    own = format("pair {}", pair->second);
                } else {
                    Hasher hasher;
                    hasher.add_string(kind_of(*node, Depth::Attributes));
                    for (const Value* value : node->inputs()) hasher.add_string(identity(value));
                    own = structures_[node] = hasher.hex_digest();
                }
                const Tensor* const constant = pair == partner_.end() && node->output(0) ? known_tensor(node->output(0)) : nullptr;
                for (int index = 0; index < node->output_count(); ++index)
                    if (const Value* value = node->output(index))
                        result_.identities[value] = constant ? content_of(*constant) : format("{} {}", own, index);
            }
    }

    std::string constants_read(const Node& node) const {
        std::string text;
        for (const Value* value : node.inputs()) text += value && value->constant() ? identity(value) : "-";
        return text;
    }

    static std::string shapes_read(const Node& node) {
        std::string text;
        for (const Value* value : node.inputs()) text += value && value->constant() ? value->constant()->shape().to_string() : "-";
        return text;
    }

    /// Nodes of a body that the other model has no body for.
    static void add_body(std::vector<const Node*>& list, Graph& body) {
        for_each_graph(body, [&](const Graph& each) {
            for (const Node* node : each.nodes()) list.push_back(node);
        });
    }

    void finish(const Scope& scope) {
        for (const Node* node : left_before_)
            for (Graph* body : node->subgraphs()) add_body(result_.removed, *body);
        for (const Node* node : left_after_)
            for (Graph* body : node->subgraphs()) add_body(result_.added, *body);
        result_.removed.insert(result_.removed.end(), left_before_.begin(), left_before_.end());
        result_.added.insert(result_.added.end(), left_after_.begin(), left_after_.end());
        std::vector<GraphMatch::Pair> ordered;
        for (const Node* node : scope.after->order()) {
            const auto pair = partner_.find(node);
            if (pair == partner_.end()) continue;
            ordered.push_back(result_.pairs[pair->second]);
            const auto before = result_.pairs[pair->second].before->subgraphs(), after = node->subgraphs();
            for (std::size_t at = 0; at < std::max(before.size(), after.size()); ++at) {
                if (at >= after.size()) add_body(result_.removed, *before[at]);
                else if (at >= before.size()) add_body(result_.added, *after[at]);
                else pending_.push_back({before[at], after[at], scope.name + "/" + node->display_name() + "." + std::to_string(at)});
            }
        }
        std::copy(ordered.begin(), ordered.end(), result_.pairs.end() - static_cast<std::ptrdiff_t>(ordered.size()));
    }

    GraphMatch result_;
    std::deque<Scope> pending_;
    std::vector<Node*> left_before_, left_after_;
    std::unordered_map<const Node*, std::size_t> partner_;  // of the current graphs: the pair
    std::unordered_map<const Node*, std::string> structures_;
};

}  // namespace

std::string attribute_text(const AttributeValue& value) { return std::visit(AttributePrinter{}, value); }

bool GraphMatch::same_value(const Value* before, const Value* after) const {
    if (!before || !after) return before == after;
    const auto a = identities.find(before), b = identities.find(after);
    return a != identities.end() && b != identities.end() && a->second == b->second;
}

GraphMatch match_graphs(const Graph& before, const Graph& after) { return Matcher().run(before, after); }

}  // namespace mcompress
