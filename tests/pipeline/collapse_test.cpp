// A front end of spectra and logarithms, which 8 bits destroy: quantize says so, names it and repairs it; a budget is kept or refused.
#include <cmath>
#include <fstream>
#include <numbers>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "pipeline/compress.h"
#include "pipeline/eval_command.h"
#include "pipeline/measure_sensitivity.h"
#include "pipeline/validate_models.h"
#include "quant/target.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLength = 256, kFrame = 32, kBins = 12, kClasses = 10;

template <typename Value> std::string tensor(const std::string& name, const std::string& shape, std::size_t count, Value&& value) {
    std::string text = "  " + name + " = Constant <value = float[" + shape + "] {";
    for (std::size_t at = 0; at < count; ++at) text += (at ? ", " : "") + std::to_string(value(at));
    return text + "}> ()\n";
}

/// Power spectrum by convolutions with cosines and sines, its logarithm, two layers.
std::string network() {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    const auto wave = [](std::size_t at, double phase) {
        const double angle = 2.0 * std::numbers::pi * static_cast<double>((at / kFrame + 1) * (at % kFrame)) / kFrame;
        return std::cos(angle - phase) / kFrame;
    };
    std::string text = "<ir_version: 8, opset_import: [\"\" : 13]>\n g (float[1, 1, 256] x) => (float[1, 10] y) {\n";
    text += tensor("cosines", "12, 1, 32", kBins * kFrame, [&](std::size_t at) { return wave(at, 0.0); });
    text += tensor("sines", "12, 1, 32", kBins * kFrame, [&](std::size_t at) { return wave(at, std::numbers::pi / 2.0); });
    text += tensor("hidden_w", "24, 12", 24 * kBins, [&](std::size_t) { return 0.3 * normal(random); });
    text += tensor("hidden_b", "24", 24, [&](std::size_t) { return 0.3 * normal(random); });
    text += tensor("class_w", "10, 24", kClasses * 24, [&](std::size_t) { return 0.3 * normal(random); });
    return text + R"(  tiny = Constant <value = float {0.000001}> ()
  real = Conv <strides = [32]> (x, cosines)
  imaginary = Conv <strides = [32]> (x, sines)
  real2 = Mul (real, real)
  imaginary2 = Mul (imaginary, imaginary)
  power = Add (real2, imaginary2)
  mean = ReduceMean <axes = [2], keepdims = 0> (power)
  safe = Add (mean, tiny)
  level = Log (safe)
  hidden = Gemm <transB = 1> (level, hidden_w, hidden_b)
  relu = Relu (hidden)
  y = Gemm <transB = 1> (relu, class_w)
})";
}

/// Differences of neighbours in front of a small network: 8 bits for the whole swing of the input leave nothing of them, 16 bits do. All weights are fine in 8.
std::string differences() {
    std::mt19937 random(13);
    std::normal_distribution<double> normal;
    const auto weight = [&](const std::string& name, const std::string& shape, std::size_t count) {
        return tensor(name, shape, count, [&](std::size_t) { return 0.3 * normal(random); });
    };
    std::string text = "<ir_version: 8, opset_import: [\"\" : 13]>\n g (float[1, 1, 256] x) => (float[1, 10] y) {\n";
    text += "  edge = Constant <value = float[1, 1, 2] {1.0, -1.0}> ()\n";
    text += weight("bank", "24, 1, 16", 24 * 16) + weight("hidden_w", "24, 24", 24 * 24) + weight("class_w", "10, 24", kClasses * 24);
    return text + R"(  slope = Conv (x, edge)
  tones = Conv <strides = [8]> (slope, bank)
  rectified = Relu (tones)
  mean = ReduceMean <axes = [2], keepdims = 0> (rectified)
  hidden = Gemm <transB = 1> (mean, hidden_w)
  relu = Relu (hidden)
  y = Gemm <transB = 1> (relu, class_w)
})";
}

/// The same front end as products with a matrix, frame by frame, before a layer of attention over the frames.
std::string transformer() {
    std::mt19937 random(12);
    std::normal_distribution<double> normal;
    constexpr std::size_t kWidth = 16;
    const auto wave = [](std::size_t at, double phase) {
        const double angle = 2.0 * std::numbers::pi * static_cast<double>((at % kBins + 1) * (at / kBins)) / kFrame;
        return std::cos(angle - phase) / kFrame;
    };
    const auto weight = [&](const std::string& name, std::size_t rows, std::size_t columns) {
        return tensor(name, std::to_string(rows) + ", " + std::to_string(columns), rows * columns,
                      [&](std::size_t) { return 0.3 * normal(random); });
    };
    std::string text = "<ir_version: 8, opset_import: [\"\" : 13]>\n g (float[1, 1, 256] x) => (float[1, 10] y) {\n";
    text += tensor("cosines", "32, 12", kBins * kFrame, [&](std::size_t at) { return wave(at, 0.0); });
    text += tensor("sines", "32, 12", kBins * kFrame, [&](std::size_t at) { return wave(at, std::numbers::pi / 2.0); });
    text += tensor("offset", "12", kBins, [](std::size_t bin) { return bin == 0 ? -6.0 : 9.4; });  // decisions are not all the same
    text += weight("in_w", kBins, kWidth) + weight("q_w", kWidth, kWidth) + weight("k_w", kWidth, kWidth) + weight("v_w", kWidth, kWidth) +
            weight("hidden_w", kWidth, 24) + weight("class_w", kClasses, 24);
    return text + R"(  tiny = Constant <value = float {0.000001}> ()
  cut = Constant <value = int64[3] {1, 8, 32}> ()
  quarter = Constant <value = float {0.25}> ()
  frames = Reshape (x, cut)
  real = MatMul (frames, cosines)
  imaginary = MatMul (frames, sines)
  real2 = Mul (real, real)
  imaginary2 = Mul (imaginary, imaginary)
  power = Add (real2, imaginary2)
  safe = Add (power, tiny)
  level = Log (safe)
  centred = Add (level, offset)
  tokens = MatMul (centred, in_w)
  q = MatMul (tokens, q_w)
  k = MatMul (tokens, k_w)
  v = MatMul (tokens, v_w)
  turned = Transpose <perm = [0, 2, 1]> (k)
  scores = MatMul (q, turned)
  scaled = Mul (scores, quarter)
  attention = Softmax (scaled)
  mixed = MatMul (attention, v)
  stream = Add (tokens, mixed)
  pooled = ReduceMean <axes = [1], keepdims = 0> (stream)
  hidden = MatMul (pooled, hidden_w)
  relu = Relu (hidden)
  y = Gemm <transB = 1> (relu, class_w)
})";
}

/// A loud low tone, which all samples share, and quiet noise whose colour tells them apart.
class Sounds : public Dataset {
public:
    std::size_t size() const override { return 100; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index) + 5U);
        std::uniform_real_distribution<double> uniform;
        std::vector<float> values(kLength);
        std::vector<double> quiet(kBins), phase(kBins);
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            quiet[bin] = bin == 0 ? 40.0 : std::pow(10.0, -3.0 + 2.5 * uniform(random));
            phase[bin] = 6.28 * uniform(random);
        }
        for (std::size_t at = 0; at < kLength; ++at)
            for (std::size_t bin = 0; bin < kBins; ++bin)
                values[at] += static_cast<float>(
                    quiet[bin] * std::cos(2.0 * std::numbers::pi * static_cast<double>((bin + 1) * at) / kFrame + phase[bin]));
        return {{"x", Tensor::from_values(Shape{1, 1, kLength}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return "sound " + std::to_string(index); }
};

/// Quiet sounds at levels far apart.
class Levels : public Dataset {
public:
    std::size_t size() const override { return sounds_.size(); }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index) + 900U);
        std::uniform_real_distribution<float> level(-40.0F, 40.0F);
        std::vector<float> values(kLength, level(random));
        std::uniform_real_distribution<float> loudness(0.0F, 0.03F);
        for (std::size_t bin = 1; bin < kBins; ++bin) {
            const float quiet = loudness(random);
            for (std::size_t at = 0; at < kLength; ++at)
                values[at] +=
                    quiet * std::sin(2.0F * std::numbers::pi_v<float> * static_cast<float>(bin * at) / static_cast<float>(kFrame));
        }
        return {{"x", Tensor::from_values(Shape{1, 1, kLength}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return sounds_.sample_name(index); }

private:
    Sounds sounds_;
};

struct Job {
    explicit Job(const std::string& text = network()) : model(folder / "sounds.onnx"), output(folder / "sounds.int8.onnx") {
        emit_model(*parse_model(text), model);
    }

    QuantizeRequest request(Effort effort) const {
        QuantizeRequest request{.model = model, .output = output, .data = &data, .data_name = "sounds", .threads = 2};
        request.scheme.effort = effort;
        return request;
    }

    AccuracyBudget budget(double points, const std::string& metric) const {
        AccuracyBudget budget{.max_drop = points, .metric = metric, .model = model};
        return budget;
    }

    double agreement() const { return agreement(data); }
    double agreement(const Dataset& samples) const {
        const ValidateReport report = validate_models(
            {.reference = model, .candidate = output, .data = &samples, .layer_samples = 0, .latency_seconds = 0.0, .threads = 2});
        return report.fidelity.classification->agreement();
    }

    /// A program for --eval-cmd.
    std::string script(const std::string& body) const {
        const fs::path path = folder / "judge.sh";
        std::ofstream(path) << body << "\n";
        return "/bin/sh " + path.string();
    }

    TemporaryFolder folder;
    fs::path model, output;
    Sounds data;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a collapse is never silent: fast names the front end, balanced puts it back to float") {
    const std::string text = GENERATE(network(), transformer());
    const Job job(text);
    const QuantizeReport fast = quantize_model(job.request(Effort::Fast));
    REQUIRE(fast.self_check);
    INFO(to_text(fast));
    CHECK(fast.self_check->quantized.judged_by_agreement);
    CHECK(fast.self_check->quantized.has_collapsed);
    CHECK_FALSE(fast.self_check->repaired);
    REQUIRE(!fast.self_check->culprits.empty());
    CHECK((contains(fast.self_check->culprits[0], "'x'") || contains(fast.self_check->culprits[0], "'real'") ||
           contains(fast.self_check->culprits[0], "'imaginary'")));
    CHECK(contains(to_text(fast), "collapsed"));
    CHECK(contains(to_json(fast), "\"collapsed\": true"));
    CHECK(job.agreement() < 0.6);

    const QuantizeReport balanced = quantize_model(job.request(Effort::Balanced));
    REQUIRE(balanced.self_check);
    INFO(to_text(balanced));
    CHECK(balanced.self_check->quantized.has_collapsed);
    REQUIRE(balanced.self_check->repaired);
    CHECK_FALSE(balanced.self_check->repaired->has_collapsed);
    CHECK(balanced.quantized_nodes >= 2);  // the layers behind the front end stay in 8 bits
    CHECK(job.agreement() > 0.7);
    bool listed = false;
    for (const Skip& skip : balanced.left_in_float) listed = listed || contains(skip.reason, "the model collapses otherwise");
    CHECK(listed);
}

TEST_CASE("a budget: kept with few nodes in float and proved, or refused without a model") {
    const Job job;
    QuantizeRequest request = job.request(Effort::Fast);
    request.budget = job.budget(10.0, "agreement");
    request.budget->max_float_share = 1.0;
    const QuantizeReport kept = quantize_model(request);
    REQUIRE(kept.budget);
    CHECK(kept.budget->met);
    CHECK(kept.budget->drop_int8 > 40.0);
    CHECK(kept.budget->drop <= 10.0);
    CHECK(100.0 * (1.0 - job.agreement()) == Approx(kept.budget->drop).margin(1.01));
    CHECK(kept.quantized_nodes >= 1);
    REQUIRE(!kept.budget->tries.empty());

    fs::remove(job.output);
    request.budget->max_float_share = 0.0;
    const QuantizeReport refused = quantize_model(request);
    REQUIRE(refused.budget);
    CHECK_FALSE(refused.budget->met);
    CHECK_FALSE(fs::exists(job.output));
    CHECK(contains(to_text(refused), "NOT MET"));
    CHECK(contains(to_text(refused), "imaginary"));

    request.budget = job.budget(100.0, "agreement");
    const QuantizeReport easy = quantize_model(request);
    CHECK(easy.budget->met);
    CHECK(easy.budget->steps.empty());
    CHECK(fs::exists(job.output));
}

TEST_CASE("a budget: values get 16 bits instead of nodes floats where that is enough and the target takes them") {
    const Job job(differences());
    const Levels levels;
    QuantizeRequest request = job.request(Effort::Fast);
    request.data = &levels;
    request.budget = job.budget(10.0, "agreement");
    request.budget->max_float_share = 1.0;
    const QuantizeReport wide = quantize_model(request);
    INFO(to_json(wide));
    REQUIRE(wide.budget->met);
    CHECK(wide.budget->drop <= 10.0);
    CHECK(100.0 * (1.0 - job.agreement(levels)) == Approx(wide.budget->drop).margin(1.01));
    std::size_t steps = 0, quantizers = 0;
    for (const FallbackStep& step : wide.budget->steps) steps += step.wide ? 1U : 0U;
    const auto model = load_model(job.output);
    for (const Node* node : model->graph->order())
        if (node->op_type() == "DequantizeLinear") quantizers += node->input(2)->constant()->dtype() == DType::UInt16 ? 1U : 0U;
    CHECK(steps >= 1);
    CHECK(quantizers >= steps);
    CHECK(wide.budget->wide_macs_share > 0.0);
    CHECK(wide.budget->tries.size() <= 11);
    CHECK(contains(to_text(wide), "16-bit MACs so far"));
    CHECK(contains(to_json(wide), "\"activations\": \"uint16\""));

    // Where nothing may be left in float, 16 bits alone are tried.
    fs::remove(job.output);
    request.budget->max_float_share = 0.0;
    const QuantizeReport without_floats = quantize_model(request);
    INFO(to_json(without_floats));
    REQUIRE(without_floats.budget->met);
    CHECK(without_floats.budget->drop <= 10.0);
    CHECK(without_floats.budget->float_macs_share == 0.0);
    CHECK(without_floats.budget->wide_macs_share > 0.0);
    CHECK(fs::exists(job.output));
    fs::remove(job.output);
    request.budget->max_float_share = 1.0;

    request.scheme = scheme_for(find_target("avx2"));  // bytes only
    request.scheme.effort = Effort::Fast;
    const QuantizeReport bytes = quantize_model(request);
    REQUIRE(bytes.budget->met);
    CHECK(bytes.budget->wide_macs_share == 0.0);
    CHECK(bytes.budget->float_macs_share > wide.budget->float_macs_share);
}

TEST_CASE("a budget by other metrics, and by a command") {
    const Job job;
    QuantizeRequest request = job.request(Effort::Fast);
    for (const std::string metric : {"sqnr", "kl"}) {
        request.budget = job.budget(5.0, metric);
        request.budget->max_float_share = 1.0;
        const QuantizeReport report = quantize_model(request);
        INFO(metric);
        CHECK(report.budget->met);
        CHECK(report.budget->drop <= 5.0);
        CHECK(report.budget->drop_int8 > 5.0);
    }
    // The judge likes files in which a layer of the front end still is float: they are greater.
    const std::uint64_t int8_bytes = [&] {
        request.budget.reset();
        return quantize_model(request).after.bytes;
    }();
    request.budget = job.budget(1.0, "command");
    request.budget->max_float_share = 1.0;
    request.budget->command =
        job.script("echo progress; if [ $(wc -c < \"$1\") -gt " + std::to_string(int8_bytes) + " ]; then echo 0.92; else echo 0.35; fi");
    const QuantizeReport judged = quantize_model(request);
    CHECK(judged.budget->met);
    CHECK(judged.budget->drop_int8 == Approx(57.0));
    CHECK(judged.budget->drop == 0.0);
}

TEST_CASE("--eval-cmd: what it prints, and how it fails") {
    CHECK(accuracy_from("loading\n71.25\n") == 71.25);
    CHECK(accuracy_from("{\"accuracy\": 0.5, \"loss\": 3}") == 0.5);
    CHECK(accuracy_from("{\n \"map\": 0.25\n}\n") == 0.25);
    CHECK_THROWS_AS(accuracy_from("good"), Error);
    CHECK_THROWS_AS(accuracy_from(""), Error);
    CHECK_THROWS_AS(accuracy_from("{\"a\": 1, \"b\": 2}"), Error);
    CHECK_THROWS_AS(run_eval_command("exit 3;", "m.onnx", 10.0), Error);
    CHECK_THROWS_AS(run_eval_command("sleep 20;", "m.onnx", 0.2), Error);
    CHECK(run_eval_command("echo 12.5; true", "m.onnx", 10.0) == 12.5);
}

TEST_CASE("mcompress sensitivity: ranks the front end first, goes on from a state, refuses another's") {
    const Job job;
    SensitivityRequest request{.model = job.model, .data = &job.data, .data_name = "sounds", .metric = "kl", .threads = 2};
    request.state = job.folder / "state.json";
    request.scheme.effort = Effort::Fast;
    const SensitivityReport first = measure_sensitivity(request);
    REQUIRE(!first.ranking.empty());
    CHECK((first.ranking[0].source.name == "real" || first.ranking[0].source.name == "imaginary" || first.ranking[0].source.name == "x"));
    CHECK(first.additivity);
    CHECK(!first.cumulative_sqnr_db.empty());
    std::size_t measured = 0, calibrated = 0;
    request.progress = [&](std::string_view stage, std::size_t done, std::size_t) {
        if (stage == "measuring") measured = std::max(measured, done);
        if (stage == "calibrating") calibrated = std::max(calibrated, done);
    };
    const SensitivityReport again = measure_sensitivity(request);
    CHECK(measured == 0);
    CHECK(calibrated == job.data.size());
    CHECK(to_json(first) == to_json(again));
    request.scheme.exclude = {first.ranking[0].source.units[0]};
    CHECK_THROWS_AS(measure_sensitivity(request), Error);
    std::ofstream(request.state) << "{";
    CHECK_THROWS_AS(measure_sensitivity(request), Error);
}
