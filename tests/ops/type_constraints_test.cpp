// The rules of element types, against the schemas of libonnx.
#include <onnx/defs/schema.h>

#include <algorithm>
#include <set>

#include "catch.h"
#include "ir/graph.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "ops/type_constraints.h"
#include "support/error.h"

using namespace mcompress;

namespace {

constexpr int kTypes = static_cast<int>(DType::BFloat16);  // libonnx 1.12 knows no newer ones

/// A node of `count` inputs of which nothing is known.
std::string problem_of(const std::string& op, int opset, std::size_t count, std::initializer_list<std::pair<std::size_t, DType>> known) {
    Graph graph(std::make_shared<OpsetImports>(OpsetImports{{"", opset}}));
    const Node* node = graph.add_node({.op_type = op, .inputs = std::vector<Value*>(count)});
    std::vector<ValueType> types(count);
    for (const auto& [at, dtype] : known) types[at] = ValueType::tensor(dtype);
    return type_problem(*node, types);
}

std::string tensor_text(int dtype) { return "tensor(" + std::string(dtype_name(static_cast<DType>(dtype))) + ")"; }

}  // namespace

TEST_CASE("type rules: sorted, every version of every rule can be read, and belongs to an operator of the table") {
    const auto rules = type_rules();
    REQUIRE(rules.size() > 150);
    for (std::size_t index = 0; index < rules.size(); ++index) {
        INFO(rules[index].op);
        CHECK(find_op("", rules[index].op, kNewestOpset) != nullptr);
        if (index > 0) CHECK(rules[index - 1].op < rules[index].op);
        for (int opset = 1; opset <= kNewestOpset; ++opset) CHECK_NOTHROW(problem_of(std::string(rules[index].op), opset, 12, {}));
    }
}

TEST_CASE("type rules: each input takes what libonnx's schemas say") {
    constexpr int kAllIsAny = 19;
    std::size_t compared = 0;
    for (const auto& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
        if (!schema.domain().empty() || schema.Deprecated()) continue;
        const auto& inputs = schema.inputs();
        for (std::size_t at = 0; at < inputs.size(); ++at) {
            const auto& allowed = inputs[at].GetTypes();
            // Its text says otherwise, and later schemas too.
            if (schema.Name() == "GridSample" && at == 1) continue;
            // ONNX 1.17 gave it bfloat16 in a version that had been published without.
            if (schema.Name() == "GlobalLpPool") continue;
            const bool takes_other_kinds =
                std::any_of(allowed.begin(), allowed.end(), [](const auto* type) { return type->find("tensor(") != 0; });
            for (int dtype = 1; dtype <= kTypes; ++dtype) {
                INFO(schema.Name() << " " << schema.since_version() << ", input " << at << ", " << tensor_text(dtype));
                const bool is_allowed =
                    std::any_of(allowed.begin(), allowed.end(), [&](const auto* type) { return *type == tensor_text(dtype); });
                const bool is_taken =
                    problem_of(schema.Name(), schema.since_version(), inputs.size(), {{at, static_cast<DType>(dtype)}}).empty();
                if (is_allowed) CHECK(is_taken);
                else if (!takes_other_kinds && schema.since_version() < kAllIsAny) CHECK_FALSE(is_taken);
                ++compared;
            }
        }
    }
    CHECK(compared > 10'000);
}

TEST_CASE("type rules: inputs that must have one type are compared") {
    CHECK(problem_of("Add", 13, 2, {{0, DType::Float32}, {1, DType::Float32}}).empty());
    CHECK(problem_of("Add", 13, 2, {{0, DType::Float32}, {1, DType::Int64}}) ==
          "inputs 0 and 1 are of types float and int64, they must have one");
    CHECK(problem_of("Concat", 13, 3, {{1, DType::Int8}, {2, DType::UInt8}}) ==
          "inputs 1 and 2 are of types int8 and uint8, they must have one");
    CHECK(problem_of("Where", 9, 3, {{0, DType::Bool}, {1, DType::Int8}, {2, DType::UInt8}}) ==
          "inputs 1 and 2 are of types int8 and uint8, they must have one");
    CHECK(problem_of("Pow", 12, 2, {{0, DType::Float32}, {1, DType::Int64}}).empty());
    CHECK(problem_of("QLinearMatMul", 10, 8, {{0, DType::UInt8}, {2, DType::UInt8}, {3, DType::Int8}, {5, DType::Int8}}).empty());
    CHECK(problem_of("Loop", 13, 4, {{2, DType::Int8}, {3, DType::Float32}}).empty());
}

TEST_CASE("type rules: what is found says what was given and what is taken") {
    CHECK(problem_of("Relu", 13, 1, {{0, DType::Int32}}) ==
          "input 0 is of type int32, in opset 13 it takes float, float16, double, bfloat16");
    CHECK(problem_of("Relu", 14, 1, {{0, DType::Int32}}).empty());
    CHECK(problem_of("Gather", 21, 2, {{0, DType::Int4}}).empty());
    CHECK(problem_of("Gather", 21, 2, {{1, DType::Float32}}) == "input 1 is of type float, in opset 21 it takes int32, int64");
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]> g (int32[2] x) => (int32[2] y) { y = Sigmoid (x) })");
    CHECK_THROWS_WITH(infer_types(*model->graph), contains_text("input 0 is of type int32") && contains_text("Sigmoid"));
}
