// bench_shapes MODEL --vary DIM [--vary DIM …] [--fix DIM=N …] [--count N] [--from N] [--step N] [--engine onednn|reference]
// Compiles one model for many input shapes, keeps every plan, and prints what a new shape costs in time and in resident memory. Dimensions that
// are neither varied nor fixed are 1.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

#include "bench/bench_main.h"
#include "engine/engine.h"
#include "onnx/load.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

struct Options {
    std::string model, engine = "onednn";
    std::set<std::string> varied;
    std::map<std::string, std::int64_t> fixed;
    std::int64_t count = 40, from = 16, step = 3;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string word = argv[at];
        const auto next = [&] { return std::string(at + 1 < argc ? argv[++at] : ""); };
        if (word == "--vary") {
            options.varied.insert(next());
        } else if (word == "--fix") {
            const std::string pair = next();
            options.fixed[pair.substr(0, pair.find('='))] = std::stoll(pair.substr(pair.find('=') + 1));
        } else if (word == "--count") {
            options.count = std::stoll(next());
        } else if (word == "--from") {
            options.from = std::stoll(next());
        } else if (word == "--step") {
            options.step = std::stoll(next());
        } else if (word == "--engine") {
            options.engine = next();
        } else {
            options.model = word;
        }
    }
    return options;
}

double resident_megabytes() {
    std::ifstream file("/proc/self/statm");
    long total = 0, resident = 0;
    file >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

std::vector<Tensor> zeros(const Graph& graph, const Options& options, std::int64_t length) {
    std::vector<Tensor> inputs;
    for (const Value* input : graph.inputs()) {
        std::vector<std::int64_t> dims;
        for (const Dim& dim : *input->type().dims) {
            const std::string name = dim.is_known() ? "" : dim.symbol();
            if (dim.is_known()) dims.push_back(dim.extent());
            else if (options.varied.contains(name)) dims.push_back(length);
            else dims.push_back(options.fixed.contains(name) ? options.fixed.at(name) : 1);
        }
        inputs.push_back(Tensor(input->type().dtype, Shape(dims)));
    }
    return inputs;
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int run(const Options& options) {
    const auto model = load_model(options.model);
    infer_types(*model->graph);
    const auto engine = options.engine == "reference" ? make_reference_engine() : make_onednn_engine();
    std::vector<std::unique_ptr<ExecutionPlan>> plans;
    std::vector<double> compile_ms, run_ms;
    double after_first = 0.0;
    for (std::int64_t index = 0; index < options.count; ++index) {
        const std::vector<Tensor> inputs = zeros(*model->graph, options, options.from + index * options.step);
        CompileOptions compile;
        for (std::size_t at = 0; at < inputs.size(); ++at) compile.input_shapes[model->graph->inputs()[at]->name()] = inputs[at].shape();
        auto start = std::chrono::steady_clock::now();
        plans.push_back(engine->compile(*model->graph, compile));
        compile_ms.push_back(milliseconds_since(start));
        start = std::chrono::steady_clock::now();
        plans.back()->run(inputs);
        run_ms.push_back(milliseconds_since(start));
        if (index == 0) after_first = resident_megabytes();
    }
    const double first = compile_ms.front(), first_run = run_ms.front();
    std::sort(compile_ms.begin(), compile_ms.end());
    std::sort(run_ms.begin(), run_ms.end());
    const double growth = options.count > 1 ? (resident_megabytes() - after_first) / static_cast<double>(options.count - 1) : 0.0;
    std::printf(
        "%lld shapes: compile first %.1f ms, median %.1f ms, least %.1f ms; run first %.1f ms, median %.1f ms; memory after the first "
        "%.1f MB, then %.2f MB a shape\n",
        static_cast<long long>(options.count), first, compile_ms[compile_ms.size() / 2], compile_ms.front(), first_run,
        run_ms[run_ms.size() / 2], after_first, growth);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] { return run(parse(argc, argv)); });
}
