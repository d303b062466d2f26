// The op table itself, and against the schemas of libonnx.
#include <onnx/defs/schema.h>

#include <algorithm>
#include <set>

#include "catch.h"
#include "ops/op_info.h"

using namespace mcompress;

TEST_CASE("op table: rows are sorted, without duplicates, and complete") {
    const auto rows = all_ops();
    REQUIRE(rows.size() > 500);
    for (std::size_t index = 0; index < rows.size(); ++index) {
        const OpInfo& row = rows[index];
        INFO(row.domain << "::" << row.type << " " << row.since_version);
        CHECK(row.infer != nullptr);
        CHECK(row.since_version >= 1);
        CHECK(row.since_version <= kNewestOpset);
        CHECK(row.min_inputs <= row.max_inputs);
        CHECK(row.min_outputs <= row.max_outputs);
        if (index == 0) continue;
        const OpInfo& before = rows[index - 1];
        CHECK(std::tie(before.domain, before.type, before.since_version) < std::tie(row.domain, row.type, row.since_version));
    }
}

TEST_CASE("op table: the newest row not above the opset is in force") {
    REQUIRE(find_op("", "Clip", 10));
    CHECK(find_op("", "Clip", 10)->since_version == 6);
    CHECK(find_op("", "Clip", 11)->since_version == 11);
    CHECK(find_op("", "Clip", 13)->since_version == 13);
    CHECK(find_op("", "Gelu", 19) == nullptr);
    CHECK(find_op("", "Gelu", 20) != nullptr);
    CHECK(find_op("", "NoSuchOperator", 13) == nullptr);
    CHECK(find_op("some.domain", "Conv", 13) == nullptr);
    CHECK(find_op("", "Conv", 0) == nullptr);
    CHECK(find_op("mcompress", "Observe", 1) != nullptr);
}

TEST_CASE("op table: agrees with libonnx's schemas") {
    // Operators that models use though ONNX never released them, or before ONNX did.
    const std::set<std::string> unofficial = {
        "Affine", "Crop", "ImageScaler", "ParametricSoftplus", "ScaledTanh", "SimplifiedLayerNormalization"};
    std::set<std::pair<std::string, int>> listed;
    for (const OpInfo& row : all_ops())
        if (row.domain.empty()) listed.emplace(row.type, row.since_version);
    int newest = 0;
    std::set<std::pair<std::string, int>> official;
    for (const auto& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
        if (!schema.domain().empty() || schema.since_version() > kNewestOpset) continue;
        INFO(schema.Name() << " " << schema.since_version());
        newest = std::max(newest, schema.since_version());
        official.emplace(schema.Name(), schema.since_version());
        const OpInfo* row = find_op("", schema.Name(), schema.since_version());
        REQUIRE(row != nullptr);
        CHECK(row->since_version == schema.since_version());
        const bool is_withdrawn = schema.Name() == "GroupNormalization" && schema.since_version() == 18;  // later ONNX deprecated it
        if (schema.Deprecated() || is_withdrawn) continue;
        const auto bound = [](int count) { return count > 1 << 29 ? kVariadic : count; };
        CHECK(row->min_inputs == schema.min_input());
        CHECK(row->max_inputs == bound(schema.max_input()));
        CHECK(row->min_outputs == schema.min_output());
        CHECK(row->max_outputs == bound(schema.max_output()));
    }
    REQUIRE(newest >= 17);
    for (const auto& [type, version] : listed) {
        INFO(type << " " << version);
        const bool is_early = type == "LayerNormalization" && version == 1;
        if (version <= newest && !unofficial.contains(type) && !is_early) CHECK(official.contains({type, version}));
    }
}
