// bench_engine MODEL [--data FOLDER] [--threads N] [--runs N] [--engine onednn|reference] [--steps] [--profile]
// Compiles a model for the inputs of FOLDER (input_i.pb) or for zeros, compares with output_i.pb where they exist, and times it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "engine/engine.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

struct Options {
    std::string model, data, engine = "onednn";
    int threads = 2, runs = 50;
    bool steps = false;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string word = argv[at];
        const auto next = [&] { return std::string(at + 1 < argc ? argv[++at] : ""); };
        if (word == "--data") options.data = next();
        else if (word == "--threads") options.threads = std::stoi(next());
        else if (word == "--runs") options.runs = std::stoi(next());
        else if (word == "--engine") options.engine = next();
        else if (word == "--steps") options.steps = true;
        else options.model = word;
    }
    return options;
}

std::vector<Tensor> load_tensors(const std::string& folder, const std::string& kind) {
    std::vector<Tensor> tensors;
    for (int index = 0;; ++index) {
        const auto path = std::filesystem::path(folder) / (kind + "_" + std::to_string(index) + ".pb");
        if (!std::filesystem::exists(path)) return tensors;
        tensors.push_back(load_tensor(path));
    }
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

int run(const Options& options) {
    const auto model = load_model(options.model);
    infer_types(*model->graph);
    const auto engine = options.engine == "reference" ? make_reference_engine() : make_onednn_engine();
    CompileOptions compile;
    compile.threads = options.threads;
    std::vector<Tensor> inputs = options.data.empty() ? std::vector<Tensor>{} : load_tensors(options.data, "input");
    for (std::size_t at = inputs.size(); at < model->graph->inputs().size(); ++at) {
        const Value* input = model->graph->inputs()[at];
        std::vector<std::int64_t> dims;
        if (!input->default_value())
            for (const Dim& dim : *input->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
        inputs.push_back(input->default_value() ? *input->default_value() : Tensor(input->type().dtype, Shape(dims)));
    }
    for (std::size_t at = 0; at < inputs.size(); ++at) compile.input_shapes[model->graph->inputs()[at]->name()] = inputs[at].shape();
    const auto begin = std::chrono::steady_clock::now();
    const auto plan = engine->compile(*model->graph, compile);
    const double compile_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    if (options.steps)
        for (const StepInfo& step : plan->steps())
            std::printf("%-40s %-36s %-28s %-22s %lld\n", step.name.c_str(), step.op.c_str(), step.kernel.c_str(), step.precision.c_str(),
                        static_cast<long long>(step.macs));
    compare(*model->graph, plan->run(inputs), options.data.empty() ? std::vector<Tensor>{} : load_tensors(options.data, "output"));
    std::vector<double> times;
    for (int index = 0; index < options.runs; ++index) {
        const auto start = std::chrono::steady_clock::now();
        plan->run(inputs);
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    if (!times.empty())
        std::printf("%s: compile %.1f ms, run min %.3f, median %.3f, p90 %.3f ms\n", std::filesystem::path(options.model).stem().c_str(),
                    compile_ms, times.front(), times[times.size() / 2], times[times.size() * 9 / 10]);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(parse(argc, argv));
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
