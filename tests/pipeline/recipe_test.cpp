// Recipes as text: what is read, what is refused, and that writing and reading give the same.
#include "pipeline/recipe.h"

#include "catch.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::string refusal(const std::string& text) {
    try {
        parse_recipe(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "accepted";
}

bool refused_with(const std::string& text, const std::string& part) {
    const std::string said = refusal(text);
    INFO(said);
    CHECK(said.find(part) != std::string::npos);
    return said.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a recipe is read as it is written") {
    const Recipe recipe = parse_recipe(R"({
        "schema": "mcompress/recipe", "schema_version": 1, "model": "a.onnx", "output": "b.onnx",
        "options": {"data": "calib", "limit": 16},
        "steps": [{"command": "optimize"}, {"command": "quantize", "symmetric": true, "dynamic": false, "exclude": ["Conv_1", "type:Gemm"], "max-drop": 0.5}],
        "validate": {"min-agreement": 98}})");
    CHECK(recipe.model == "a.onnx");
    CHECK(recipe.output == "b.onnx");
    REQUIRE(recipe.options.size() == 2);
    CHECK(recipe.options[1].values == std::vector<std::string>{"16"});
    REQUIRE(recipe.steps.size() == 2);
    REQUIRE(recipe.steps[1].options.size() == 3);  // what is false is not given
    CHECK(recipe.steps[1].options[0].values.empty());
    CHECK(recipe.steps[1].options[1].values == std::vector<std::string>{"Conv_1", "type:Gemm"});
    CHECK(recipe.steps[1].options[2].values == std::vector<std::string>{"0.5"});
    REQUIRE(recipe.validate);
    CHECK(to_json(parse_recipe(to_json(recipe))) == to_json(recipe));
}

TEST_CASE("what is no recipe is refused with what to do") {
    CHECK(refused_with("{", "is no JSON"));
    CHECK(refused_with("[]", "no object"));
    CHECK(refused_with(R"({"steps": [{"command": "optimize"}], "step": []})", "did you mean 'steps'?"));
    CHECK(refused_with(R"({"model": 3, "steps": [{"command": "optimize"}]})", "'model' is 3"));
    CHECK(refused_with(R"({"model": "a"})", "no steps"));
    CHECK(refused_with(R"({"steps": []})", "no steps"));
    CHECK(refused_with(R"({"steps": ["optimize"]})", "step 1 has no command"));
    CHECK(refused_with(R"({"steps": [{"effort": "fast"}]})", "step 1 has no command"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "output": "x"}]})", "'output' cannot be an option of a step"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "threads": 2}]})", "'threads' cannot be an option of a step"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "effort": null}]})", "'effort' is null"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "effort": {"a": 1}}]})", "'effort' is {"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "limit": 1e999}]})", "is no JSON"));
    CHECK(refused_with(R"({"steps": [{"command": "quantize", "effort": "fast", "effort": "max"}]})", "comes twice"));
    CHECK(refused_with(R"({"schema_version": 2, "steps": [{"command": "optimize"}]})", "reads version 1"));
    CHECK(refused_with(R"({"schema": "other", "steps": [{"command": "optimize"}]})", "the schema is"));
    CHECK(refused_with(std::string(100, '[') + std::string(100, ']'), "nested too deeply"));
}
