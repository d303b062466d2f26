// mcompress calibrate MODEL --data D -o table.json
#include <cstdio>
#include <memory>

#include "command.h"
#include "data_options.h"
#include "output_path.h"
#include "pipeline/calibration_file.h"
#include "pipeline/compress.h"
#include "scheme_options.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_calibrate(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string output;
        DataFlags data;
        FitnessFlags fitness;
        SchemeFlags scheme;
        bool force = false;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write the table (default: <model>.calibration.json)");
    add_target_flag(app, options->scheme);
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_data_flags(app, options->data, DataNeed::Required);
    add_unfit_flag(app, options->fitness);
    return [options, &global] {
        const auto output =
            choose_output(options->output, options->model, ".calibration.json", options->force ? Overwrite::Force : Overwrite::Refuse);
        const CalibrationData data = open_calibration_data(options->data, options->fitness, options->model, thread_count(global));
        const QuantizationScheme scheme = flagged_scheme(options->scheme);
        const CalibrationTable table = calibrate_model({.model = options->model,
                                                        .data = data.samples.get(),
                                                        .threads = thread_count(global),
                                                        .progress = make_stage_progress(global.quiet),
                                                        .scheme = scheme});
        save_calibration_table(table, output);
        std::printf("%zu values observed over %llu samples\n", table.values.size(), static_cast<unsigned long long>(table.samples));
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
