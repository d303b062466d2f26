// Stores the constant tables that Gather takes rows of as int8, one scale a row, and dequantizes the rows that were taken.
//
// Before:  y = Gather (w, i)
// After:   r = Gather (w_q, i)   f = Cast <to = 1> (r)   t = Gather (w_s, i)   u = Unsqueeze (t, -1)   y = Mul (f, u)
//
// Formula: s[row] = absmax[row] / 127, w_q = clip(rne(w / s[row]), -127, 127). Every other reader of the table, such as the output layer of a language
// model that shares it, takes w_dq = DequantizeLinear <axis = 0> (w_q, w_s): the table is stored once. A constant that is the table turned over, read by
// a MatMul, is one more reader, behind a Transpose.
//
// Does nothing when the table is not a float32 constant matrix or has rows of fewer than 8 elements, when rows are not axis 0, or when the Gather is
// excluded.
#include "passes/quantize/quantize_embeddings.h"

#include <algorithm>
#include <map>
#include <vector>

#include "ops/attributes.h"
#include "ops/indexing.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kPerChannelOpset = 13;
constexpr std::int64_t kShortestRow = 8;

/// Empty when the node takes rows of a table that is worth storing as codes; nothing when it is about something else, such as shapes.
std::optional<std::string_view> refusal(const Node& node, const QuantizationScheme& scheme) {
    if (!node.is("Gather")) return std::nullopt;
    const Tensor* table = known_tensor(node.input(0));
    if (!table || table->dtype() != DType::Float32 || table->shape().rank() < 2) return std::nullopt;
    if (table->shape().rank() != 2 || attrs<GatherAttrs>(node).axis != 0) return "it does not take rows of a matrix";
    if (table->shape()[1] < kShortestRow || table->element_count() == 0) return "its rows are too short to gain from codes";
    const std::string name = node.display_name();
    if (const auto kept = scheme.keep_float.find(name); kept != scheme.keep_float.end()) return kept->second;
    if (std::find(scheme.exclude.begin(), scheme.exclude.end(), name) != scheme.exclude.end()) return "excluded by name";
    return std::string_view{};
}

bool is_turned_over(const Tensor& matrix, const Tensor& table) {
    if (matrix.dtype() != DType::Float32 || matrix.shape() != Shape{table.shape()[1], table.shape()[0]}) return false;
    const std::int64_t rows = table.shape()[0], width = table.shape()[1];
    const float *a = matrix.data<float>(), *b = table.data<float>();
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < width; ++column)
            if (a[column * rows + row] != b[row * width + column]) return false;
    return true;
}

class QuantizeEmbeddings final : public Pass {
public:
    explicit QuantizeEmbeddings(QuantizationScheme scheme) : scheme_(std::move(scheme)) { check_scheme(scheme_); }
    std::string_view name() const override { return "quantize-embeddings"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (graph.opset_version("") < kPerChannelOpset)
            throw Error(codes::kOpsetUnsupported, format("opset {} has no DequantizeLinear with one scale a row", graph.opset_version("")),
                        "raise the opset to 13 first");
        stored_.clear();
        turned_over_.clear();
        std::vector<Value*> tables;
        for_each_node(graph, [&](Node& node) {
            const std::optional<std::string_view> reason = refusal(node, scheme_);
            if (!reason) return;
            if (!reason->empty()) {
                result.skipped.push_back(skip(node, std::string(*reason)));
                return;
            }
            Value* const table = node.input(0);
            if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
            take_rows(&node);
            ++result.rewrites;
        });
        for (Value* table : tables) {
            find_turned_over(graph, *table);
            redirect(table);
        }
        for (const auto& [constant, table] : turned_over_) erase_if_unused(constant);
        for (Value* table : tables) erase_if_unused(table);
        return result;
    }

private:
    struct Stored {
        Value* codes = nullptr;
        Value* scales = nullptr;
        std::map<const Graph*, Value*> dequantized;  // by reading graph
        std::map<const Graph*, Value*> transposed;
    };

    Stored& store(Value* table) {
        const auto [entry, is_new] = stored_.try_emplace(table);
        if (!is_new) return entry->second;
        QuantizedWeight weight = quantize_weight(*known_tensor(table), 0, std::nullopt, SumWidth::ThirtyTwoBit, DType::Int8, table->name());
        Graph& home = table->graph();
        entry->second.codes = home.add_constant(table->name() + "_q", std::move(weight.codes));
        entry->second.scales = home.add_constant(table->name() + "_s", std::move(weight.scales));
        return entry->second;
    }

    void take_rows(Node* node) {
        Graph& graph = node->graph();
        const Stored& stored = store(node->input(0));
        const std::string name = node->output(0)->name(), label = node->name();
        // Rows have at least the axis of their elements: what is declared for indices of unknown shape may say otherwise.
        std::optional<Dims> dims = node->output(0)->type().dims;
        if (dims && dims->empty()) dims.reset();
        const auto add = [&](const char* op, std::vector<Value*> inputs, DType dtype, std::optional<Dims> shape, const char* suffix,
                             std::vector<Attribute> attributes = {}) {
            Node* made = graph.add_node(
                {.op_type = op, .inputs = std::move(inputs), .attributes = std::move(attributes), .outputs = {name + suffix}}, node);
            graph.set_type(made->output(0), shape ? ValueType::tensor(dtype, std::move(*shape)) : ValueType::tensor(dtype));
            return made->output(0);
        };
        std::optional<Dims> of_rows, of_columns;
        if (dims) {
            of_rows.emplace(dims->begin(), dims->end() - 1);
            of_columns = of_rows;
            of_columns->push_back(Dim(1));
        }
        Value* const rows = add("Gather", {stored.codes, node->input(1)}, DType::Int8, dims, "_q");
        Value* const real = add("Cast", {rows}, DType::Float32, dims, "_f", {{"to", std::int64_t{1}, {}}});
        Value* const scales = add("Gather", {stored.scales, node->input(1)}, DType::Float32, of_rows, "_s");
        Value* const last = shared_constant(main_graph(graph), "last_axis", Tensor::from_values(Shape{1}, std::vector<std::int64_t>{-1}));
        Value* const column = add("Unsqueeze", {scales, last}, DType::Float32, of_columns, "_u");
        Node* const product = add("Mul", {real, column}, DType::Float32, dims, "_y")->producer();
        take_over(product, node);
        if (!label.empty()) graph.set_name(product, label);
    }

    static Graph& main_graph(Graph& graph) {
        Graph* main = &graph;
        while (main->outer()) main = main->outer();
        return *main;
    }

    void find_turned_over(Graph& graph, const Value& table) {
        const Tensor& tensor = *known_tensor(&table);
        for (Value* constant : main_graph(graph).constants()) {
            const bool feeds_product = std::any_of(constant->uses().begin(), constant->uses().end(),
                                                   [](const Use& use) { return use.node->is("MatMul") && use.index == 1; });
            if (feeds_product && constant->constant() && is_turned_over(*constant->constant(), tensor))
                turned_over_.emplace_back(constant, const_cast<Value*>(&table));
        }
    }

    Value* dequantized_in(Graph& graph, Value* table, const Node* before) {
        Stored& stored = stored_.at(table);
        Value*& found = stored.dequantized[&graph];
        if (found) return found;
        // With a vector of zero points: ONNX Runtime asks for one where it turns int8 weights into uint8.
        if (!zero_points_.contains(table))
            zero_points_[table] =
                table->graph().add_constant(table->name() + "_z", Tensor(DType::Int8, known_tensor(stored.scales)->shape()));
        Node* node = graph.add_node({.op_type = "DequantizeLinear",
                                     .inputs = {stored.codes, stored.scales, zero_points_.at(table)},
                                     .attributes = {{"axis", std::int64_t{0}, {}}},
                                     .outputs = {table->name() + "_dq"}},
                                    before);
        graph.set_type(node->output(0), table->type());
        return found = node->output(0);
    }

    Value* transposed_in(Graph& graph, Value* table, const Value& constant, const Node* before) {
        Value* const rows = dequantized_in(graph, table, before);
        Value*& found = stored_.at(table).transposed[&graph];
        if (found) return found;
        Node* node = graph.add_node({.op_type = "Transpose",
                                     .inputs = {rows},
                                     .attributes = {{"perm", std::vector<std::int64_t>{1, 0}, {}}},
                                     .outputs = {constant.name() + "_dq"}},
                                    before);
        graph.set_type(node->output(0), constant.type());
        return found = node->output(0);
    }

    /// The first of the readers in its graph's order, in front of which what they read has to be.
    static std::vector<Use> in_order(const Value& value) {
        std::vector<Use> uses(value.uses().begin(), value.uses().end());
        std::map<const Node*, std::size_t> positions;
        for (const Use& use : uses)
            if (!positions.contains(use.node)) {
                const std::vector<Node*> order = use.node->graph().order();
                for (std::size_t at = 0; at < order.size(); ++at) positions[order[at]] = at;
            }
        std::stable_sort(uses.begin(), uses.end(), [&](const Use& a, const Use& b) { return positions.at(a.node) < positions.at(b.node); });
        return uses;
    }

    void redirect(Value* table) {
        for (const Use& use : in_order(*table)) {
            Graph& graph = use.node->graph();
            graph.set_input(use.node, use.index, dequantized_in(graph, table, use.node));
        }
        for (const auto& [constant, of] : turned_over_) {
            if (of != table) continue;
            for (const Use& use : in_order(*constant)) {
                Graph& graph = use.node->graph();
                graph.set_input(use.node, use.index, transposed_in(graph, table, *constant, use.node));
            }
        }
    }

    QuantizationScheme scheme_;
    std::map<const Value*, Stored> stored_;
    std::map<const Value*, Value*> zero_points_;
    std::vector<std::pair<Value*, Value*>> turned_over_;  // constant, table
};

}  // namespace

std::unique_ptr<Pass> make_quantize_embeddings(const QuantizationScheme& scheme) { return std::make_unique<QuantizeEmbeddings>(scheme); }

}  // namespace mcompress
