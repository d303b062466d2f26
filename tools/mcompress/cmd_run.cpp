// mcompress run MODEL --data D -o out.npz
#include <cstdio>
#include <memory>

#include "command.h"
#include "data/npz_file.h"
#include "data_options.h"
#include "output_path.h"
#include "pipeline/run_model.h"
#include "report/text_table.h"
#include "support/log.h"
#include "tensor/compare.h"

namespace mcompress {

CommandRun configure_run(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string output;
        std::string engine = "onednn";
        std::string compute = "f32";
        DataFlags data;
        bool force = false;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write the outputs (.npz)")->required();
    app.add_option("--engine", options->engine, "onednn, or reference (slow, exact)")->capture_default_str();
    app.add_option("--compute", options->compute, "Type of float products: f32, or bf16 (faster on AVX512-BF16)")->capture_default_str();
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_data_flags(app, options->data, DataNeed::Required);
    return [options, &global] {
        check_output(options->output, options->force ? Overwrite::Force : Overwrite::Refuse);
        const auto data = open_flagged_data(options->data, options->model);
        const auto outputs = run_model({.model = options->model,
                                        .data = data.get(),
                                        .engine = options->engine,
                                        .compute = compute_type(options->compute),
                                        .threads = thread_count(global),
                                        .progress = make_progress("running", global.quiet)});
        write_npz(options->output, outputs);
        TextTable table({{"output", Align::Left}, {"type", Align::Left}, {"shape", Align::Left}});
        for (const auto& [name, tensor] : outputs)
            table.add_row({name, std::string(dtype_name(tensor.dtype())), tensor.shape().to_string()});
        std::fputs(table.to_string().c_str(), stdout);
        log_info("wrote {}", options->output);
        return 0;
    };
}

}  // namespace mcompress
