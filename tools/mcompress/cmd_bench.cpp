// mcompress bench MODEL…
#include <algorithm>
#include <memory>

#include "command.h"
#include "data_options.h"
#include "option_range.h"
#include "pipeline/bench_models.h"
#include "pipeline/run_model.h"
#include "report_options.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// "input=1x3x224x224"
std::pair<std::string, Shape> parse_shape(const std::string& text) {
    const auto equals = text.rfind('=');
    std::vector<std::int64_t> dims;
    bool fits = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
    for (std::size_t at = equals + 1; fits && at <= text.size();) {
        const std::size_t end = std::min(text.find('x', at), text.size());
        const std::string number = text.substr(at, end - at);
        fits = !number.empty() && number.size() < 10 && number.find_first_not_of("0123456789") == std::string::npos;
        if (fits) dims.push_back(std::stoll(number));
        at = end + 1;
    }
    if (!fits) throw Error(codes::kUsage, format("--shape {}: not of the form name=1x3x224x224", text));
    return {text.substr(0, equals), Shape(std::move(dims))};
}

}  // namespace

CommandRun configure_bench(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::vector<std::string> models;
        std::string opponent;
        std::vector<std::int64_t> batches = {1};
        std::vector<int> thread_counts;
        std::vector<std::string> shapes;
        std::string engine = "onednn";
        std::string compute = "f32";
        DataFlags data;
        double seconds = 2.0;
        bool steps = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("models", options->models, "ONNX models")->required();
    app.add_option("--against", options->opponent, "A model to time in alternation with each of them");
    app.add_option("--batch", options->batches, "Batch sizes: 1,8")->delimiter(',')->check(in_range(1, 1 << 20));
    app.add_option("--thread-counts", options->thread_counts, "Numbers of threads: 1,2 (default: --threads)")
        ->delimiter(',')
        ->check(in_range(1, 1024));
    app.add_option("--shape", options->shapes, "Shape of an input: input=1x3x224x224 (default: 1 for unknown dimensions)");
    app.add_option("--engine", options->engine, "onednn, or reference (slow, exact)")->capture_default_str();
    app.add_option("--compute", options->compute, "Type of float products: f32, or bf16 (faster on AVX512-BF16)")->capture_default_str();
    app.add_option("--seconds", options->seconds, "Time to spend on each row")->capture_default_str()->check(in_range(0.0, 3600.0));
    app.add_flag("--steps", options->steps, "Also list the execution steps with their times");
    add_report_flags(app, options->report);
    add_data_flags(app, options->data, DataNeed::Optional);
    return [options, &global] {
        BenchRequest request;
        request.models.assign(options->models.begin(), options->models.end());
        if (!options->opponent.empty()) request.opponent = options->opponent;
        request.batches = options->batches;
        request.thread_counts = options->thread_counts.empty() ? std::vector<int>{thread_count(global)} : options->thread_counts;
        for (const std::string& text : options->shapes) request.shapes.insert(parse_shape(text));
        request.engine = options->engine;
        request.compute = compute_type(options->compute);
        request.seconds = options->seconds;
        request.step_detail = options->steps ? StepDetail::Shown : StepDetail::Hidden;
        std::unique_ptr<Dataset> data;
        if (!options->data.data.empty()) data = open_flagged_data(options->data, options->models.front());
        request.data = data.get();
        const BenchReport report = bench_models(request);
        put_report(report, options->report, global);
        return 0;
    };
}

}  // namespace mcompress
