#include "ops/infer.h"

#include "ops/arity.h"
#include "ops/bodies.h"
#include "ops/infer_graph.h"
#include "ops/rank_constraints.h"
#include "ops/type_constraints.h"

namespace mcompress {

namespace {

const ValueType kUnknownType;

std::optional<Dim> merge(const Dim& a, const Dim& b) {
    if (a.is_known() && b.is_known()) return a == b ? std::optional(a) : std::nullopt;
    if (a.is_known()) return a;
    if (b.is_known()) return b;
    return a.is_symbol() ? a : b;
}

}  // namespace

std::vector<ValueType> infer_node(const Node& node, std::span<const ValueType> inputs, std::span<const Tensor* const> constants) {
    return infer_node_with(node, {inputs, constants, {}, {}});
}

std::vector<ValueType> infer_node_with(const Node& node, const NodeKnowledge& known) {
    const OpInfo* row = op_info(node);
    InferContext context(node, known.inputs, known.constants, known.integers, known.body_types);
    if (!row) return std::move(context.outputs());
    try {
        if (const auto problem = arity_problem(node, *row); !problem.empty()) context.reject(problem);
        if (row->check) row->check(node);
        row->infer(context);
        if (const auto problem = rank_problem(node, known.inputs); !problem.empty()) context.reject(problem);
        if (const auto problem = type_problem(node, known.inputs); !problem.empty()) context.reject(problem);
    } catch (Error& error) {
        // Attributes name the node themselves.
        if (std::string_view(error.code().id) != codes::kAttributeInvalid.id) error.add_context(node.label());
        throw;
    }
    return std::move(context.outputs());
}

std::optional<ValueType> merge_types(const ValueType& a, const ValueType& b) {
    using Kind = ValueType::Kind;
    if (a.kind == Kind::Unknown) return b;
    if (b.kind == Kind::Unknown) return a;
    if (a.kind != b.kind) return std::nullopt;
    ValueType result = a;
    if (result.extra.empty()) result.extra = b.extra;
    if (a.dtype == DType::Undefined) result.dtype = b.dtype;
    else if (b.dtype != DType::Undefined && a.dtype != b.dtype) return std::nullopt;
    if (!a.dims) result.dims = b.dims;
    if (a.dims && b.dims) {
        if (a.dims->size() != b.dims->size()) return std::nullopt;
        for (std::size_t axis = 0; axis < a.dims->size(); ++axis) {
            auto dim = merge((*a.dims)[axis], (*b.dims)[axis]);
            if (!dim) return std::nullopt;
            (*result.dims)[axis] = std::move(*dim);
        }
    }
    if (!a.element) result.element = b.element;
    if (!a.element || !b.element) return result;
    const auto element = merge_types(*a.element, *b.element);
    if (!element) return std::nullopt;
    result.element = std::make_shared<ValueType>(*element);
    return result;
}

const ValueType& InferredTypes::type(const Value* value) const {
    const auto found = types.find(value);
    return found == types.end() ? kUnknownType : found->second;
}

InferredTypes infer_types_for(const Graph& graph, const std::map<std::string, Shape>& input_shapes) {
    GraphInference inference(input_shapes.empty() ? DeclaredTypes::ShapesMayBeOld : DeclaredTypes::FillGaps);
    inference.run(graph, bind_inputs(graph, input_shapes), 0);
    return std::move(inference.result);
}

void infer_types(Graph& graph, DeclaredTypes declared) {
    GraphInference inference(declared);
    inference.run(graph, bind_inputs(graph, {}), 0);
    const InferredTypes& inferred = inference.result;
    for_each_graph(graph, [&](Graph& each) {
        const auto store = [&](Value* value) {
            if (!value) return;
            // The names of symbols stay those of the model; a declared shape that contradicts what is inferred goes.
            auto type = merge_types(value->type(), inferred.type(value));
            each.set_type(value, type ? std::move(*type) : inferred.type(value));
        };
        for (Value* value : each.inputs()) store(value);
        for (const Node* node : each.nodes())
            for (Value* value : node->outputs()) store(value);
    });
}

}  // namespace mcompress
