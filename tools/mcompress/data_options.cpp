#include "data_options.h"

#include <array>
#include <mutex>

#include "data/cached_dataset.h"
#include "onnx/load.h"
#include "pipeline/check_data.h"
#include "pipeline/open_data.h"
#include "support/format.h"
#include "support/log.h"
#include "support/progress.h"

namespace mcompress {

namespace {

struct ImageOptionRow {
    const char* key;
    const char* help;
};

constexpr std::array<ImageOptionRow, 9> kImageOptions{{
    {"resize", "256 (shorter side), 320x240 (width x height) or none"},
    {"crop", "Part from the centre that is kept: 224, 320x240 or none"},
    {"color", "rgb, bgr or gray"},
    {"filter", "Resampling filter: bilinear, bicubic, nearest, …"},
    {"scale", "Factor for pixel values: 1/255"},
    {"mean", "Subtracted after scaling: one value or one a channel"},
    {"std", "Divided by after that: one value or one a channel"},
    {"layout", "nchw or nhwc (default: what the model's input says)"},
    {"dtype", "float32, float16 or uint8 (default: the model's input)"},
}};

}  // namespace

void add_data_flags(CLI::App& app, DataFlags& flags, DataNeed need) {
    auto* data =
        app.add_option("--data", flags.data, "Samples: .npy, .npz, a folder of pictures, a folder of test_data_set_*, or a=x.npy,b=y.npy");
    if (need == DataNeed::Required) data->required();
    app.add_option("--limit", flags.limit, "Use the first N samples only");
    app.add_option("--samples", flags.samples, "leading: the first axis of an array tells samples apart; whole: an array is one sample")
        ->check(CLI::IsMember({"leading", "whole"}))
        ->capture_default_str();
    app.add_option("--preset", flags.preset, "Preprocessing of pictures: imagenet, imagenet-tf, cifar10, mnist, raw")->group("Pictures");
    for (const ImageOptionRow& row : kImageOptions)
        app.add_option(std::string("--") + row.key, flags.image_options[row.key], row.help)->group("Pictures");
}

std::unique_ptr<Dataset> open_flagged_data(const DataFlags& flags, const std::filesystem::path& model) {
    DataRequest request{
        .path = flags.data, .preset = flags.preset, .image_options = {}, .whole_arrays = flags.samples == "whole", .limit = flags.limit};
    for (const auto& [key, value] : flags.image_options)
        if (!value.empty()) request.image_options.emplace_back(key, value);
    return open_data(request, *load_model(model)->graph);
}

void add_unfit_flag(CLI::App& app, FitnessFlags& flags) {
    app.add_flag(
        "--allow-unfit-data", flags.allow_unfit,
        "Calibrate even on data that looks like noise, has another scale than the model was trained on, repeats itself or is too little");
}

void add_synthetic_flag(CLI::App& app, FitnessFlags& flags) {
    app.add_flag("--synthetic{64}", flags.synthetic,
                 "Calibrate on N made-up pictures (--synthetic=N) that suit the first layer, when there is no data")
        ->force_callback(false)  // CLI11 2.4 counts flags of numbers as given otherwise, even where they are not
        ->excludes(app.get_option("--data"));
}

CalibrationData open_calibration_data(const DataFlags& flags, const FitnessFlags& fitness, const std::filesystem::path& model,
                                      int threads) {
    CalibrationData data;
    if (fitness.synthetic > 0) {
        data.samples = synthetic_data(model, fitness.synthetic, threads);
        data.name = format("{} synthetic pictures", fitness.synthetic);
        data.doubts = {"ranges were found on made-up pictures, not on data: accuracy is not what real samples would give"};
        log_warning("{}", data.doubts.front());
        return data;
    }
    if (flags.data.empty()) return data;
    data.samples = cached(open_flagged_data(flags, model));
    data.name = flags.data;
    for (const DataFinding& finding :
         check_data(model, *data.samples, threads, fitness.allow_unfit ? UnfitData::Allow : UnfitData::Refuse)) {
        log_warning("{} ({})", finding.what, finding.remedy);
        data.doubts.push_back(finding.what);
    }
    return data;
}

std::function<void(std::size_t, std::size_t)> make_progress(std::string what, bool quiet) {
    if (quiet) return {};
    auto printer = std::make_shared<ProgressPrinter>(std::move(what));
    return [printer](std::size_t done, std::size_t total) { printer->update(done, total); };
}

StageProgress make_stage_progress(bool quiet) {
    if (quiet) return {};
    struct Shown {
        std::mutex mutex;
        std::string stage;
        std::unique_ptr<ProgressPrinter> printer;
    };
    const auto shown = std::make_shared<Shown>();
    return [shown](std::string_view stage, std::size_t done, std::size_t total) {
        const std::lock_guard lock(shown->mutex);
        if (done == 0 || shown->stage != stage) {
            shown->stage = stage;
            shown->printer.reset();  // its line ends before the next one begins
            shown->printer = std::make_unique<ProgressPrinter>(shown->stage, ProgressPrinter::Show::WhenLong);
        }
        shown->printer->update(done, total);
    };
}

}  // namespace mcompress
