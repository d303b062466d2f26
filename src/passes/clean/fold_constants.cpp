#include "passes/clean/fold_constants.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/infer.h"
#include "ops/op_info.h"
#include "ops/shape.h"
#include "passes/codebook.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr std::size_t kSmallResult = std::size_t{1} << 12;  // bytes
constexpr std::size_t kGrowth = 4;

/// Puts constants in the place of a node's outputs. Those keep their names.
void replace_outputs(Node& node, std::vector<Tensor> tensors) {
    Graph& graph = node.graph();
    std::vector<std::pair<Value*, std::string>> names;
    for (std::size_t index = 0; index < tensors.size(); ++index) {
        Value* value = node.outputs()[index];
        if (!value) continue;
        Value* constant = graph.add_constant(value->name(), std::move(tensors[index]));
        names.emplace_back(constant, value->name());
        graph.replace_all_uses(value, constant);
    }
    graph.erase(&node);
    for (auto& [constant, name] : names) graph.rename(constant, std::move(name));
}

bool may_fold(const Node& node) {
    const OpInfo* info = op_info(node);
    return info && info->determinism == Determinism::Deterministic && node.subgraphs().empty() && !node.is("Constant") &&
           !node.is("DequantizeLinear") && !node.is("Dropout");
}

bool is_any_output_public(const Node& node) {
    return std::any_of(node.outputs().begin(), node.outputs().end(), [](const Value* value) { return value && value->is_graph_output(); });
}

std::optional<std::vector<Tensor>> known_inputs(const Node& node) {
    std::vector<Tensor> tensors;
    for (const Value* value : node.inputs()) {
        const Tensor* tensor = known_tensor(value);
        if (value && !tensor) return std::nullopt;
        tensors.push_back(tensor ? *tensor : Tensor());
    }
    return tensors;
}

std::size_t bytes_of(std::span<const Tensor> tensors) {
    std::size_t bytes = 0;
    for (const Tensor& tensor : tensors) bytes += tensor.defined() ? tensor.byte_size() : 0;
    return bytes;
}

/// What the outputs will take as far as their types tell; nothing beyond 2^63.
std::optional<std::size_t> expected_bytes(const Node& node) {
    std::size_t bytes = 0;
    for (const Value* value : node.outputs()) {
        if (!value || !value->type().has_rank()) continue;
        const auto shape = value->type().shape();
        if (!shape) continue;
        const auto elements = shape->checked_element_count();
        if (!elements || *elements > (std::int64_t{1} << 48)) return std::nullopt;
        bytes += packed_byte_size(value->type().dtype, *elements);
    }
    return bytes;
}

bool widens_much(const Node& node) {
    const Tensor* stored = node.is("Cast") ? known_tensor(node.input(0)) : nullptr;
    return stored && expected_bytes(node).value_or(0) > std::max(kSmallResult, stored->byte_size());
}

class FoldConstants : public Pass {
public:
    FoldConstants(Evaluator evaluator, Widening widening) : evaluator_(std::move(evaluator)), widening_(widening) {}
    bool evaluates() const override { return true; }

    std::string_view name() const override { return "fold-constants"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        const InferredTypes inferred = infer_types_for(graph, {});
        for_each_node(graph, [&](Node& node) {
            if (node.is("Constant")) fold_constant_node(node, result);
            else if (may_fold(node)) fold(node, inferred, result);
        });
        return result;
    }

private:
    static void fold_constant_node(Node& node, PassResult& result) {
        if (is_any_output_public(node)) return;
        Tensor value = attrs<ConstantAttrs>(node).value;
        if (!value.defined()) return;  // a sparse one
        replace_outputs(node, {std::move(value)});
        ++result.rewrites;
    }

    void fold(Node& node, const InferredTypes& inferred, PassResult& result) const {
        if (is_part_of_codebook(node) && expected_bytes(node).value_or(kSmallResult + 1) > kSmallResult) {
            result.skipped.push_back(skip(node, "it holds weights as codes of a codebook, which take less room"));
            return;
        }
        if (widening_ == Widening::Keep && widens_much(node)) {
            result.skipped.push_back(skip(node, "its constant is stored in fewer bytes than it is read in"));
            return;
        }
        auto tensors = known_from_types(node, inferred);
        if (!tensors) {
            const auto inputs = known_inputs(node);
            if (!inputs) return;
            tensors = evaluate(node, *inputs, result);
            if (!tensors) return;
        }
        if (is_any_output_public(node)) {
            result.skipped.push_back(skip(node, "its value is constant, but a constant cannot be a graph output"));
            return;
        }
        replace_outputs(node, std::move(*tensors));
        ++result.rewrites;
    }

    static std::optional<std::vector<Tensor>> known_from_types(const Node& node, const InferredTypes& inferred) {
        if (node.output_count() != 1 || !node.output(0)) return std::nullopt;
        const auto known = inferred.known_values.find(node.output(0));
        if (known == inferred.known_values.end()) return std::nullopt;
        return std::vector<Tensor>{known->second};
    }

    std::optional<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs, PassResult& result) const {
        if (!evaluator_) return std::nullopt;
        const std::size_t limit = std::max(kSmallResult, kGrowth * bytes_of(inputs));
        const auto expected = expected_bytes(node);
        if (!expected || *expected > limit) {
            result.skipped.push_back(skip(node, "its value would take much more room than what it is computed from"));
            return std::nullopt;
        }
        auto outputs = evaluator_(node, inputs);
        if (!outputs) {
            result.skipped.push_back(skip(node, "its inputs are constant, but it cannot be evaluated"));
            return std::nullopt;
        }
        const bool is_complete =
            outputs->size() == node.outputs().size() && std::equal(outputs->begin(), outputs->end(), node.outputs().begin(),
                                                                   [](const Tensor& t, const Value* v) { return t.defined() || !v; });
        if (is_complete && bytes_of(*outputs) <= limit) return outputs;
        result.skipped.push_back(skip(node, "its value would take much more room than what it is computed from"));
        return std::nullopt;
    }

    Evaluator evaluator_;
    Widening widening_;
};

}  // namespace

std::unique_ptr<Pass> make_fold_constants(Evaluator evaluator, Widening widening) {
    return std::make_unique<FoldConstants>(std::move(evaluator), widening);
}

}  // namespace mcompress
