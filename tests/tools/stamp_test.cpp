// --stamp and verify-stamp as a pipeline uses them.
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "support/sha256.h"
#include "tools/command_line.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

const std::string kModel = "examples/digits/digits.onnx";
const std::string kImages = " --color gray --scale 1/255 --mean 0.5 --std 0.25 ";
const std::string kData = " --data examples/digits/calib" + kImages;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void write_text(const std::filesystem::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

int verify(const std::string& arguments) { return run_mcompress("-q verify-stamp " + arguments).exit_code; }

}  // namespace

TEST_CASE("every command that rewrites models stamps them, the same each time") {
    struct Case {
        std::string command;
        std::string data;
    };
    const std::vector<Case> cases = {{"optimize " + kModel, ""},
                                     {"compact " + kModel, ""},
                                     {"cluster --bits 6 " + kModel, ""},
                                     {"convert --to fp16 " + kModel, ""},
                                     {"convert --to fp16 " + kModel + kData + "--limit 20", kData + "--limit 20"},
                                     {"factorize --ratio 0.7 --time macs " + kModel, ""},
                                     {"prune --sparsity 0.5 " + kModel, ""},
                                     {"prune --sparsity 0.5 " + kModel + kData, kData},
                                     {"prune --pattern channels --macs 0.9 " + kModel + kData, kData},
                                     {"quantize --dynamic " + kModel, ""},
                                     {"quantize --effort fast " + kModel + kData, kData}};
    const ScratchFolder scratch("stamp");
    std::filesystem::create_directories(scratch.path() / "elsewhere");
    for (const Case& each : cases) {
        INFO(each.command);
        const std::string first = scratch / "first.onnx", recipe = scratch / "recipe.json";
        REQUIRE(run_mcompress("-q " + each.command + " --force -o " + (scratch / "plain.onnx")).exit_code == 0);
        const CommandResult run =
            run_mcompress("-q " + each.command + " --force --stamp --threads 1 -o " + first + " --save-recipe " + recipe);
        INFO(run.errors);
        REQUIRE(run.exit_code == 0);
        REQUIRE(run_mcompress("-q " + each.command + " --force --stamp --threads 3 -o " + (scratch / "elsewhere/second.onnx")).exit_code ==
                0);
        const std::string stamped = read_text(first), plain = read_text(scratch / "plain.onnx");
        CHECK(stamped == read_text(scratch / "elsewhere/second.onnx"));
        CHECK(stamped.starts_with(plain));
        CHECK(contains(stamped.substr(plain.size()), sha256_hex(plain)));
        CHECK(contains(stamped.substr(plain.size()), sha256_hex(read_text(std::string(MCOMPRESS_SOURCE_DIR) + "/" + kModel))));
        REQUIRE(run_mcompress("-q run " + recipe + " --force -o " + (scratch / "third.onnx")).exit_code == 0);
        CHECK(stamped == read_text(scratch / "third.onnx"));
        const CommandResult check = run_mcompress("-q verify-stamp " + first + " --input " + kModel + " --recipe " + recipe + each.data);
        INFO(check.output << check.errors);
        CHECK(check.exit_code == 0);
        CHECK(verify(first + " --data examples/digits/eval" + kImages) == 1);
    }
}

TEST_CASE("what differs from a stamp is named, and ends in exit code 1") {
    const ScratchFolder scratch("stamp-differs");
    const std::string model = scratch / "model.onnx", recipe = scratch / "recipe.json", other = scratch / "other.json";
    const std::string quantize = "-q quantize --effort fast " + kModel + kData + "--force --stamp -o ";
    REQUIRE(run_mcompress(quantize + model + " --save-recipe " + recipe).exit_code == 0);
    REQUIRE(run_mcompress(quantize + (scratch / "symmetric.onnx") + " --symmetric --save-recipe " + other).exit_code == 0);
    const auto failure = [&](const std::string& arguments) {
        const CommandResult run = run_mcompress("verify-stamp " + model + arguments);
        CHECK(run.exit_code == 1);
        return run.output;
    };
    CHECK(contains(failure(" --input " + (scratch / "symmetric.onnx")), "FAILED: input differs"));
    CHECK(contains(failure(" --recipe " + other), "FAILED: recipe differs"));
    CHECK(contains(failure(kData + "--limit 99"), "FAILED: data differs"));
    CHECK(contains(failure(" --data examples/digits/calib --color gray --scale 1/255 --mean 0.5 --std 0.5"), "FAILED: data differs"));
    CHECK(contains(failure(" --recipe " + other + " --data examples/digits/eval" + kImages), "FAILED: data, recipe differ"));
    // One bit of one weight.
    std::string bytes = read_text(model);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_text(model, bytes);
    CHECK(contains(failure(" --recipe " + recipe + kData), "FAILED: model differs"));
    CHECK(verify(kModel) == 3);
    CHECK(contains(run_mcompress("verify-stamp " + kModel).errors, "error[E3018]"));
}

TEST_CASE("a model that is made of a stamped one has its own stamp or none") {
    const ScratchFolder scratch("stamp-chain");
    const std::string first = scratch / "first.onnx", second = scratch / "second.onnx";
    REQUIRE(run_mcompress("-q optimize --stamp " + kModel + " -o " + first).exit_code == 0);
    REQUIRE(run_mcompress("-q cluster --bits 6 " + first + " -o " + second).exit_code == 0);
    CHECK(verify(second) == 3);
    REQUIRE(run_mcompress("-q cluster --bits 6 --stamp --force " + first + " -o " + second).exit_code == 0);
    CHECK(verify(second + " --input " + first) == 0);
    CHECK(verify(second + " --input " + kModel) == 1);
}

TEST_CASE("a recipe stamps what all of its steps made") {
    const ScratchFolder scratch("stamp-recipe");
    const auto recipe = [&](const std::string& more) {
        return R"({"model": ")" + kModel + R"(", "options": {"color": "gray", "scale": "1/255", "mean": 0.5, "std": 0.25},
            "steps": [{"command": "prune", "sparsity": 0.3, "data": "examples/digits/eval"},
                      {"command": "quantize", "effort": "fast", "data": "examples/digits/calib"}])" +
               more + "}";
    };
    const std::string plain = scratch / "plain.json", stamping = scratch / "stamping.json";
    write_text(plain, recipe(""));
    write_text(stamping, recipe(R"(, "stamp": true)"));
    const std::string a = scratch / "a.onnx", b = scratch / "b.onnx";
    REQUIRE(run_mcompress("-q run " + plain + " --stamp -o " + a).exit_code == 0);
    REQUIRE(run_mcompress("-q run " + stamping + " -o " + b).exit_code == 0);
    CHECK(read_text(a) == read_text(b));
    CHECK(verify(a + " --input " + kModel + " --recipe " + plain + kData) == 0);
    CHECK(verify(a + " --recipe " + stamping + " --data examples/digits/eval" + kImages) == 0);
    write_text(plain, recipe(R"(, "validate": {"data": "examples/digits/eval", "min-agreement": 50})"));
    CHECK(verify(a + " --recipe " + plain) == 1);
    CHECK(run_mcompress("-q run " + kModel + kData + " --stamp -o " + (scratch / "x.npz")).exit_code == 2);
    write_text(plain, recipe(R"(, "stamp": "yes")"));
    CHECK(contains(run_mcompress("run " + plain + " -o " + (scratch / "c.onnx")).errors, "'stamp' is \"yes\""));
}
