// Every attribute of libonnx's schemas is read by the typed attributes of its row, or is listed here with the reason why not.
#include <onnx/defs/schema.h>

#include <set>

#include "catch.h"
#include "ir/model.h"
#include "ops/op_info.h"
#include "support/error.h"

using namespace mcompress;

namespace {

using Type = onnx::AttributeProto;

std::optional<AttributeValue> plausible(const std::string& name, onnx::AttributeProto_AttributeType type, Graph& graph) {
    if (name == "equation") return std::string("i->i");
    if (name == "direction") return std::string("LEFT");
    if (name == "pooled_shape") return std::vector<std::int64_t>{1, 1};
    switch (type) {
        case Type::INT: return std::int64_t{1};
        case Type::INTS: return std::vector<std::int64_t>{1};
        case Type::FLOAT: return 1.0F;
        case Type::FLOATS: return std::vector<float>{1.0F};
        case Type::STRING: return std::string("FLOAT");
        case Type::GRAPH: return Graph::make_body(graph);
        default: return std::nullopt;
    }
}

// Whether the row's check looks at the attribute: it must refuse one of a kind nobody can read.
bool is_read(const OpInfo& row, const onnx::OpSchema& schema, const std::string& wanted) {
    Model model;
    (*model.opset_imports)[""] = schema.since_version();
    NodeSpec spec{.op_type = schema.Name(), .inputs = {}};
    for (const auto& [name, attribute] : schema.attributes()) {
        if (name == wanted) spec.attributes.push_back({name, OpaqueAttribute{"?"}, {}});
        else if (attribute.required)
            if (auto value = plausible(name, attribute.type, *model.graph)) spec.attributes.push_back({name, std::move(*value), {}});
    }
    for (int index = 0; index < schema.min_input(); ++index)
        spec.inputs.push_back(model.graph->add_input("x" + std::to_string(index), ValueType::tensor(DType::Float32)));
    Node* node = model.graph->add_node(std::move(spec));
    try {
        if (row.check) row.check(*node);
    } catch (const Error& error) {
        return error.message().find("attribute '" + wanted + "' is of kind 'opaque'") != std::string::npos;
    }
    return false;
}

}  // namespace

TEST_CASE("typed attributes: every attribute of libonnx's schemas is read, or has no meaning here") {
    // Memory hints of opset 1.
    const std::set<std::string> ignored_names = {"consumed_inputs"};
    // Read by inference or kernels without a struct, or not interpreted: text, optionals.
    const std::set<std::string> ignored_operators = {"Optional", "StringNormalizer", "TfIdfVectorizer", "Loop"};
    std::set<std::string> unread;
    int read = 0;
    for (const auto& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
        if (!schema.domain().empty() || schema.Deprecated() || ignored_operators.contains(schema.Name())) continue;
        const OpInfo* row = find_op("", schema.Name(), schema.since_version());
        if (!row || row->since_version != schema.since_version()) continue;
        for (const auto& [name, attribute] : schema.attributes()) {
            if (ignored_names.contains(name)) continue;
            if (is_read(*row, schema, name)) ++read;
            else unread.insert(schema.Name() + " " + std::to_string(schema.since_version()) + " " + name);
        }
    }
    const std::set<std::string> known = {
        "BatchNormalization 1 is_test",
        "BatchNormalization 6 is_test",  // the outputs tell
        "Constant 11 sparse_value",
        "Constant 12 sparse_value",
        "Constant 13 sparse_value",
        "Constant 19 sparse_value",
        "Constant 21 sparse_value",  // carried, not interpreted
        "GRU 1 output_sequence",
        "GRU 3 output_sequence",
        "LSTM 1 output_sequence",
        "RNN 1 output_sequence",  // the outputs tell
        "Gemm 1 broadcast",
        "Gemm 6 broadcast",                  // C is broadcast where it must be
        "GroupNormalization 21 stash_type",  // half precision is computed in float, whatever it says
        "LpPool 1 p",                        // after kernel_shape, which is required
    };
    std::string surprise;
    for (const auto& each : unread)
        if (!known.contains(each)) surprise += each + "\n";
    CHECK(surprise == "");
    CHECK(read > 250);
}
