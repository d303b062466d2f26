#include "pipeline/validate_models.h"
#include "pipeline/prepare.h"

#include <algorithm>
#include <limits>

#include "engine/bind_inputs.h"
#include "ir/clone.h"
#include "ops/infer.h"
#include "passes/quantize/insert_saturation.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/summarize.h"
#include "support/error.h"

namespace mcompress {

namespace {

std::vector<Gate> check_gates(const ValidationGates& gates, const FidelityResult& fidelity) {
    std::vector<Gate> checked;
    const auto classification = [&](const char* gate) -> const ClassificationResult& {
        if (!fidelity.classification)
            throw Error(codes::kUsage, format("--{} needs a classifier: the first output is not [samples, classes]", gate),
                        "use --min-sqnr");
        return *fidelity.classification;
    };
    if (gates.min_agreement) {
        const double measured = 100.0 * classification("min-agreement").agreement();
        checked.push_back({"min-agreement", *gates.min_agreement, measured, measured >= *gates.min_agreement});
    }
    if (gates.max_drop) {
        const ClassificationResult& result = classification("max-drop");
        if (!result.has_labels) throw Error(codes::kUsage, "--max-drop needs labels", "pass --labels, or use --min-agreement");
        const double drop = result.top1_drop();
        checked.push_back({"max-drop", *gates.max_drop, drop, drop <= *gates.max_drop});
    }
    if (gates.min_sqnr) {
        double worst = std::numeric_limits<double>::infinity();
        for (const OutputFidelity& output : fidelity.outputs)
            worst = std::min(worst, output.measure.not_finite > 0 ? -std::numeric_limits<double>::infinity() : output.measure.sqnr_db());
        checked.push_back({"min-sqnr", *gates.min_sqnr, worst, worst >= *gates.min_sqnr});
    }
    return checked;
}

// Both plans on the first sample, with all threads.
void measure_speed(const Engine& engine, const Graph& reference, const Graph& candidate, const Sample& sample,
                   const ValidateRequest& request, ValidateReport& report) {
    const auto compile = [&](const Graph& graph, const std::vector<Tensor>& inputs, ComputeType compute) {
        return engine.compile(graph, {.input_shapes = shapes_given(graph, inputs), .threads = request.threads, .compute = compute});
    };
    const auto reference_inputs = bind_inputs(reference, sample);
    const auto candidate_inputs = bind_inputs(candidate, sample);
    const auto reference_plan = compile(reference, reference_inputs, ComputeType::Float32);
    const auto candidate_plan = compile(candidate, candidate_inputs, request.compute);
    report.candidate_steps = summarize_steps(*candidate_plan);
    if (request.latency_seconds <= 0.0) return;
    report.latency_threads = request.threads;
    const ContentionProbe probe;
    report.latency = measure_latency(*reference_plan, reference_inputs, *candidate_plan, candidate_inputs, request.latency_seconds);
    report.contention = probe.since();
}

}  // namespace

namespace {

/// A copy of the candidate that computes as kernels with 16-bit sums do.
std::unique_ptr<Graph> emulate_avx2(const Graph& candidate, ValidateReport& report) {
    std::unique_ptr<Graph> emulated = clone(candidate);
    PassResult result = make_insert_saturation()->run(*emulated);
    report.emulated = summarize_saturation(candidate).value_or(SaturationSummary{});
    report.emulated->emulated_products = result.rewrites;
    report.emulated->not_emulated = std::move(result.skipped);
    if (result.rewrites > 0) infer_types(*emulated);
    return emulated;
}

}  // namespace

ValidateReport validate_models(const ValidateRequest& request) {
    ValidateReport report;
    report.data = request.data_name;
    // Outputs are compared with those of the model as it came. Layers are matched by the names of the fused graph, which is also the fair
    // opponent in speed: nobody runs a network unfused.
    std::vector<PassRun> ignored;
    const auto original = load_inlined(request.reference);
    const auto reference = load_prepared(request.reference, ignored);
    const auto candidate = load_inlined(request.candidate);
    infer_types(*original->graph);
    infer_types(*candidate->graph);
    report.reference = summarize(*original, request.reference);
    report.candidate = summarize(*candidate, request.candidate);

    const auto engine = make_onednn_engine();
    if (!request.labels.empty() && request.labels.size() != request.data->size())
        throw Error(codes::kLabelsMismatch, format("{} labels for {} samples", request.labels.size(), request.data->size()),
                    "each sample needs one label");
    const FixedBatch batch = fit_batch(*original->graph, *request.data, LastBatch::LeaveOut);
    const Dataset& data = *batch.samples;
    FidelityOptions options{.threads = request.threads, .labels = request.labels, .progress = request.progress};
    options.candidate_compute = request.compute;
    if (!request.labels.empty()) {
        options.labels_per_sample = batch.size;
        options.labels = options.labels.first(data.size() * batch.size);
    }
    std::unique_ptr<Graph> emulated;
    if (request.emulate == EmulatedKernels::Avx2) emulated = emulate_avx2(*candidate->graph, report);
    const Graph& judged = emulated ? *emulated : *candidate->graph;
    report.fidelity = measure_fidelity(*engine, *original->graph, judged, data, options);
    report.layer_samples = std::min(request.layer_samples, data.size());
    if (report.layer_samples > 0)
        report.layers = measure_layers(*engine, *reference->graph, judged, data, report.layer_samples, request.threads, request.compute);
    measure_speed(*engine, *reference->graph, *candidate->graph, data.sample(0), request, report);
    report.gates = check_gates(request.gates, report.fidelity);
    return report;
}

bool gates_passed(const ValidateReport& report) {
    return std::all_of(report.gates.begin(), report.gates.end(), [](const Gate& gate) { return gate.passed; });
}

}  // namespace mcompress
