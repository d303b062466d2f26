// mcompress cluster MODEL --bits N -o OUT
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "enum_option.h"
#include "option_range.h"
#include "output_path.h"
#include "pipeline/cluster_model.h"
#include "report_options.h"
#include "stamp_options.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_cluster(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        ClusterRequest request;
        std::string model;
        std::string output;
        bool packed = false;
        bool force = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("--bits", options->request.options.bits, "At most 2^N levels a weight tensor")
        ->check(in_range(2, 8))
        ->capture_default_str();
    add_enum_option<RowScales>(
        app, "--granularity", options->request.options.row_scales,
        {{"auto", RowScales::Auto}, {"tensor", RowScales::Never}, {"row", RowScales::Always}},
        "tensor: one codebook; row: the same with a scale an output channel; auto: whichever is nearer to the weights (default)");
    app.add_flag("--packed", options->packed, "Two codes a byte (uint4, needs opset 21), for --bits 2 to 4");
    app.add_option("--exclude", options->request.exclude,
                   "Nodes whose weights stay: name, wildcard, /regular expression/, type:Op or a..b");
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.clustered.onnx beside the model)");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    app.add_option("--min-sqnr", options->request.min_sqnr,
                   "Gate: SQNR in dB that every weight keeps, else exit code 1 and nothing is written");
    add_report_flags(app, options->report, ReportKind::Judged);
    return [options, &global] {
        ClusterRequest& request = options->request;
        if (options->packed && request.options.bits > 4)
            throw Error(codes::kUsage, format("--packed stores 4 bits a code, --bits {} needs more", request.options.bits),
                        "give --bits 4 or fewer, or leave --packed out");
        request.options.storage = options->packed ? CodeStorage::Packed : CodeStorage::Bytes;
        request.options.threads = thread_count(global);
        request.options.progress = make_stage_progress(global.quiet);
        request.model = options->model;
        request.output = choose_output(options->output, options->model, ".clustered.onnx",
                                       options->force ? Overwrite::Force : Overwrite::Refuse, global);
        request.stamp = stamp_with(global, {});
        request.planned = planned_files(global);
        const ClusterReport report = cluster_model(request);
        put_report(report, options->report, global);
        if (!report.gates.are_met()) return static_cast<int>(ErrorKind::Gate);
        log_info("wrote {}", request.output.string());
        return 0;
    };
}

}  // namespace mcompress
