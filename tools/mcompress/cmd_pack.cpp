// mcompress pack MODEL -o OUT.mcz, and mcompress unpack ARCHIVE -o OUT.onnx
#include <memory>

#include "command.h"
#include "option_range.h"
#include "output_path.h"
#include "pipeline/pack_model.h"
#include "report_options.h"
#include "support/log.h"

namespace mcompress {

namespace {

struct Options {
    std::string input;
    std::string output;
    PackOptions pack;
    UnpackOptions unpack;
    bool force = false;
    ReportFlags report;

    Overwrite overwrite() const { return force ? Overwrite::Force : Overwrite::Refuse; }
};

}  // namespace

CommandRun configure_pack(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    app.add_option("model", options->input, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.mcz beside the model)");
    app.add_option("--level", options->pack.level, "Effort of zstd")->check(in_range(1, 22))->capture_default_str();
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto output = choose_output(options->output, options->input, ".mcz", options->overwrite());
        options->pack.threads = thread_count(global);
        put_report(pack_model(options->input, output, options->pack), options->report, global);
        log_info("wrote {}", output.string());
        return 0;
    };
}

CommandRun configure_unpack(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    app.add_option("archive", options->input, "Archive that mcompress pack wrote")->required();
    app.add_option("-o,--output", options->output,
                   "Where to write the model (default: <archive>.onnx beside the archive); its data files go beside it");
    app.add_option("--max-bytes", options->unpack.max_bytes, "Most bytes that may be written")->capture_default_str();
    app.add_flag("--force", options->force, "Overwrite existing files");
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto output = choose_output(options->output, options->input, ".onnx", options->overwrite());
        for (const auto& path : unpacked_paths(options->input, output)) check_output(path, options->overwrite());
        put_report(unpack_model(options->input, output, options->unpack), options->report, global);
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
