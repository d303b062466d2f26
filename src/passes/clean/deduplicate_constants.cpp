#include "passes/clean/deduplicate_constants.h"

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
        hasher.add_bytes(tensor.bytes(), tensor.byte_size());
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

class DeduplicateConstants : public Pass {
public:
    std::string_view name() const override { return "deduplicate-constants"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_graph(graph, [&](Graph& each) { result.rewrites += deduplicate(each); });
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_deduplicate_constants() { return std::make_unique<DeduplicateConstants>(); }

}  // namespace mcompress
