// Overrides of single values: what is read, what is refused, and that they reach the model.
#include "pipeline/overrides.h"

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::string refusal(std::string_view text) {
    try {
        overrides_from_json(text);
        return "not refused";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Usage);
        return error.what();
    }
}

bool refused_with(std::string_view text, const std::string& part) { return refusal(text).find(part) != std::string::npos; }

}  // namespace

TEST_CASE("overrides say range, type and symmetry of a value", "[pipeline]") {
    const Overrides overrides =
        overrides_from_json(R"({"x": {"range": [-1, 2.5]}, "y": {"min": 0, "max": 6, "dtype": "uint16"}, "z": {"symmetric": true}})");
    REQUIRE(overrides.size() == 3);
    CHECK(overrides.at("x").range == ValueRange{-1.0f, 2.5f});
    CHECK_FALSE(overrides.at("x").dtype);
    CHECK(overrides.at("y").range == ValueRange{0.0f, 6.0f});
    CHECK(overrides.at("y").dtype == DType::UInt16);
    CHECK(overrides.at("z").symmetry == Symmetry::Symmetric);
    QuantizationScheme scheme;
    apply_overrides(overrides, scheme);
    CHECK(scheme.ranges.size() == 2);
    CHECK(scheme.dtype_of("y") == DType::UInt16);
    CHECK(scheme.dtype_of("x") == DType::UInt8);
    CHECK(scheme.symmetry_of("z") == Symmetry::Symmetric);
    CHECK(scheme.symmetry_of("y") == Symmetry::Asymmetric);
}

TEST_CASE("trap 26: unknown keys and values of overrides are refused", "[pipeline]") {
    CHECK(refused_with(R"({"x": {"rang": [0, 1]}})", "did you mean 'range'?"));
    CHECK(refused_with(R"({"x": {"dtype": "uint12"}})", "uint8, int8, uint16, int16"));
    CHECK(refused_with(R"({"x": {"dtype": 8}})", "value 'x'"));
    CHECK(refused_with(R"({"x": {"symmetric": 1}})", "true or false"));
    CHECK(refused_with(R"({"x": {"range": [1]}})", "[min, max]"));
    CHECK(refused_with(R"({"x": {"range": [1, 1]}})", "nothing lies between"));
    CHECK(refused_with(R"({"x": {"range": [2, 1]}})", "nothing lies between"));
    CHECK(refused_with(R"({"x": {"range": [0, 1e60]}})", "finite"));
    CHECK(refused_with(R"({"x": {"range": ["0", 1]}})", "numbers"));
    CHECK(refused_with(R"({"x": {"min": 0}})", "half a range"));
    CHECK(refused_with(R"({"x": {"min": 0, "max": 1, "range": [0, 1]}})", "half a range, or two"));
    CHECK(refused_with(R"({"x": {}})", "nothing is overridden"));
    CHECK(refused_with(R"({"x": 3})", "in place of an object"));
    CHECK(refused_with(R"({"x": {"min": 0, "max": 1}, "x": {"min": 0, "max": 2}})", "comes twice"));
    CHECK(refused_with(R"({"x": {"dtype": "int8", "dtype": "uint8"}})", "comes twice"));
    CHECK(refused_with("[]", "no object"));
    CHECK(refused_with("{", "no JSON"));
}

TEST_CASE("an override of a value without a quantizer is refused with the nearest that has one", "[pipeline]") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[1,1,4,4] image) => (float[1,2,4,4] y)
{
  w = Constant <value = float[1,1,1,1] {1.0}> ()
  left = Conv (image, w)
  right = Conv (image, w)
  joined = Concat <axis = 1> (left, right)
  v = Constant <value = float[2,2,1,1] {1.0, 2.0, 3.0, 4.0}> ()
  deep = Conv (joined, v)
  y = Sigmoid (deep)
})");
    infer_types(*model->graph);
    const auto remedy = [&](const char* text) -> std::string {
        const Overrides overrides = overrides_from_json(text);
        QuantizationScheme scheme;
        apply_overrides(overrides, scheme);
        try {
            check_overrides(*model->graph, overrides, scheme);
            return "";
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Usage);
            return error.remedy();
        }
    };
    CHECK(remedy(R"({"image": {"range": [0, 1]}, "left": {"dtype": "uint16"}})") == "");
    CHECK(remedy(R"({"joined": {"dtype": "uint16"}})") == "");
    CHECK(remedy(R"({"joined": {"range": [0, 1]}})") == "override those");
    CHECK(remedy(R"({"imge": {"range": [0, 1]}})") == "did you mean 'image'?");
    CHECK(remedy(R"({"left_equalized": {"range": [0, 1], "dtype": "uint16"}})") == "");  // as the report calls it when it was rescaled
    CHECK(remedy(R"({"joined_equalized": {"range": [0, 1]}})") == "override those");
    CHECK(remedy(R"({"lift_equalized": {"range": [0, 1]}})") != "");
    CHECK(remedy(R"({"y": {"range": [0, 1]}})") != "");
}

TEST_CASE("an override under the name of a rescaled value is refused when the value was not rescaled", "[pipeline]") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[4] x) => (float[4] y) { plain = Relu (x) changed_equalized = Relu (plain) y = Relu (changed_equalized) })");
    const auto check = [&](const char* text) { check_rescaled_overrides(*model->graph, overrides_from_json(text)); };
    CHECK_NOTHROW(check(R"({"changed_equalized": {"range": [0, 1]}, "plain": {"range": [0, 1]}})"));
    try {
        check(R"({"plain_equalized": {"range": [0, 1]}})");
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Usage);
        CHECK(std::string(error.what()).find("'plain' keep their scale") != std::string::npos);
        CHECK(error.remedy().find("override 'plain'") != std::string::npos);
    }
}
