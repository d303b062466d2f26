// mcompress validate REFERENCE CANDIDATE --data D [--labels L]
#include <memory>

#include "budget_options.h"
#include "command.h"
#include "data/labels.h"
#include "data_options.h"
#include "pipeline/run_model.h"
#include "pipeline/validate_models.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_validate(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string reference;
        std::string candidate;
        std::string labels;
        DataFlags data;
        double min_agreement = 0.0;
        std::string max_drop;
        double min_sqnr = 0.0;
        std::size_t layer_samples = 16;
        double latency_seconds = 1.0;
        std::string compute = "f32";
        std::string emulate = "none";
        bool steps = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("reference", options->reference, "The model to compare with")->required();
    app.add_option("candidate", options->candidate, "The model to judge")->required();
    add_data_flags(app, options->data, DataNeed::Required);
    app.add_option("--labels", options->labels, "Class of each sample: lines 'file index', or a .npy of integers");
    auto* agreement = app.add_option("--min-agreement", options->min_agreement, "Gate: percent of equal decisions, else exit code 1");
    auto* drop = app.add_option("--max-drop", options->max_drop, "Gate: points of top-1 that may be lost (0.5%), else exit code 1");
    auto* sqnr = app.add_option("--min-sqnr", options->min_sqnr, "Gate: output SQNR in dB, else exit code 1");
    app.add_option("--compute", options->compute, "Type of the candidate's float products: f32, or bf16")->capture_default_str();
    app.add_option("--emulate", options->emulate,
                   "Judge by other kernels' arithmetic: avx2 adds int8 products in 16 bits, with saturation (x86 without VNNI), or none")
        ->check(CLI::IsMember({"none", "avx2"}))
        ->capture_default_str();
    app.add_option("--layer-samples", options->layer_samples, "Samples for the layer comparison (0: none)")->capture_default_str();
    app.add_option("--latency-seconds", options->latency_seconds, "Time to spend on measuring latency (0: none)")->capture_default_str();
    app.add_flag("--steps", options->steps, "Also list the candidate's execution steps");
    add_report_flags(app, options->report, ReportKind::Judged);
    return [=, &global] {
        const auto data = open_flagged_data(options->data, options->reference);
        ValidateRequest request{.reference = options->reference,
                                .candidate = options->candidate,
                                .data = data.get(),
                                .data_name = options->data.data,
                                .layer_samples = options->layer_samples,
                                .latency_seconds = options->latency_seconds,
                                .compute = compute_type(options->compute),
                                .emulate = options->emulate == "avx2" ? EmulatedKernels::Avx2 : EmulatedKernels::None,
                                .threads = thread_count(global),
                                .progress = make_progress("validating", global.quiet)};
        if (!options->labels.empty()) request.labels = load_labels(options->labels, *data);
        if (agreement->count() > 0) request.gates.min_agreement = options->min_agreement;
        if (drop->count() > 0) request.gates.max_drop = points_from(options->max_drop);
        if (sqnr->count() > 0) request.gates.min_sqnr = options->min_sqnr;
        ValidateReport report = validate_models(request);
        if (options->steps) report.step_detail = StepDetail::Shown;
        put_report(report, options->report, global);
        return gates_passed(report) ? 0 : static_cast<int>(ErrorKind::Gate);
    };
}

}  // namespace mcompress
