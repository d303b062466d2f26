#include "onnx/upgrade.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <set>

#include "catch.h"
#include "ir/fingerprint.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "onnx/opset_changes.h"
#include "onnx/text.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::unique_ptr<Model> parse_at(int opset, const std::string& graph) {
    return parse_model("<ir_version: 7, opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + graph);
}

std::string upgraded(int from, int to, const std::string& graph) {
    const auto model = parse_at(from, graph);
    upgrade_opset(*model, to);
    CHECK(verify(*model).empty());
    CHECK(model->opset_imports->at("") == to);
    return print(*model->graph);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("softmax over the last axis stays one node") {
    const std::string text = upgraded(11, 13, "g (float[2,3] x) => (float[2,3] y) { y = Softmax (x) }");
    CHECK(contains(text, "y = Softmax <axis = 1> (x)"));
}

TEST_CASE("softmax over channels followed by ones stays one node") {
    const std::string text = upgraded(9, 13, "g (float[2,3,1,1] x) => (float[2,3,1,1] y) { y = Softmax <axis = 1> (x) }");
    CHECK(contains(text, "y = Softmax <axis = 1> (x)"));
    CHECK_FALSE(contains(text, "Flatten"));
}

TEST_CASE("trap 14: softmax over a flattened tail is written out, since the default axis changed at opset 13") {
    const std::string text = upgraded(11, 13, "g (float[2,3,4] x) => (float[2,3,4] z) { y = Softmax <axis = 1> (x) z = Neg (y) }");
    CHECK(contains(text, "Flatten <axis = 1> (x)"));
    CHECK(contains(text, "y = Reshape ("));
    CHECK(contains(text, "z = Neg (y)"));
}

TEST_CASE("a softmax that is the graph's output keeps its name") {
    const std::string text = upgraded(11, 13, "g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 1> (x) }");
    CHECK(contains(text, "=> (float[2,3,4] y)"));
    CHECK(contains(text, "y = Reshape ("));
}

TEST_CASE("operators that ONNX Runtime had before ONNX are carried along") {
    const std::string norm =
        "g (float[2,3] x, float[3] s, float[3] b) => (float[2,3] y) { y = LayerNormalization <epsilon = 0.5> (x, s, b) }";
    CHECK(contains(upgraded(12, 13, norm), "y = LayerNormalization <epsilon = 0.5> (x, s, b)"));
    CHECK(contains(upgraded(11, 17, norm), "y = LayerNormalization <epsilon = 0.5> (x, s, b)"));
    CHECK_THROWS_AS(upgraded(12, 13, "g (float[2] x) => (float[2] y) { y = Mystery (x) }"), Error);
}

TEST_CASE("attributes become inputs") {
    CHECK(contains(upgraded(11, 13, "g (float[2,1] x) => (float[2] y) { y = Squeeze <axes = [1]> (x) }"), "y = Squeeze (x, y_axes)"));
    CHECK(contains(upgraded(11, 13, "g (float[4] x) => (float[1] y, float[3] z) { y, z = Split <split = [1, 3]> (x) }"),
                   "= Split (x, y_split)"));
    CHECK(
        contains(upgraded(9, 11, "g (float[4] x) => (float[4] y) { y = Clip <min = 0.0, max = 6.0> (x) }"), "y = Clip (x, y_min, y_max)"));
    CHECK(contains(upgraded(9, 11, "g (float[4] x) => (float[4] y) { y = Clip <max = 6.0> (x) }"), "y = Clip (x, , y_max)"));
    CHECK(contains(upgraded(9, 10, "g (float[4] x) => (float[2] y) { y = Slice <starts = [0], ends = [2]> (x) }"),
                   "y = Slice (x, y_starts, y_ends)"));
    CHECK(contains(upgraded(13, 18, "g (float[4] x) => (float[1] y) { y = ReduceMean <axes = [0]> (x) }"), "y = ReduceMean (x, y_axes)"));
}

TEST_CASE("clip bounds take the type of what they clip") {
    const std::string text = upgraded(9, 13, "g (float16[4] x) => (float16[4] y) { h = Neg (x) y = Clip <min = 0.0> (h) }");
    CHECK(contains(text, "y_min = float16"));
    const auto opaque = parse_model(R"(<ir_version: 7, opset_import: ["" : 9, "other" : 1]> g (float[4] x) => (float[4] y)
        { h = other.Thing (x) y = Clip <min = 0.0> (h) })");
    CHECK_THROWS_AS(upgrade_opset(*opaque, 11), Error);
}

TEST_CASE("upsample becomes resize") {
    const std::string text = upgraded(
        7, 13, "g (float[1,1,2,2] x) => (float[1,1,4,4] y) { y = Upsample <mode = \"nearest\", scales = [1.0, 1.0, 2.0, 2.0]> (x) }");
    CHECK(contains(text, "Resize <"));
    CHECK(contains(text, "nearest_mode = \"floor\""));
    CHECK(contains(text, "coordinate_transformation_mode = \"asymmetric\""));
    CHECK(contains(text, "(x, y_roi, y_scales)"));
}

TEST_CASE("experimental operators are written out") {
    const std::string text = upgraded(7, 13, R"(g (float[1,3,8,9] x) => (float[1,3,5,4] y) {
        s = ImageScaler <scale = 2.0, bias = [-1.0, -2.0, -3.0]> (x)
        c = Crop <border = [1, 2, 4, 1]> (s)
        y = Affine <alpha = 0.5, beta = 3.0> (c) })");
    CHECK(contains(text, "s = Add ("));
    CHECK(contains(text, "c = Slice (s, "));
    CHECK(contains(text, "int64[2] {2, 1}"));    // from the top and from the left
    CHECK(contains(text, "int64[2] {-1, -4}"));  // to the bottom and to the right
    CHECK(contains(text, "y = Add ("));
    CHECK_FALSE(contains(text, "Affine"));
    CHECK_THROWS_AS(upgraded(11, 13, "g (float[2] x) => (float[2] y) { y = Affine <alpha = 0.5> (x) }"), Error);
}

TEST_CASE("trap 15: the ratio of a Dropout becomes an input, and its mask a bool") {
    const std::string text = upgraded(7, 13, "g (float[2,3] x) => (float[2,3] y) { y = Dropout <ratio = 0.25> (x) }");
    CHECK(contains(text, "y_ratio = float[] {0.25}"));
    CHECK(contains(text, "y = Dropout (x, y_ratio)"));
}

TEST_CASE("trap 15: unused statistics of batch normalization go") {
    const std::string text = upgraded(9, 15, R"(g (float[1,2] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2] y)
        { y, om, ov = BatchNormalization (x, s, b, m, v) })");
    CHECK(contains(text, "  y = BatchNormalization (x, s, b, m, v)"));
}

TEST_CASE("bodies are upgraded too") {
    const std::string text = upgraded(11, 13, R"(g (bool c, float[2,3,4] x) => (float[2,3,4] y) {
        y = If (c) <then_branch = t () => (float[2,3,4] a) { a = Softmax <axis = 1> (x) },
                    else_branch = e () => (float[2,3,4] b) { b = Neg (x) }> })");
    CHECK(contains(text, "Flatten"));
}

TEST_CASE("what has no adapter is refused by name, and nothing changes") {
    const auto model = parse_at(8, R"(g (float[1,4,2] x) => (float[1,4,2] y, float[2] z, float[2] w)
        { y = Softmax <axis = 1> (x) z = OneHot (x, x, x) w = Scan (x) })");
    const std::string before = fingerprint(*model);
    std::string message;
    try {
        upgrade_opset(*model, 13);
    } catch (const Error& error) {
        message = error.what();
    }
    CHECK(contains(message, "'z' (OneHot)"));
    CHECK(contains(message, "'w' (Scan)"));
    CHECK(fingerprint(*model) == before);
}

TEST_CASE("a node that lacks what it must have is refused by name") {
    for (const char* line : {"y = Softmax <axis = 1> ()", "y = Dropout <ratio = 0.5> ()", "y = Upsample <mode = \"nearest\"> (x)"}) {
        INFO(line);
        const auto model = parse_at(9, std::string("g (float[1,4,2] x) => (float[1,4,2] y) { ") + line + " }");
        std::string message;
        try {
            upgrade_opset(*model, 13);
        } catch (const Error& error) {
            message = error.what();
        }
        CHECK(contains(message, "lacks an input or output"));
    }
}

TEST_CASE("an upgrade to the present version or below does nothing") {
    const auto model = parse_at(13, "g (float[4] x) => (float[4] y) { y = Neg (x) }");
    const std::string before = fingerprint(*model);
    upgrade_opset(*model, 13);
    upgrade_opset(*model, 11);
    CHECK(fingerprint(*model) == before);
    CHECK_THROWS_AS(upgrade_opset(*model, 99), Error);
}

TEST_CASE("the tables account for every change that libonnx knows") {
    const std::set<std::string> refused{"PRelu 7", "Upsample 7", "GRU 7", "LSTM 7", "RNN 7", "Scan 9", "OneHot 11"};
    std::set<std::string> first;
    int changes = 0;
    for (const auto& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
        const int since = schema.SinceVersion();
        if (!schema.domain().empty() || since <= kOldestUpgradableOpset || since > 17) continue;
        if (!onnx::OpSchemaRegistry::Schema(schema.Name(), since - 1, "")) continue;
        ++changes;
        const std::string word = " " + schema.Name() + " ";
        const auto rows = std::count_if(opset_changes().begin(), opset_changes().end(),
                                        [&](const OpsetChange& row) { return row.op == schema.Name() && row.since == since; });
        const auto compatible = std::count_if(compatible_changes().begin(), compatible_changes().end(), [&](const CompatibleChanges& row) {
            return row.since == since && contains(std::string(row.ops), word);
        });
        INFO(schema.Name() << " " << since);
        CHECK(rows + compatible + static_cast<std::ptrdiff_t>(refused.count(schema.Name() + " " + std::to_string(since))) == 1);
    }
    CHECK(changes > 200);
}
