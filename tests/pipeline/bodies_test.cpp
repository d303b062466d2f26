// Models with If, Loop, Scan and recurrent operators through optimize and quantize: what is quantized, what stays float and why, and how close
// the outputs stay.
#include <algorithm>
#include <cmath>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/dataset.h"
#include "engine/bind_inputs.h"
#include "engine/engine.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "pipeline/calibration_file.h"
#include "pipeline/compress.h"
#include "support/format.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

/// "name = Constant <value = float[…] {…}> ()" with normal numbers of deviation 1 / sqrt(fan_in).
std::string weight(const std::string& name, const Shape& shape, std::int64_t fan_in) {
    std::mt19937 random(static_cast<unsigned>(std::hash<std::string>{}(name)));
    std::normal_distribution<float> normal(0.0F, 1.0F / std::sqrt(static_cast<float>(fan_in)));
    std::string text = name + " = Constant <value = float" + shape.to_string() + " {";
    for (std::int64_t at = 0; at < shape.element_count(); ++at) text += format("{}{:.6f}", at > 0 ? ", " : "", normal(random));
    return text + "}> ()\n";
}

/// Samples of named tensors; shapes may differ.
class Samples : public Dataset {
public:
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override { return samples_.at(index); }
    std::string sample_name(std::size_t index) const override { return format("sample[{}]", index); }
    void add(Sample sample) { samples_.push_back(std::move(sample)); }

private:
    std::vector<Sample> samples_;
};

Tensor noise(const Shape& shape, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Tensor tensor(DType::Float32, shape);
    for (std::int64_t at = 0; at < tensor.element_count(); ++at) tensor.mutable_data<float>()[at] = normal(random);
    return tensor;
}

struct Job {
    explicit Job(const std::string& body) {
        const auto model = parse_model("<ir_version: 8, opset_import: [\"\" : 13]>\n" + body);
        emit_model(*model, folder / "model.onnx");
    }

    QuantizeReport quantize(const Dataset& data, const std::string& name = "int8.onnx", int threads = 1,
                            Effort effort = Effort::Balanced) const {
        return quantize_model(
            {.model = folder / "model.onnx", .output = folder / name, .scheme = {.effort = effort}, .data = &data, .threads = threads});
    }

    TemporaryFolder folder;
};

/// The least signal to noise ratio over all outputs, in dB, against the model as it came.
double least_sqnr(const Job& job, const std::string& candidate, const Dataset& data) {
    const auto engine = make_reference_engine();
    std::vector<std::vector<Tensor>> results[2];
    for (const int which : {0, 1}) {
        const auto model = load_model(job.folder / (which == 0 ? std::string("model.onnx") : candidate));
        infer_types(*model->graph);
        for (std::size_t index = 0; index < data.size(); ++index) {
            const std::vector<Tensor> inputs = bind_inputs(*model->graph, data.sample(index));
            CompileOptions options;
            for (std::size_t at = 0; at < inputs.size(); ++at)
                options.input_shapes[model->graph->inputs()[at]->name()] = inputs[at].shape();
            results[which].push_back(engine->compile(*model->graph, options)->run(inputs));
        }
    }
    double least = 1e9;
    for (std::size_t output = 0; output < results[0][0].size(); ++output) {
        ErrorMeasure measure;
        for (std::size_t index = 0; index < data.size(); ++index)
            measure.add(to_floats(results[0][index][output]), to_floats(results[1][index][output]));
        REQUIRE(measure.not_finite == 0);
        if (measure.max_absolute > 0.0) least = std::min(least, measure.sqnr_db());
    }
    return least;
}

std::string reason_of(const QuantizeReport& report, const std::string& node) {
    for (const Skip& skip : report.left_in_float)
        if (skip.node == node) return skip.reason;
    return "";
}

/// A convolution whose result both branches read, and convolutions in the branches.
std::string branches() {
    return "g (float[1,4,N] x, bool c) => (float[1,M,N] y) {\n" + weight("w0", {8, 4, 3}, 12) + R"(
        a = Conv <pads = [1, 1]> (x, w0)
        r = Relu (a)
        y = If (c) <
            then_branch = t () => (float[1,6,N] ty) {
)" + weight("w1", {8, 8, 3}, 24) +
           weight("w2", {6, 8, 1}, 8) + R"(
                p = Conv <pads = [1, 1]> (r, w1)
                q = Relu (p)
                ty = Conv (q, w2)
            },
            else_branch = e () => (float[1,5,N] ey) {
)" + weight("w3", {5, 8, 1}, 8) +
           R"(
                s = Conv (r, w3)
                ey = Sigmoid (s)
            }>
    })";
}

Samples branch_samples(std::initializer_list<bool> conditions) {
    Samples samples;
    unsigned seed = 1;
    for (const bool condition : conditions)
        samples.add({{"x", noise({1, 4, 10 + static_cast<std::int64_t>(seed)}, seed)}, {"c", Tensor::scalar(condition)}}), ++seed;
    return samples;
}

}  // namespace

TEST_CASE("branches of an If are quantized") {
    const Job job(branches());
    const Samples data = branch_samples({true, false, true, true, false});
    const QuantizeReport report = job.quantize(data);
    CHECK(report.compute_nodes == 4);
    CHECK(report.quantized_nodes == 4);
    CHECK(reason_of(report, "y").empty());  // an If computes nothing itself
    CHECK(least_sqnr(job, "int8.onnx", data) > 30.0);

    // The statistics of values in bodies survive their file, and threads change no byte.
    save_calibration_table(calibrate_model({.model = job.folder / "model.onnx", .data = &data}), job.folder / "table.json");
    quantize_model({.model = job.folder / "model.onnx", .output = job.folder / "again.onnx", .calibration = job.folder / "table.json"});
    job.quantize(data, "threads.onnx", 4);
    job.quantize(data, "statistics.onnx", 1, Effort::Fast);  // nothing but statistics decides, as with a table
    CHECK(read_file(job.folder / "again.onnx") == read_file(job.folder / "statistics.onnx"));
    CHECK(read_file(job.folder / "threads.onnx") == read_file(job.folder / "int8.onnx"));

    const QuantizeReport weights_only = quantize_model({.model = job.folder / "model.onnx", .output = job.folder / "w8.onnx"});
    CHECK(weights_only.quantized_nodes == 4);
    CHECK(least_sqnr(job, "w8.onnx", data) > 35.0);

    optimize_model(job.folder / "model.onnx", job.folder / "optimized.onnx");
    CHECK(least_sqnr(job, "optimized.onnx", data) > 120.0);
}

TEST_CASE("a branch that calibration never took stays float") {
    const Job job(branches());
    const QuantizeReport report = job.quantize(branch_samples({true, true}));
    CHECK(report.compute_nodes == 4);
    CHECK(report.quantized_nodes == 3);
    CHECK(reason_of(report, "s") == "calibration never ran the body that it is in");
    const Samples all = branch_samples({true, false, true});
    CHECK(least_sqnr(job, "int8.onnx", all) > 25.0);
}

TEST_CASE("weights that branches have copies of are stored once, as floats and as codes") {
    const std::string weights = weight("W", {32, 64}, 32), other = weight("V", {64, 8}, 64);
    const Job job("g (float[1,32] x, bool c) => (float[1,8] y) { y = If (c) <then_branch = t () => (float[1,8] ty) {\n" + weights + other +
                  "p = MatMul (x, W)\n q = Relu (p)\n ty = MatMul (q, V) }, else_branch = e () => (float[1,8] ey) {\n" + weights +
                  // The same name for something else.
                  "V = Constant <value_float = 0.5> ()\n" + weight("U", {64, 8}, 64) +
                  "r = MatMul (x, W)\n s = Mul (r, V)\n ey = MatMul (s, U) }> }");
    Samples data;
    for (unsigned seed = 1; seed <= 8; ++seed) data.add({{"x", noise({1, 32}, seed)}, {"c", Tensor::scalar(seed % 2 == 0)}});
    const OptimizeReport optimized = optimize_model(job.folder / "model.onnx", job.folder / "optimized.onnx");
    CHECK(optimized.after.cost.parameter_bytes < (32 * 64 + 2 * 64 * 8 + 8) * 4);
    CHECK(least_sqnr(job, "optimized.onnx", data) > 120.0);
    const QuantizeReport report = job.quantize(data);
    CHECK(report.quantized_nodes == 4);
    CHECK(report.after.cost.parameter_bytes < 32 * 64 + 2 * 64 * 8 + 1200);
    CHECK(least_sqnr(job, "int8.onnx", data) > 30.0);
}

TEST_CASE("in a Loop only what does not depend on the round before is quantized") {
    const Job job("g (float[1,6] x, int64 n) => (float[1,8] h, float[K,1,8] all) {\n" + weight("start", {1, 8}, 1) + R"(
        t = Constant <value = bool {1}> ()
        h, all = Loop (n, t, start) <body = b (int64 i, bool go, float[1,8] before) => (bool on, float[1,8] after, float[1,8] seen) {
)" + weight("V", {6, 8}, 6) +
                  weight("W", {8, 8}, 8) +
                  R"(
            on = Identity (go)
            fresh = MatMul (x, V)
            old = MatMul (before, W)
            sum = Add (fresh, old)
            after = Tanh (sum)
            seen = Identity (after)
        }>
    })");
    Samples data;
    for (unsigned seed = 1; seed <= 6; ++seed) data.add({{"x", noise({1, 6}, seed)}, {"n", Tensor::scalar<std::int64_t>(2 + seed)}});
    const QuantizeReport report = job.quantize(data);
    CHECK(report.compute_nodes == 2);
    CHECK(report.quantized_nodes == 1);
    CHECK(reason_of(report, "old") == "errors of 8 bits add up over the rounds of a loop");
    CHECK(least_sqnr(job, "int8.onnx", data) > 30.0);
    optimize_model(job.folder / "model.onnx", job.folder / "optimized.onnx");
    CHECK(least_sqnr(job, "optimized.onnx", data) > 120.0);

    Samples none;  // the body never runs
    none.add({{"x", noise({1, 6}, 1)}, {"n", Tensor::scalar<std::int64_t>(0)}});
    const QuantizeReport unseen = job.quantize(none, "unseen.onnx");
    CHECK(unseen.quantized_nodes == 0);
    CHECK(reason_of(unseen, "fresh") == "calibration never ran the body that it is in");
}

TEST_CASE("a Scan with an If inside is quantized where the scanned slices go") {
    const Job job("g (float[T,1,6] x, float[1,8] first) => (float[1,8] last, float[T,1,8] all) {\n" + weight("V", {6, 8}, 6) +
                  weight("U", {6, 8}, 6) + weight("W", {8, 8}, 8) + R"(
        last, all = Scan (first, x) <num_scan_inputs = 1,
            body = b (float[1,8] before, float[1,6] slice) => (float[1,8] after, float[1,8] seen) {
                mean = ReduceMean <keepdims = 0> (slice)
                zero = Constant <value = float {0}> ()
                c = Greater (mean, zero)
                fresh = If (c) <
                    then_branch = t () => (float[1,8] f) { f = MatMul (slice, V) },
                    else_branch = e () => (float[1,8] k) { k = MatMul (slice, U) }>
                old = MatMul (before, W)
                sum = Add (fresh, old)
                after = Tanh (sum)
                seen = Identity (after)
            }>
    })");
    Samples data;
    for (unsigned seed = 1; seed <= 6; ++seed) data.add({{"x", noise({3 + seed, 1, 6}, seed)}, {"first", noise({1, 8}, seed + 20)}});
    const QuantizeReport report = job.quantize(data);
    CHECK(report.compute_nodes == 3);
    CHECK(report.quantized_nodes == 2);
    CHECK(reason_of(report, "old") == "errors of 8 bits add up over the rounds of a loop");
    CHECK(least_sqnr(job, "int8.onnx", data) > 30.0);
}

TEST_CASE("recurrent operators stay float, what surrounds them is quantized") {
    const Job job("g (float[T,N,6] x) => (float[T,N,3] y) {\n" + weight("E", {6, 6}, 6) + weight("W", {2, 32, 6}, 6) +
                  weight("R", {2, 32, 8}, 8) + weight("B", {2, 64}, 8) + weight("GW", {1, 12, 16}, 16) + weight("GR", {1, 12, 4}, 4) +
                  weight("F", {4, 3}, 4) + R"(
        e = MatMul (x, E)
        l = LSTM <direction = "bidirectional", hidden_size = 8> (e, W, R, B)
        lt = Transpose <perm = [0, 2, 1, 3]> (l)
        shape = Constant <value = int64[3] {0, 0, -1}> ()
        lr = Reshape (lt, shape)
        u = GRU <hidden_size = 4> (lr, GW, GR)
        axis = Constant <value = int64[1] {1}> ()
        us = Squeeze (u, axis)
        y = MatMul (us, F)
    })");
    Samples data;
    for (unsigned seed = 1; seed <= 6; ++seed) data.add({{"x", noise({2 + seed, 1 + seed % 3, 6}, seed)}});
    const QuantizeReport report = job.quantize(data);
    CHECK(report.compute_nodes == 4);
    CHECK(report.quantized_nodes == 2);
    CHECK(reason_of(report, "l") == "errors of 8 bits add up over the steps of a recurrent operator");
    CHECK(reason_of(report, "u") == "errors of 8 bits add up over the steps of a recurrent operator");
    CHECK(least_sqnr(job, "int8.onnx", data) > 30.0);
    optimize_model(job.folder / "model.onnx", job.folder / "optimized.onnx");
    CHECK(least_sqnr(job, "optimized.onnx", data) > 120.0);
}
