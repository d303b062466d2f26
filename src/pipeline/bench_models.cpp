#include "pipeline/bench_models.h"
#include "pipeline/prepare.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>

#include "engine/bind_inputs.h"
#include "ops/infer.h"
#include "pipeline/run_model.h"
#include "support/error.h"
#include "support/nearest.h"
#include "support/saturating.h"

namespace mcompress {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

/// Numbers about as large as normalized data, the same in every run. Integers are 0: a valid index, whatever they index.
Tensor fill(DType dtype, const Shape& shape) {
    Tensor tensor(dtype, shape);
    if (dtype != DType::Float32) return tensor;
    std::uint32_t state = 1;
    float* values = tensor.mutable_data<float>();
    for (std::int64_t at = 0; at < tensor.element_count(); ++at) {
        state = state * 1664525U + 1013904223U;
        values[at] = static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
    }
    return tensor;
}

Tensor repeat(const Tensor& sample, std::int64_t batch) {
    Shape shape = sample.shape();
    shape[0] *= batch;
    Tensor tensor = Tensor::uninitialized(sample.dtype(), shape);
    std::byte* to = tensor.mutable_bytes();
    for (std::int64_t at = 0; at < batch; ++at) to = std::copy_n(sample.bytes(), sample.byte_size(), to);
    return tensor;
}

Shape shape_to_run(const Value& input, std::int64_t batch, const std::map<std::string, Shape>& given) {
    const ValueType& type = input.type();
    if (!type.is_tensor() || type.dtype == DType::String)
        throw Error(codes::kUsage, format("input '{}' is {}", input.name(), type.to_string()), "bench makes numbers only; pass --data");
    const auto found = given.find(input.name());
    if (!type.has_rank() && found == given.end())
        throw Error(codes::kUsage, format("the rank of input '{}' is unknown", input.name()),
                    format("pass --shape {}=1x3x224x224", input.name()));
    std::vector<std::int64_t> dims;
    if (found != given.end()) {
        dims = found->second.dims();
        const bool fits =
            !type.has_rank() || (type.rank() == found->second.rank() &&
                                 std::equal(dims.begin(), dims.end(), type.dims->begin(),
                                            [](std::int64_t extent, const Dim& dim) { return !dim.is_known() || dim.extent() == extent; }));
        if (!fits)
            throw Error(codes::kUsage,
                        format("--shape {} is {}, the model has {}", input.name(), found->second.to_string(), type.to_string()));
        return Shape(std::move(dims));
    }
    for (const Dim& dim : *type.dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
    if (dims.empty() || batch == 1) return Shape(std::move(dims));
    if ((*type.dims)[0].is_known())
        throw Error(codes::kUsage, format("input '{}' has a fixed first dimension of {}", input.name(), dims[0]), "leave --batch out");
    dims[0] = batch;
    return Shape(std::move(dims));
}

struct Loaded {
    std::string path;
    std::unique_ptr<Model> model;

    std::vector<Tensor> inputs(const BenchRequest& request, std::int64_t batch) const {
        const Graph& graph = *model->graph;
        std::vector<Tensor> tensors;
        if (request.data) {
            tensors = bind_inputs(graph, request.data->sample(0));
            for (Tensor& tensor : tensors)
                if (batch > 1 && tensor.defined() && tensor.shape().rank() > 0) tensor = repeat(tensor, batch);
            return tensors;
        }
        for (const auto& [name, shape] : request.shapes)
            if (std::none_of(graph.inputs().begin(), graph.inputs().end(),
                             [&wanted = name](const Value* input) { return input->name() == wanted; }))
                throw Error(codes::kUsage, format("--shape names '{}', which is no input of {}", name, path));
        for (const Value* input : graph.inputs())
            tensors.push_back(input->default_value() ? Tensor{} : fill(input->type().dtype, shape_to_run(*input, batch, request.shapes)));
        return tensors;
    }
};

Loaded load(const std::filesystem::path& path) {
    Loaded loaded{path.string(), load_inlined(path)};
    infer_types(*loaded.model->graph);
    return loaded;
}

struct Compiled {
    std::unique_ptr<ExecutionPlan> plan;
    std::vector<Tensor> inputs;
    double compile_ms = 0.0, first_run_ms = 0.0;
};

Compiled compile(const Engine& engine, const Loaded& loaded, const BenchRequest& request, std::int64_t batch, int threads,
                 ComputeType compute) {
    Compiled compiled;
    compiled.inputs = loaded.inputs(request, batch);
    const Graph& graph = *loaded.model->graph;
    const CompileOptions options{.input_shapes = shapes_given(graph, compiled.inputs), .threads = threads, .compute = compute};
    auto begin = Clock::now();
    compiled.plan = engine.compile(graph, options);
    compiled.compile_ms = milliseconds_since(begin);
    begin = Clock::now();
    compiled.plan->run(compiled.inputs);
    compiled.first_run_ms = milliseconds_since(begin);
    return compiled;
}

void add_steps(const Compiled& compiled, BenchRow& row) {
    constexpr int kRepeats = 15;
    row.steps.assign(compiled.plan->steps().begin(), compiled.plan->steps().end());
    row.step_ms = compiled.plan->time_steps(compiled.inputs, kRepeats, StepTiming::InARow);
    row.step_within_runs_ms = compiled.plan->time_steps(compiled.inputs, kRepeats, StepTiming::WithinRuns);
    for (const double ms : row.step_within_runs_ms) row.steps_within_runs_ms += ms;
    for (const StepInfo& step : row.steps) row.macs = saturating_add(row.macs, step.macs);
    for (std::size_t at = 0; at < row.step_ms.size(); ++at) {
        row.steps_ms += row.step_ms[at];
        if (row.steps[at].op == "Reorder") row.reorders_ms += row.step_ms[at];
    }
}

BenchRow measure(const Engine& engine, const Loaded& loaded, const Loaded* opponent, const BenchRequest& request, std::int64_t batch,
                 int threads) {
    const Compiled compiled = compile(engine, loaded, request, batch, threads, request.compute);
    BenchRow row;
    row.model = loaded.path;
    row.batch = batch;
    row.threads = threads;
    row.compile_ms = compiled.compile_ms;
    row.first_run_ms = compiled.first_run_ms;
    for (std::size_t at = 0; at < compiled.inputs.size(); ++at)
        if (const Tensor& tensor = compiled.inputs[at]; tensor.defined())
            row.inputs.emplace_back(loaded.model->graph->inputs()[at]->name(),
                                    ValueType::tensor(tensor.dtype(), tensor.shape()).to_string());
    std::vector<TimedPlan> plans{{compiled.plan.get(), compiled.inputs}};
    std::optional<Compiled> other;
    if (opponent) other = compile(engine, *opponent, request, batch, threads, ComputeType::Float32);
    if (other) plans.push_back({other->plan.get(), other->inputs});
    const auto times = time_alternating(plans, request.seconds);
    row.latency = summarize_times(times[0]);
    if (other) {
        row.opponent = summarize_times(times[1]);
        row.speedup = median_ratio(times[1], times[0]);
    }
    add_steps(compiled, row);
    return row;
}

}  // namespace

BenchReport bench_models(const BenchRequest& request) {
    BenchReport report;
    report.step_detail = request.step_detail;
    if (request.data && request.data->size() == 0)
        throw Error(codes::kDataEmpty, "there is no sample to run", "pass --data with at least one sample");
    const auto engine = make_engine(request.engine);
    std::optional<Loaded> opponent;
    if (request.opponent) opponent = load(*request.opponent);
    if (opponent) report.opponent = opponent->path;
    std::vector<Loaded> models;
    for (const auto& path : request.models) models.push_back(load(path));
    for (const int threads : request.thread_counts) report.peaks.emplace_back(threads, measure_peak(threads));
    const ContentionProbe probe;
    for (const Loaded& loaded : models)
        for (const std::int64_t batch : request.batches)
            for (const int threads : request.thread_counts)
                report.rows.push_back(
                    with_context([&] { return format("while timing {}", loaded.path); },
                                 [&] { return measure(*engine, loaded, opponent ? &*opponent : nullptr, request, batch, threads); }));
    report.contention = probe.since();
    return report;
}

}  // namespace mcompress
