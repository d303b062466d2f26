#include <filesystem>
#include <fstream>
#include <oneapi/dnnl/dnnl_version.h>

#include "catch.h"
#include "tools/command_line.h"

using namespace mcompress::testing;

namespace {

const std::string kModel = "examples/digits/digits.onnx";
const std::string kImages = " --color gray --scale 1/255 --mean 0.5 --std 0.25 ";
const std::string kCalibration = " --data examples/digits/calib" + kImages;
const std::string kEvaluation = " --data examples/digits/eval" + kImages + " --labels examples/digits/eval.labels.txt ";

void write_text(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the example is quantized and validated in int8") {
    const ScratchFolder scratch("main-job");
    const std::string int8 = scratch / "digits.int8.onnx";
    const CommandResult quantized = run_mcompress("quantize " + kModel + kCalibration + "-o " + int8);
    INFO(quantized.errors);
    REQUIRE(quantized.exit_code == 0);
    CHECK(contains(quantized.output, "no node was left in float"));
    CHECK(std::filesystem::file_size(int8) * 3 < std::filesystem::file_size(std::string(MCOMPRESS_SOURCE_DIR) + "/" + kModel));

    const CommandResult validated =
        run_mcompress("validate " + kModel + " " + int8 + kEvaluation + "--min-agreement 98 --max-drop 1 --min-sqnr 20 --steps");
    INFO(validated.output);
    INFO(validated.errors);
    CHECK(validated.exit_code == 0);
    CHECK(contains(validated.output, "top-1"));
    CHECK_FALSE(contains(validated.output, "ref:"));

    CHECK(run_mcompress("-q validate " + kModel + " " + int8 + kEvaluation + "--max-drop 1% --latency-seconds 0").exit_code == 0);
    CHECK(run_mcompress("-q validate " + kModel + " " + int8 + kEvaluation + "--max-drop little").exit_code == 2);
    const CommandResult failed = run_mcompress("-q validate " + kModel + " " + int8 + kEvaluation + "--min-sqnr 90 --latency-seconds 0");
    CHECK(failed.exit_code == 1);
    CHECK(contains(failed.output, "FAILED"));
    CHECK(failed.errors.empty());
}

TEST_CASE("dynamic quantization needs no data") {
    const ScratchFolder scratch("dynamic");
    const std::string int8 = scratch / "digits.int8.onnx";
    const CommandResult quantized = run_mcompress("quantize --dynamic " + kModel + " -o " + int8);
    INFO(quantized.errors);
    REQUIRE(quantized.exit_code == 0);
    CHECK(contains(quantized.output, "it has 10 columns: quantizing its input would cost the time that codes save"));
    CHECK(contains(quantized.output, "ConvInteger is slower than a float Conv"));
    CHECK(run_mcompress("validate " + kModel + " " + int8 + kEvaluation + "--min-agreement 99 --min-sqnr 30").exit_code == 0);
    CHECK(run_mcompress("quantize --dynamic " + kModel + kCalibration + "-o " + int8).exit_code == 2);
}

TEST_CASE("targets, types and parts of a model are chosen on the command line") {
    const ScratchFolder scratch("control");
    const std::string int8 = scratch / "digits.int8.onnx";
    const std::string start = "-q quantize " + kModel + kCalibration + "--effort fast --force -o " + int8 + " ";
    const auto prints = [&](const std::string& options, const std::string& part) {
        const CommandResult result = run_mcompress(start + options);
        INFO(options);
        INFO(result.output);
        INFO(result.errors);
        CHECK(result.exit_code == 0);
        CHECK(contains(result.output, part));
    };
    prints("--target tensorrt", "for TensorRT: int8 activations, symmetric, int8 weights per channel");
    prints("--target onednn --granularity tensor --symmetric", "uint8 activations, symmetric, int8 weights per tensor");
    prints("--activations uint16", "computes them in float, between QuantizeLinear");
    CHECK(run_mcompress("-q validate " + kModel + " " + int8 + kEvaluation + "--min-sqnr 30 --latency-seconds 0").exit_code == 0);
    prints("--exclude type:Gemm", "excluded by 'type:Gemm'");
    prints("--include type:Gemm", "quantized    1 of ");

    const auto refused = [&](const std::string& options, const std::string& part) {
        const CommandResult result = run_mcompress(start + options);
        INFO(options);
        INFO(result.errors);
        CHECK(result.exit_code == 2);
        CHECK(contains(result.errors, part));
    };
    refused("--target tensorrtt", "did you mean 'tensorrt'?");
    refused("--activations uint12", "did you mean 'uint16'?");
    refused("--granularity channels", "did you mean 'channel'?");
    refused("--target tensorrt --activations uint8", "TensorRT does not take");
    refused("--exclude type:Gem", "did you mean 'Gemm'?");
    write_text(scratch / "overrides.json", R"({"imag": {"range": [-2, 2]}})");
    refused("--overrides " + (scratch / "overrides.json"), "did you mean 'image'?");
    write_text(scratch / "overrides.json", R"({"image": {"rang": [-2, 2]}})");
    refused("--overrides " + (scratch / "overrides.json"), "did you mean 'range'?");
    write_text(scratch / "overrides.json", R"({"image": {"range": [-2, 2], "dtype": "uint16"}})");
    prints("--overrides " + (scratch / "overrides.json"), "com.microsoft::QuantizeLinear");
}

TEST_CASE("the same bytes for any number of threads, for shuffled data and through a calibration table") {
    const ScratchFolder scratch("determinism");
    const std::string first = scratch / "t1.onnx";
    REQUIRE(run_mcompress("-q --threads 1 quantize " + kModel + kCalibration + "-o " + first).exit_code == 0);
    const std::string expected = read_text(first);
    REQUIRE(expected.size() > 1000);
    for (const std::string threads : {"2", "8"}) {
        const std::string other = scratch / ("t" + threads + ".onnx");
        REQUIRE(run_mcompress("-q --threads " + threads + " quantize " + kModel + kCalibration + "-o " + other).exit_code == 0);
        CHECK(read_text(other) == expected);
    }
    // The folder is read in the order of names: other names are another order of the same images.
    const std::filesystem::path shuffled = scratch.path() / "shuffled";
    std::filesystem::create_directories(shuffled);
    for (const auto& entry : std::filesystem::directory_iterator(std::string(MCOMPRESS_SOURCE_DIR) + "/examples/digits/calib")) {
        std::string name = entry.path().filename().string();
        std::swap(name[0], name[2]);
        std::filesystem::copy_file(entry.path(), shuffled / name);
    }
    REQUIRE(run_mcompress("-q quantize " + kModel + " --data " + shuffled.string() + kImages + "-o " + (scratch / "s.onnx")).exit_code ==
            0);
    CHECK(read_text(scratch / "s.onnx") == expected);

    REQUIRE(run_mcompress("-q calibrate " + kModel + kCalibration + "-o " + (scratch / "table.json")).exit_code == 0);
    REQUIRE(
        run_mcompress("-q quantize " + kModel + " --calibration " + (scratch / "table.json") + " -o " + (scratch / "c.onnx")).exit_code ==
        0);
    // A table holds ranges; without samples nothing is fitted.
    REQUIRE(run_mcompress("-q quantize --effort fast " + kModel + kCalibration + "-o " + (scratch / "f.onnx")).exit_code == 0);
    CHECK(read_text(scratch / "c.onnx") == read_text(scratch / "f.onnx"));
}

TEST_CASE("without data only the weights are quantized, and it says so") {
    const ScratchFolder scratch("weights-only");
    const CommandResult result = run_mcompress("quantize " + kModel + " -o " + (scratch / "w.onnx"));
    INFO(result.errors);
    REQUIRE(result.exit_code == 0);
    CHECK(contains(result.output, "only the weights are quantized"));
    CHECK(run_mcompress("-q validate " + kModel + " " + (scratch / "w.onnx") + kEvaluation + "--min-agreement 99 --latency-seconds 0")
              .exit_code == 0);
}

TEST_CASE("outputs are not overwritten unless asked, inputs are never damaged") {
    const ScratchFolder scratch("overwrite");
    const std::string copy = scratch / "digits.onnx";
    std::filesystem::copy_file(std::string(MCOMPRESS_SOURCE_DIR) + "/" + kModel, copy);
    const std::string before = read_text(copy);
    CHECK(run_mcompress("-q optimize " + copy + " -o " + copy).exit_code == 2);
    CHECK(read_text(copy) == before);
    CHECK(run_mcompress("-q quantize " + copy).exit_code == 0);
    CHECK(std::filesystem::exists(scratch / "digits.int8.onnx"));
    CHECK(run_mcompress("-q quantize " + copy).exit_code == 2);
    CHECK(run_mcompress("-q quantize " + copy + " --force").exit_code == 0);
}

TEST_CASE("each kind of trouble has its exit code") {
    const ScratchFolder scratch("trouble");
    CHECK(run_mcompress("inspect " + (scratch / "missing.onnx")).exit_code == 4);
    CHECK(run_mcompress("inspect README.md").exit_code == 3);
    CHECK(run_mcompress("quantize " + kModel + " --data " + (scratch / "nowhere") + " -o " + (scratch / "x.onnx")).exit_code == 4);
    std::filesystem::create_directories(scratch.path() / "empty");
    CHECK(run_mcompress("quantize " + kModel + " --data " + (scratch / "empty") + " -o " + (scratch / "x.onnx")).exit_code == 6);
    CHECK(run_mcompress("optimize " + kModel + " -o " + (scratch / "no/such/folder.onnx")).exit_code == 4);
    CHECK_FALSE(std::filesystem::exists(scratch / "x.onnx"));
}

TEST_CASE("inspect and run report what they see") {
    const ScratchFolder scratch("inspect");
    const CommandResult inspected = run_mcompress("inspect " + kModel + " --json");
    CHECK(inspected.exit_code == 0);
    CHECK(contains(inspected.output, "\"schema\": \"mcompress/inspect\""));
    CHECK(contains(inspected.output, "\"BatchNormalization\""));
    const CommandResult run =
        run_mcompress("run " + kModel + kEvaluation.substr(0, kEvaluation.find(" --labels")) + " --limit 5 -o " + (scratch / "out.npz"));
    INFO(run.errors);
    CHECK(run.exit_code == 0);
    CHECK(contains(run.output, "[5,10]"));
}

TEST_CASE("operators on codes and pairs of quantizers say the same") {
    const ScratchFolder scratch("forms");
    const std::string qdq = scratch / "qdq.onnx", direct = scratch / "direct.onnx", converted = scratch / "converted.onnx";
    REQUIRE(run_mcompress("-q quantize " + kModel + kCalibration + "-o " + qdq).exit_code == 0);
    const CommandResult quantized = run_mcompress("quantize --quant-format qoperator " + kModel + kCalibration + "-o " + direct);
    REQUIRE(quantized.exit_code == 0);
    CHECK(contains(quantized.output, "QLinearConv"));
    const CommandResult there = run_mcompress("convert " + qdq + " --quant-format qoperator -o " + converted);
    REQUIRE(there.exit_code == 0);
    CHECK(contains(there.output, "nodes became operators on codes"));
    for (const std::string& other : {direct, converted}) {
        const CommandResult compared =
            run_mcompress("-q validate " + qdq + " " + other + kEvaluation + "--latency-seconds 0 --min-sqnr 70");
        CHECK(compared.exit_code == 0);
        // oneDNN 3 takes the scales of source, weights and result one after the other, so that a sum halfway between two codes may fall to either.
        CHECK((contains(compared.output, "exact") || DNNL_VERSION_MAJOR >= 3));
    }

    const std::string back = scratch / "back.onnx";
    REQUIRE(run_mcompress("-q convert " + converted + " --quant-format qdq -o " + back).exit_code == 0);
    CHECK(contains(run_mcompress("-q validate " + qdq + " " + back + kEvaluation + "--latency-seconds 0").output, "exact"));
    CHECK(run_mcompress("convert " + kModel + " --quant-format qdq -o " + (scratch / "no.onnx")).exit_code == 2);
    CHECK(run_mcompress("quantize --quant-format qoperator " + kModel + " -o " + (scratch / "no.onnx")).exit_code == 2);
}

TEST_CASE("a quantized model is quantized anew only when asked") {
    const ScratchFolder scratch("requantize");
    const std::string anew = scratch / "anew.onnx";
    for (const std::string& options : {kCalibration, kCalibration + "--quant-format qoperator "}) {
        INFO(options);
        const std::string first = scratch / "first.onnx";
        REQUIRE(run_mcompress("-q quantize --force " + kModel + options + "-o " + first).exit_code == 0);
        const CommandResult refused = run_mcompress("quantize --force " + first + kCalibration + "-o " + anew);
        CHECK(refused.exit_code == 3);
        CHECK(contains(refused.errors, "--requantize"));
        const CommandResult done = run_mcompress("quantize --force --requantize " + first + kCalibration + "-o " + anew);
        INFO(done.errors);
        REQUIRE(done.exit_code == 0);
        CHECK(contains(done.output, "the model was quantized already"));
        CHECK(run_mcompress("-q validate " + kModel + " " + anew + kEvaluation + "--min-agreement 97 --min-sqnr 18").exit_code == 0);
    }
}

TEST_CASE("weights of 4 bits: zero points that ONNX Runtime's kernels take, unless others are asked for") {
    const ScratchFolder scratch("weights");
    const auto made = [&](const std::string& options) {
        const CommandResult result =
            run_mcompress("quantize " + kModel + " --weight-only int4 --block 16 --force -o " + (scratch / "m.onnx") + " " + options);
        INFO(options << ": " << result.errors);
        REQUIRE(result.exit_code == 0);
        return result.output;
    };
    CHECK(contains(made(""), "hqq (1 of them), zero points int"));
    CHECK(contains(made("--zero-points none"), "rtn (1 of them), zero points none"));
    CHECK(contains(made(kCalibration), "gptq (1 of them), zero points int"));
    CHECK_FALSE(contains(made("--zero-points int --rounding hqq"), "zero points in float"));
    const std::string asked_for = made("--rounding hqq");
    CHECK(contains(asked_for, "zero points float"));
    CHECK(contains(asked_for, "--zero-points int is fast there"));
}
