#include "passes/quantize/select_nodes.h"

#include <algorithm>
#include <locale>
#include <regex>
#include <unordered_set>

#include "ir/topology.h"
#include "passes/quantize/op_rules.h"
#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {
namespace {

constexpr std::string_view kType = "type:";
constexpr std::string_view kPath = "..";
/// std::regex recurses once a character.
constexpr std::size_t kLongestMatched = 1024;

template <typename Visit> void for_each_listed(const Graph& graph, Visit&& visit) {
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order()) visit(*node);
    });
}

template <typename Accept> std::vector<std::string> names_where(const Graph& graph, Accept&& accept) {
    std::vector<std::string> names;
    std::unordered_set<std::string> seen;
    for_each_listed(graph, [&](const Node& node) {
        if (accept(node) && seen.insert(node.display_name()).second) names.push_back(node.display_name());
    });
    return names;
}

[[noreturn]] void refuse(const std::string& what, std::string_view word, const std::vector<std::string>& known) {
    const std::string nearest = nearest_word(word, known);
    throw Error(codes::kUsage, what,
                nearest.empty() ? "`mcompress optimize MODEL` writes the model whose names count: fused nodes are gone"
                                : format("did you mean '{}'?", nearest));
}

/// Backtracks to the last star only: linear in the product of the lengths.
bool matches_wildcards(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = std::string_view::npos, resumed = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resumed = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resumed;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::string operator_name(const Node& node) { return node.domain().empty() ? node.op_type() : node.domain() + "." + node.op_type(); }

std::vector<std::string> of_type(const Graph& graph, std::string_view type) {
    std::vector<std::string> names = names_where(graph, [&](const Node& node) { return operator_name(node) == type; });
    if (!names.empty()) return names;
    std::vector<std::string> known;
    for_each_listed(graph, [&](const Node& node) { known.push_back(operator_name(node)); });
    refuse(format("no node is a '{}'", type), type, known);
}

std::vector<std::string> of_expression(const Graph& graph, std::string_view selector) {
    const std::string pattern(selector.substr(1, selector.size() - 2));
    try {
        std::regex expression;
        expression.imbue(std::locale::classic());
        expression.assign(pattern, std::regex::ECMAScript | std::regex::optimize);
        std::vector<std::string> names = names_where(graph, [&](const Node& node) {
            const std::string name = node.display_name();
            return name.size() <= kLongestMatched && std::regex_search(name, expression);
        });
        if (!names.empty()) return names;
    } catch (const std::regex_error& error) {
        throw Error(codes::kUsage, format("'{}' is no regular expression: {}", pattern, error.what()), "the syntax is ECMAScript's");
    }
    throw Error(codes::kUsage, format("no node has a name with '{}' in it", pattern), "`mcompress inspect` shows the model");
}

/// The two ends of a path. Names may hold dots themselves: the first split between two values of one graph counts.
struct Path {
    Graph* graph = nullptr;
    const Value* from = nullptr;
    const Value* to = nullptr;
};

Path find_path(const Graph& graph, std::string_view selector) {
    Path path;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (std::size_t at = selector.find(kPath); !path.graph && at != std::string_view::npos; at = selector.find(kPath, at + 1)) {
            const Value* from = each.find_value(selector.substr(0, at));
            const Value* to = each.find_value(selector.substr(at + kPath.size()));
            if (from && to) path = {&each, from, to};
        }
    });
    if (path.graph) return path;
    std::vector<std::string> known;
    std::unordered_set<std::string> values;
    const auto add = [&](const Value* value) {
        if (value && values.insert(value->name()).second) known.push_back(value->name());
    };
    for_each_listed(graph, [&](const Node& node) {
        for (const Value* value : node.inputs()) add(value);
        for (const Value* value : node.outputs()) add(value);
    });
    const std::size_t at = selector.find(kPath);
    const std::string_view first = selector.substr(0, at), second = selector.substr(at + kPath.size());
    const std::string_view unknown = values.contains(std::string(first)) ? second : first;
    if (values.contains(std::string(unknown)))
        throw Error(codes::kUsage, format("'{}' and '{}' are values of different bodies", first, second), "name two values of one graph");
    refuse(format("no value is called '{}'", unknown), unknown, known);
}

std::vector<std::string> on_path(const Graph& graph, std::string_view selector) {
    const Path path = find_path(graph, selector);
    std::unordered_set<const Value*> reached{path.from}, needed{path.to};
    const auto is_in = [](const std::unordered_set<const Value*>& set, const auto& values) {
        return std::any_of(values.begin(), values.end(), [&](const Value* value) { return value && set.contains(value); });
    };
    const std::vector<Node*> order = path.graph->order();
    std::unordered_set<const Node*> behind, selected;
    for (const Node* node : order) {
        if (!is_in(reached, node->inputs()) && !is_in(reached, captured_values(*node))) continue;
        behind.insert(node);
        reached.insert(node->outputs().begin(), node->outputs().end());
    }
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
        if (!is_in(needed, (*node)->outputs())) continue;
        if (behind.contains(*node)) selected.insert(*node);
        needed.insert((*node)->inputs().begin(), (*node)->inputs().end());
        for (const Value* captured : captured_values(**node)) needed.insert(captured);
    }
    if (selected.empty())
        throw Error(codes::kUsage, format("nothing leads from '{}' to '{}'", path.from->name(), path.to->name()), "the order is from..to");
    std::unordered_set<const Graph*> bodies;
    for (const Node* node : selected)
        for (Graph* body : node->subgraphs()) for_each_graph(*body, [&](Graph& each) { bodies.insert(&each); });
    return names_where(graph, [&](const Node& node) { return selected.contains(&node) || bodies.contains(&node.graph()); });
}

}  // namespace

std::vector<std::string> select_nodes(const Graph& graph, std::string_view selector) {
    std::vector<std::string> exact = names_where(graph, [&](const Node& node) { return node.display_name() == selector; });
    if (!exact.empty()) return exact;
    if (selector.starts_with(kType)) return of_type(graph, selector.substr(kType.size()));
    if (selector.size() > 2 && selector.front() == '/' && selector.back() == '/') return of_expression(graph, selector);
    if (selector.find(kPath) != std::string_view::npos) return on_path(graph, selector);
    if (selector.find_first_of("*?") != std::string_view::npos) {
        std::vector<std::string> names =
            names_where(graph, [&](const Node& node) { return matches_wildcards(selector, node.display_name()); });
        if (!names.empty()) return names;
    }
    std::vector<std::string> known = names_where(graph, [](const Node&) { return true; });
    refuse(format("no node is called '{}'", selector), selector, known);
}

void apply_selection(const Graph& graph, const NodeSelection& selection, QuantizationScheme& scheme) {
    for (const std::string& selector : selection.exclude)
        for (const std::string& name : select_nodes(graph, selector))
            scheme.keep_float.try_emplace(name, name == selector ? "excluded by name" : format("excluded by '{}'", selector));
    if (selection.include.empty()) return;
    std::unordered_set<std::string> included;
    for (const std::string& selector : selection.include)
        for (const std::string& name : select_nodes(graph, selector)) included.insert(name);
    // What only follows a unit (activations, operators that move elements) is not asked for: `--include type:Conv` takes the Relus along.
    const auto is_left_out = [&](const Node& node) {
        return is_unit_role(find_op_rule(node).role) && !included.contains(node.display_name());
    };
    for (const std::string& name : names_where(graph, is_left_out)) scheme.keep_float.try_emplace(name, "not among what --include names");
}

}  // namespace mcompress
