// bench_calibration MODEL DATA [--preset NAME] [--threads N] [--rounds N]
// What the statistics of a calibration cost: running a model's samples (decoded beforehand, from memory) against calibrating on them, taking
// turns, the fastest round of each. Both include the compilation of the plan.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "calibrate/calibrator.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "passes/pipelines.h"
#include "pipeline/compress.h"
#include "pipeline/open_data.h"
#include "support/parallel.h"

using namespace mcompress;

namespace {

struct Options {
    std::string model;
    DataRequest data;
    int threads = 2;
    int rounds = 7;
};

Options parse(int argc, char** argv) {
    Options options;
    std::vector<std::string> words(argv + 1, argv + argc);
    for (std::size_t at = 0; at < words.size(); ++at) {
        const auto next = [&] { return at + 1 < words.size() ? words[++at] : std::string(); };
        if (words[at] == "--preset") options.data.preset = next();
        else if (words[at] == "--threads") options.threads = std::stoi(next());
        else if (words[at] == "--rounds") options.rounds = std::stoi(next());
        else (options.model.empty() ? options.model : options.data.path) = words[at];
    }
    return options;
}

/// Samples that were read once.
class InMemory final : public Dataset {
public:
    explicit InMemory(const Dataset& source) {
        for (std::size_t index = 0; index < source.size(); ++index) samples_.push_back(source.sample(index));
    }
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override { return samples_[index]; }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }

private:
    std::vector<Sample> samples_;
};

void run_all(const Graph& graph, const Engine& engine, const Dataset& data, int threads) {
    PlanCache plans(engine, graph, CompileOptions{.threads = 1});
    parallel_for(data.size(), threads, [&](int, std::size_t index) {
        const std::vector<Tensor> inputs = bind_inputs(graph, data.sample(index));
        plans.plan_for(inputs)->run(inputs);
    });
}

struct Times {
    double wall = 1e300;
    double processor = 1e300;  // of all threads: what a machine with other work tells best

    template <class Action> void measure(const Action& action) {
        const std::clock_t processor_begin = std::clock();
        const auto begin = std::chrono::steady_clock::now();
        action();
        wall = std::min(wall, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
        processor = std::min(processor, 1e3 * static_cast<double>(std::clock() - processor_begin) / CLOCKS_PER_SEC);
    }
};

int run(const Options& options) {
    std::vector<PassRun> passes;
    const auto plain = load_prepared(options.model, passes);
    const auto observed = load_prepared(options.model, passes);
    run_pipeline("observe", *observed->graph, {});
    const InMemory data(*open_data(options.data, *plain->graph));
    const auto engine = make_onednn_engine();

    Times running, calibrating;
    for (int round = 0; round < options.rounds; ++round) {
        running.measure([&] { run_all(*plain->graph, *engine, data, options.threads); });
        calibrating.measure([&] { calibrate(*observed->graph, *engine, data, {.threads = options.threads}); });
    }
    std::printf("%zu samples, %d threads: run %.0f ms, calibrate %.0f ms, ratio %.2f; of processor time %.0f, %.0f ms, ratio %.2f\n",
                data.size(), options.threads, running.wall, calibrating.wall, calibrating.wall / running.wall, running.processor,
                calibrating.processor, calibrating.processor / running.processor);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] { return run(parse(argc, argv)); });
}
