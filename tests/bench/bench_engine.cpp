// bench_engine MODEL [--data FOLDER] [--input FILE.npy]… [--threads N] [--runs N] [--engine onednn|reference] [--steps] [--serve]
//     [--profile]
// Compiles a model for its inputs (FOLDER/input_i.pb, .npy files in the order of the model's inputs, or zeros), compares with
// FOLDER/output_i.pb where they exist, and times it. --serve reads a number of runs a line and answers with their milliseconds, so that
// two programs can be timed in alternation (against_onnxruntime.py). --profile prints the time of each step and of each kind of step.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include "bench/bench_main.h"
#include "data/npy_file.h"
#include "engine/bind_inputs.h"
#include "engine/engine.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

struct Options {
    std::string model, data, engine = "onednn";
    std::vector<std::string> inputs;
    int threads = 2, runs = 50;
    bool steps = false, serve = false, profile = false;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string word = argv[at];
        const auto next = [&] { return std::string(at + 1 < argc ? argv[++at] : ""); };
        if (word == "--data") options.data = next();
        else if (word == "--input") options.inputs.push_back(next());
        else if (word == "--threads") options.threads = std::stoi(next());
        else if (word == "--runs") options.runs = std::stoi(next());
        else if (word == "--engine") options.engine = next();
        else if (word == "--steps") options.steps = true;
        else if (word == "--profile") options.profile = true;
        else if (word == "--serve") options.serve = true;
        else options.model = word;
    }
    return options;
}

std::vector<Tensor> load_tensors(const std::string& folder, const std::string& kind) {
    std::vector<Tensor> tensors;
    for (int index = 0; !folder.empty(); ++index) {
        const auto path = std::filesystem::path(folder) / (kind + "_" + std::to_string(index) + ".pb");
        if (!std::filesystem::exists(path)) break;
        tensors.push_back(load_tensor(path));
    }
    return tensors;
}

/// What the files give; the model's defaults, or zeros with 1 for unknown dimensions, for the rest.
std::vector<Tensor> make_inputs(const Graph& graph, const Options& options) {
    std::vector<Tensor> inputs = load_tensors(options.data, "input");
    for (const std::string& file : options.inputs) inputs.push_back(read_npy(file));
    for (std::size_t at = inputs.size(); at < graph.inputs().size(); ++at) {
        const Value* input = graph.inputs()[at];
        std::vector<std::int64_t> dims;
        if (!input->default_value())
            for (const Dim& dim : *input->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
        inputs.push_back(input->default_value() ? Tensor{} : Tensor(input->type().dtype, Shape(dims)));
    }
    return inputs;
}

void compare(const Graph& graph, const std::vector<Tensor>& outputs, const std::vector<Tensor>& expected) {
    for (std::size_t at = 0; at < std::min(outputs.size(), expected.size()); ++at) {
        const std::vector<float> a = to_floats(expected[at]), b = to_floats(outputs[at]);
        if (a.size() != b.size()) {
            std::printf("output %s: %s, expected %s\n", graph.outputs()[at]->name().c_str(), outputs[at].shape().to_string().c_str(),
                        expected[at].shape().to_string().c_str());
            continue;
        }
        ErrorMeasure error;
        error.add(a, b);
        std::printf("output %s: relative max error %.3g, SQNR %.1f dB, not finite %zu\n", graph.outputs()[at]->name().c_str(),
                    error.relative_max(), error.sqnr_db(), error.not_finite);
    }
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<double> time_runs(const ExecutionPlan& plan, std::span<const Tensor> inputs, int runs) {
    std::vector<double> times;
    for (int index = 0; index < runs; ++index) {
        const auto start = std::chrono::steady_clock::now();
        plan.run(inputs);
        times.push_back(milliseconds_since(start));
    }
    return times;
}

void serve(const ExecutionPlan& plan, std::span<const Tensor> inputs) {
    for (int runs = 0; std::cin >> runs;) {
        std::printf("[");
        const std::vector<double> times = time_runs(plan, inputs, runs);
        for (std::size_t at = 0; at < times.size(); ++at) std::printf("%s%.6f", at ? "," : "", times[at]);
        std::printf("]\n");
        std::fflush(stdout);
    }
}

void print_steps(const ExecutionPlan& plan) {
    for (const StepInfo& step : plan.steps())
        std::printf("%-40s %-36s %-28s %-22s %lld\n", step.name.c_str(), step.op.c_str(), step.kernel.c_str(), step.precision.c_str(),
                    static_cast<long long>(step.macs));
}

void print_profile(const ExecutionPlan& plan, std::span<const Tensor> inputs, int runs) {
    const std::vector<double> times = plan.time_steps(inputs, runs, StepTiming::InARow);
    std::map<std::string, std::pair<int, double>> kinds;
    double sum = 0.0;
    for (std::size_t at = 0; at < times.size(); ++at) {
        const StepInfo& step = plan.steps()[at];
        std::printf("%9.4f ms %7.1f GOP/s  %-40s %-36s %-28s %s\n", times[at], 2e-6 * static_cast<double>(step.macs) / times[at],
                    step.name.c_str(), step.op.c_str(), step.kernel.c_str(), step.precision.c_str());
        auto& [count, total] = kinds[step.op + " " + step.kernel + " " + step.precision];
        ++count;
        total += times[at];
        sum += times[at];
    }
    for (const auto& [kind, total] : kinds) std::printf("%9.4f ms %5d × %s\n", total.second, total.first, kind.c_str());
    double within_runs = 0.0;
    for (const double time : plan.time_steps(inputs, runs, StepTiming::WithinRuns)) within_runs += time;
    std::printf("%9.4f ms in all; %.4f ms within whole runs\n", sum, within_runs);
}

int run(const Options& options) {
    const auto model = load_model(options.model);
    infer_types(*model->graph);
    const auto engine = options.engine == "reference" ? make_reference_engine() : make_onednn_engine();
    const std::vector<Tensor> inputs = make_inputs(*model->graph, options);
    CompileOptions compile;
    compile.threads = options.threads;
    compile.input_shapes = shapes_given(*model->graph, inputs);
    const auto begin = std::chrono::steady_clock::now();
    const auto plan = engine->compile(*model->graph, compile);
    const double compile_ms = milliseconds_since(begin);
    if (options.steps) print_steps(*plan);
    if (options.profile) print_profile(*plan, inputs, options.runs);
    if (options.serve) return serve(*plan, inputs), 0;
    compare(*model->graph, plan->run(inputs), load_tensors(options.data, "output"));
    std::vector<double> times = time_runs(*plan, inputs, options.runs);
    std::sort(times.begin(), times.end());
    if (!times.empty())
        std::printf("%s: compile %.1f ms, run min %.3f, median %.3f, p90 %.3f ms\n", std::filesystem::path(options.model).stem().c_str(),
                    compile_ms, times.front(), times[times.size() / 2], times[times.size() * 9 / 10]);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] { return run(parse(argc, argv)); });
}
