// Recipes carried out: the same bytes as the commands one by one, gates that keep the output back, and options that are refused before anything runs.
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "tools/command_line.h"

using namespace mcompress::testing;

namespace {

const std::string kModel = "examples/digits/digits.onnx";
const std::string kImages = " --color gray --scale 1/255 --mean 0.5 --std 0.25 ";
const std::string kCalibration = " --data examples/digits/calib" + kImages;
const std::string kShared = R"("color": "gray", "scale": "1/255", "mean": 0.5, "std": 0.25)";

void write_text(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t entries(const std::filesystem::path& path) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
}

std::string digits_recipe(const std::string& output, const std::string& quantize, const std::string& validate) {
    return R"({"model": ")" + kModel + R"(", "output": ")" + output + R"(", "options": {"data": "examples/digits/calib", )" + kShared +
           R"(}, "steps": [{"command": "optimize"}, {"command": "quantize")" + quantize + R"(}], "validate": {"latency-seconds": 0, )" +
           validate + "}}";
}

}  // namespace

TEST_CASE("a recipe gives the bytes of its commands one by one") {
    const ScratchFolder scratch("recipe");
    REQUIRE(run_mcompress("-q optimize " + kModel + " -o " + (scratch / "1.onnx")).exit_code == 0);
    REQUIRE(run_mcompress("-q quantize " + (scratch / "1.onnx") + kCalibration + "--effort fast -o " + (scratch / "2.onnx")).exit_code ==
            0);
    write_text(scratch / "recipe.json", digits_recipe(scratch / "small.onnx", R"(, "effort": "fast")", R"("min-agreement": 90)"));
    const CommandResult run = run_mcompress("run " + (scratch / "recipe.json"));
    INFO(run.errors);
    REQUIRE(run.exit_code == 0);
    CHECK(contains(run.output, "1. optimize"));
    CHECK(contains(run.output, "2. quantize"));
    CHECK(contains(run.output, "3. validate"));
    CHECK(read_text(scratch / "small.onnx") == read_text(scratch / "2.onnx"));
    CHECK(run_mcompress("run " + (scratch / "recipe.json")).exit_code == 2);  // it exists
    const CommandResult json = run_mcompress("-q run " + (scratch / "recipe.json") + " --force --json --threads 1");
    REQUIRE(json.exit_code == 0);
    CHECK(contains(json.output, "\"schema\": \"mcompress/recipe-report\""));
    CHECK(contains(json.output, "\"schema\": \"mcompress/quantize\""));
    CHECK(json.output == run_mcompress("-q run " + (scratch / "recipe.json") + " --force --json --threads 2").output);
    CHECK(read_text(scratch / "small.onnx") == read_text(scratch / "2.onnx"));
    CHECK(entries(scratch.path()) == 4);  // nothing else is left
}

TEST_CASE("a gate that is not met keeps the output back") {
    const ScratchFolder scratch("recipe-gate");
    write_text(scratch / "recipe.json", digits_recipe(scratch / "small.onnx", R"(, "effort": "fast")", R"("min-sqnr": 90)"));
    const CommandResult run = run_mcompress("-q run " + (scratch / "recipe.json"));
    CHECK(run.exit_code == 1);
    CHECK(contains(run.output, "no model was written"));
    CHECK(entries(scratch.path()) == 1);
}

TEST_CASE("what a recipe says wrong is found before anything runs") {
    const ScratchFolder scratch("recipe-wrong");
    const auto refusal = [&](const std::string& quantize) {
        write_text(scratch / "recipe.json", digits_recipe(scratch / "small.onnx", quantize, R"("min-sqnr": 20)"));
        const CommandResult run = run_mcompress("run " + (scratch / "recipe.json"));
        CHECK(run.exit_code == 2);
        CHECK(run.output.empty());
        CHECK(entries(scratch.path()) == 1);
        return run.errors;
    };
    CHECK(contains(refusal(R"(, "efort": "fast")"), "did you mean 'effort'?"));
    CHECK(contains(refusal(R"(, "effort": "fastest")"), "step 2 (quantize)"));
    CHECK(contains(refusal(R"(}, {"command": "quantise")"), "did you mean 'quantize'?"));
    CHECK(contains(refusal(R"(}, {"command": "validate")"), "'validate' is no step"));
    write_text(scratch / "recipe.json",
               R"({"model": "a.onnx", "output": "b.onnx", "options": {"dta": "x"}, "steps": [{"command": "quantize"}]})");
    CHECK(contains(run_mcompress("run " + (scratch / "recipe.json")).errors, "no step has an option 'dta'"));
    write_text(scratch / "recipe.json", R"({"steps": [{"command": "optimize"}]})");
    CHECK(contains(run_mcompress("run " + (scratch / "recipe.json")).errors, "names no model"));
    CHECK(run_mcompress("run " + (scratch / "recipe.json") + " --model " + kModel + " -o " + (scratch / "o.onnx")).exit_code == 0);
}

TEST_CASE("a command's own recipe does the same again") {
    const ScratchFolder scratch("save-recipe");
    const std::vector<std::string> commands = {"optimize " + kModel,
                                               "quantize " + kModel + kCalibration +
                                                   "--effort fast --exclude type:Gemm --range-method percentile --symmetric",
                                               "quantize --dynamic " + kModel, "quantize --weight-only int8 " + kModel,
                                               "quantize --activations uint16 --effort fast --quant-format qdq " + kModel + kCalibration};
    for (const std::string& command : commands) {
        INFO(command);
        const CommandResult first =
            run_mcompress("-q " + command + " --force -o " + (scratch / "a.onnx") + " --save-recipe " + (scratch / "recipe.json"));
        INFO(first.errors);
        REQUIRE(first.exit_code == 0);
        INFO(read_text(scratch / "recipe.json"));
        const CommandResult second = run_mcompress("-q run " + (scratch / "recipe.json") + " --force -o " + (scratch / "b.onnx"));
        INFO(second.errors);
        REQUIRE(second.exit_code == 0);
        CHECK(read_text(scratch / "a.onnx") == read_text(scratch / "b.onnx"));
    }
}

TEST_CASE("only --in-place lets a result take the input's place") {
    const ScratchFolder scratch("in-place");
    const std::string model = scratch / "m.onnx", link = scratch / "link.onnx";
    write_text(model, read_text(MCOMPRESS_SOURCE_DIR "/" + kModel));
    std::filesystem::create_symlink(model, link);
    const std::string before = read_text(model);
    for (const std::string& output : {model, link}) {
        const CommandResult refused = run_mcompress("convert " + model + " --to fp16 --force -o " + output);
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.errors, "error[E1003]"));
        CHECK(contains(refused.errors, "--in-place"));
    }
    CHECK(run_mcompress("convert " + model + " --to fp16 --in-place -o " + (scratch / "o.onnx")).exit_code == 2);
    CHECK(run_mcompress("convert " + model + " --to fp16 --in-place --dry-run").exit_code == 0);
    CHECK(read_text(model) == before);
    REQUIRE(run_mcompress("-q convert " + model + " --to fp16 -o " + (scratch / "o.onnx")).exit_code == 0);
    REQUIRE(run_mcompress("-q convert " + model + " --to fp16 --in-place").exit_code == 0);
    CHECK(read_text(model) == read_text(scratch / "o.onnx"));
}

TEST_CASE("a recipe, too, lets a result take the model's place only when it says so") {
    const ScratchFolder scratch("recipe-in-place");
    const std::string model = scratch / "m.onnx", link = scratch / "link.onnx", hard = scratch / "hard.onnx",
                      recipe = scratch / "recipe.json";
    const std::string before = read_text(MCOMPRESS_SOURCE_DIR "/" + kModel);
    write_text(model, before);
    std::filesystem::create_symlink(model, link);
    std::filesystem::create_hard_link(model, hard);
    const auto write = [&](const std::string& rest) {
        write_text(recipe, R"({"model": ")" + model + R"(", )" + rest + R"("steps": [{"command": "convert", "to": "fp16"}]})");
    };
    for (const std::string& output : {model, link, hard, scratch / "./m.onnx", scratch / "../recipe-in-place/m.onnx"}) {
        INFO(output);
        if (!std::filesystem::exists(output)) continue;
        write(R"("output": ")" + output + R"(", )");
        const CommandResult refused = run_mcompress("run " + recipe + " --force");
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.errors, "error[E1003]"));
        CHECK(contains(refused.errors, "--in-place"));
        write("");
        CHECK(run_mcompress("run " + recipe + " --force -o " + output).exit_code == 2);
    }
    const CommandResult both = run_mcompress("run " + recipe + " --in-place -o " + (scratch / "o.onnx"));
    CHECK(both.exit_code == 2);
    write(R"("output": "o.onnx", "in_place": true, )");
    CHECK(contains(run_mcompress("run " + recipe).errors, "error[E1006]"));
    write_text(recipe,
               R"({"model": ")" + model + R"(", "in_place": true, "steps": [{"command": "convert", "to": "fp16", "in-place": true}]})");
    CHECK(contains(run_mcompress("run " + recipe).errors, "error[E1006]"));
    CHECK(read_text(model) == before);

    REQUIRE(run_mcompress("-q convert " + model + " --to fp16 -o " + (scratch / "o.onnx") + " --save-recipe " + recipe).exit_code == 0);
    const std::string expected = read_text(scratch / "o.onnx");
    write(R"("in_place": true, )");
    REQUIRE(run_mcompress("-q run " + recipe + " -o " + (scratch / "elsewhere.onnx")).exit_code == 0);  // what the command line says wins
    CHECK(read_text(scratch / "elsewhere.onnx") == expected);
    CHECK(read_text(model) == before);
    REQUIRE(run_mcompress("-q run " + recipe).exit_code == 0);
    CHECK(read_text(model) == expected);
    CHECK(read_text(hard) == before);  // replaced, not written into

    write_text(model, before);
    REQUIRE(run_mcompress("-q convert " + model + " --to fp16 --in-place --save-recipe " + recipe).exit_code == 0);
    CHECK(contains(read_text(recipe), "\"in_place\": true"));
    write_text(model, before);
    REQUIRE(run_mcompress("-q run " + recipe).exit_code == 0);
    CHECK(read_text(model) == expected);
}

TEST_CASE("no command writes over what it reads, with --force neither") {
    const ScratchFolder scratch("over-input");
    const std::string model = scratch / "m.onnx", link = scratch / "link.onnx", recipe = scratch / "recipe.json";
    const std::string before = read_text(MCOMPRESS_SOURCE_DIR "/" + kModel);
    write_text(model, before);
    std::filesystem::create_symlink(model, link);
    write_text(recipe, R"({"model": ")" + model + R"(", "steps": [{"command": "convert", "to": "fp16"}]})");
    const std::string kept = read_text(recipe);
    const std::vector<std::string> commands{
        "calibrate " + model + kCalibration + "-o " + link + " --force",
        "pack " + model + " -o " + link + " --force",
        "run " + model + kCalibration + "-o " + link + " --force",
        "optimize " + model + " -o " + (scratch / "o.onnx") + " --save-recipe " + link,
        "run " + recipe + " -o " + recipe + " --force",
        "run " + recipe + " -o " + (scratch / "o.onnx") + " --report " + recipe,
    };
    for (const std::string& command : commands) {
        INFO(command);
        const CommandResult refused = run_mcompress(command);
        CHECK(refused.exit_code == 2);
        CHECK(contains(refused.errors, "error[E1003]"));
        CHECK(read_text(model) == before);
        CHECK(read_text(recipe) == kept);
    }
    CHECK(!std::filesystem::exists(scratch / "o.onnx"));
}

TEST_CASE("recipes say words where options take words, and numbers of earlier ones are read") {
    const ScratchFolder scratch("recipe-words");
    const std::string recipe = scratch / "recipe.json", output = scratch / "o.onnx";
    REQUIRE(run_mcompress("-q quantize " + kModel + kCalibration + "--effort FAST --quant-format qoperator -o " + output +
                          " --save-recipe " + recipe)
                .exit_code == 0);
    std::string text = read_text(recipe);
    CHECK(contains(text, "\"effort\": \"fast\""));
    CHECK(contains(text, "\"quant-format\": \"qoperator\""));
    for (const auto& [word, number] : {std::pair("\"fast\"", "\"0\""), std::pair("\"qoperator\"", "\"1\"")})
        text.replace(text.find(word), std::string(word).size(), number);
    write_text(recipe, text);
    REQUIRE(run_mcompress("-q run " + recipe + " -o " + (scratch / "p.onnx")).exit_code == 0);
    CHECK(read_text(output) == read_text(scratch / "p.onnx"));
    const CommandResult wrong = run_mcompress("quantize " + kModel + " --effort slow -o " + (scratch / "q.onnx"));
    CHECK(wrong.exit_code == 2);
    CHECK(contains(wrong.errors, "slow is none of {fast,balanced,max}"));
}
