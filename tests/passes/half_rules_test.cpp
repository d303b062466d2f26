// The table of half precision against libonnx: type constraints of every operator at every opset it knows.
#include <onnx/defs/schema.h>

#include <algorithm>
#include <set>

#include "catch.h"
#include "passes/compress/half_rules.h"
#include "support/format.h"

using namespace mcompress;

namespace {

constexpr int kNewestInRegistry = 17;

bool allows(const onnx::OpSchema::FormalParameter& parameter, const std::string& type) {
    const auto& types = parameter.GetTypes();
    return std::any_of(types.begin(), types.end(), [&](const std::string* each) { return *each == type; });
}

bool takes_floats(const onnx::OpSchema& schema) {
    const auto has_float = [](const onnx::OpSchema::FormalParameter& parameter) { return allows(parameter, "tensor(float)"); };
    return std::any_of(schema.inputs().begin(), schema.inputs().end(), has_float) ||
           std::any_of(schema.outputs().begin(), schema.outputs().end(), has_float);
}

/// Every tensor that could be float32 and that the row does not except takes the other type as well.
bool takes(const onnx::OpSchema& schema, const HalfRule& rule, const std::string& type) {
    const auto fits = [&](const auto& parameters, const auto& is_excepted) {
        for (std::size_t index = 0; index < parameters.size(); ++index)
            if (!is_excepted(static_cast<int>(index)) && allows(parameters[index], "tensor(float)") && !allows(parameters[index], type))
                return false;
        return true;
    };
    return fits(schema.inputs(), [&](int index) { return rule.is_float_input(index); }) &&
           fits(schema.outputs(), [&](int index) { return rule.is_float_output(index); });
}

/// A tensor that the row excepts may be float32 while others are half: it has a type of its own.
bool has_own_type(const onnx::OpSchema& schema, const HalfRule& rule) {
    std::set<std::string> shared, own;
    const auto sort = [&](const auto& parameters, const auto& is_own) {
        for (std::size_t index = 0; index < parameters.size(); ++index)
            if (allows(parameters[index], "tensor(float)"))
                (is_own(static_cast<int>(index)) ? own : shared).insert(parameters[index].GetTypeStr());
    };
    sort(schema.inputs(), [&](int index) { return rule.is_float_input(index) || rule.is_free_input(index); });
    sort(schema.outputs(), [&](int index) { return rule.is_float_output(index); });
    return std::none_of(own.begin(), own.end(), [&](const std::string& type) { return shared.contains(type); });
}

}  // namespace

TEST_CASE("half rules are the type constraints of ONNX") {
    int checked = 0;
    for (const HalfRule& rule : all_half_rules()) {
        if (!rule.domain.empty()) continue;
        for (int opset = 7; opset <= kNewestInRegistry; ++opset) {
            const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(std::string(rule.op), opset, "");
            if (!schema || schema->Deprecated() || !takes_floats(*schema)) continue;
            INFO(rule.op << " at opset " << opset);
            CHECK(takes(*schema, rule, "tensor(float16)") == (opset >= rule.float16_since));
            // ONNX 1.12 forgot bfloat16 in some rows that its changelog lists; what it has, the table must have.
            if (opset >= rule.bfloat16_since) CHECK(takes(*schema, rule, "tensor(bfloat16)"));
            CHECK(has_own_type(*schema, rule));
            ++checked;
        }
    }
    CHECK(checked > 1000);
}

TEST_CASE("operators stand once in the table, with versions that ascend") {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const HalfRule& rule : all_half_rules()) {
        INFO(rule.op);
        CHECK(seen.emplace(rule.domain, rule.op).second);
        CHECK(rule.float16_since >= 1);
        CHECK(rule.bfloat16_since >= rule.float16_since);
    }
}
