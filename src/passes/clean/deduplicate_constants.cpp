#include "passes/clean/deduplicate_constants.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "support/hash.h"

namespace mcompress {

namespace {

std::string digest(const Tensor& tensor) {
    Hasher hasher;
    hasher.add_integer(static_cast<std::int64_t>(tensor.dtype()));
    for (const std::int64_t extent : tensor.shape()) hasher.add_integer(extent);
    if (tensor.dtype() == DType::String) {
        for (const std::string& text : tensor.strings()) hasher.add_string(text);
    } else {
        hasher.add_bytes(tensor.stored_bytes(), tensor.byte_size());
    }
    return hasher.hex_digest();
}

/// Constants of which there is only one of their type and size are never read: they may be large and still in a mapped file.
class ConstantsBySize {
public:
    explicit ConstantsBySize(const std::vector<Value*>& constants) {
        for (const Value* value : constants)
            if (value->constant()) ++counts_[key(*value->constant())];
    }
    bool is_alone(const Tensor& tensor) const { return counts_.at(key(tensor)) == 1; }

private:
    static std::string key(const Tensor& tensor) { return std::string(dtype_name(tensor.dtype())) + tensor.shape().to_string(); }
    std::unordered_map<std::string, int> counts_;
};

int deduplicate(Graph& graph) {
    int rewrites = 0;
    const std::vector<Value*> constants = graph.constants();
    const ConstantsBySize by_size(constants);
    std::unordered_multimap<std::string, Value*> kept;
    for (Value* value : constants) {
        const Tensor* tensor = value->constant();
        if (!tensor || by_size.is_alone(*tensor)) continue;
        const std::string hash = digest(*tensor);
        Value* first = nullptr;
        const auto [begin, end] = kept.equal_range(hash);
        for (auto candidate = begin; candidate != end && !first; ++candidate)
            if (candidate->second->constant()->equals(*tensor)) first = candidate->second;
        if (!first) {
            kept.emplace(hash, value);
        } else if (!value->is_graph_output()) {
            graph.replace_all_uses(value, first);
            graph.erase(value);
            ++rewrites;
        }
    }
    return rewrites;
}

/// Smaller ones are mostly shapes and bounds, which readers of a model like to see where they are used.
constexpr std::size_t kWorthMoving = 1024;

/// The innermost graph that is, or is around, both.
Graph* around(Graph* a, Graph* b) {
    const auto depth = [](const Graph* graph) {
        int count = 0;
        for (; graph->outer(); graph = graph->outer()) ++count;
        return count;
    };
    int depth_a = depth(a), depth_b = depth(b);
    for (; depth_a > depth_b; --depth_a) a = a->outer();
    for (; depth_b > depth_a; --depth_b) b = b->outer();
    while (a != b) a = a->outer(), b = b->outer();
    return a;
}

/// A name that no value of the graph, of those around it and of its bodies has.
std::string name_for_all(Graph& graph, const std::string& hint) {
    for (int number = 0;; ++number) {
        const std::string name = graph.unique_name(hint + (number == 0 ? "" : "_" + std::to_string(number)));
        bool is_free = true;
        for_each_graph(graph, [&](Graph& each) { is_free = is_free && !each.find_value(name); });
        if (is_free) return name;
    }
}

/// Makes one constant of equal ones in different graphs.
int share(const std::vector<Value*>& equal) {
    Graph* home = &equal.front()->graph();
    for (Value* value : equal) home = around(home, &value->graph());
    const auto at_home = std::find_if(equal.begin(), equal.end(), [&](const Value* value) { return &value->graph() == home; });
    Value* kept = at_home != equal.end()
                      ? *at_home
                      : home->add_constant(name_for_all(*home, equal.front()->name() + "_shared"), *equal.front()->constant());
    int rewrites = 0;
    for (Value* value : equal) {
        if (value == kept) continue;
        value->graph().replace_all_uses(value, kept);
        value->graph().erase(value);
        ++rewrites;
    }
    return rewrites;
}

/// Equal large constants of different graphs: branches often hold copies of the same weights.
int deduplicate_across_bodies(Graph& graph) {
    std::vector<Value*> large;
    for_each_graph(graph, [&](Graph& each) {
        for (Value* value : each.constants())
            if (value->constant() && !value->is_graph_output() && value->constant()->byte_size() >= kWorthMoving) large.push_back(value);
    });
    const bool has_bodies = std::any_of(large.begin(), large.end(), [&](const Value* value) { return &value->graph() != &graph; });
    if (!has_bodies) return 0;
    const ConstantsBySize by_size(large);
    std::map<std::string, std::vector<Value*>> equal;  // ordered, so that the names made do not depend on the run
    for (Value* value : large)
        if (!by_size.is_alone(*value->constant())) equal[digest(*value->constant())].push_back(value);
    int rewrites = 0;
    for (const auto& [hash, values] : equal) {
        const Tensor& first = *values.front()->constant();
        const bool are_equal =
            std::all_of(values.begin(), values.end(), [&](const Value* value) { return value->constant()->equals(first); });
        if (values.size() > 1 && are_equal) rewrites += share(values);
    }
    return rewrites;
}

class DeduplicateConstants : public Pass {
public:
    std::string_view name() const override { return "deduplicate-constants"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_graph(graph, [&](Graph& each) { result.rewrites += deduplicate(each); });
        result.rewrites += deduplicate_across_bodies(graph);
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_deduplicate_constants() { return std::make_unique<DeduplicateConstants>(); }

}  // namespace mcompress
