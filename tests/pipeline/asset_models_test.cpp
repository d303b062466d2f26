// Every real model through optimize, quantize and validate: each finishes, says why what stays in float does, and stays close to fp32.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "fixtures/assets.h"
#include "onnx/load.h"
#include "pipeline/compress.h"
#include "pipeline/open_data.h"
#include "pipeline/validate_models.h"
#include "support/error.h"
#include "support/format.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

struct Row {
    std::string model;
    std::string data = {};  // below the assets; empty: the stored inputs, which are noise
    std::string preset = {};
    Options image_options = {};
    double int8_db = 0.0;     // least SQNR over all outputs
    double weights_db = 0.0;  // with activations in float
};

constexpr std::array<std::string_view, 7> kComputes{"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"};

const std::string kCoco = "data/coco_train64", kFlowers = "data/flowers/calib", kImageNet = "data/imagenet/calib";

Options sized(const std::string& size, Options more = {}) {
    more.insert(more.begin(), {"resize", size});
    return more;
}
const Options kCentred{{"mean", "127.5"}, {"std", "127.5"}};
const Options kTorch{{"scale", "1/255"}, {"mean", "0.485,0.456,0.406"}, {"std", "0.229,0.224,0.225"}};

/// Bounds lie 3 dB below what was measured. Where nobody could tell fp32 and int8 apart by eye they are near 30; picodet and yolox lose more than that
/// with one range a tensor in any runtime (ONNX Runtime's outputs of these files equal ours), and noise as input is harder than pictures. The
/// float16 model stays as it is: everything equal.
const std::vector<Row>& rows() {
    static const std::vector<Row> kRows = {
        {.model = "basic_pitch_nmp", .int8_db = 18, .weights_db = 19},
        {.model = "deeplabv3_mnv2_voc", .data = kCoco, .image_options = sized("513x513", kCentred), .int8_db = 32, .weights_db = 28},
        {.model = "dtln_1", .int8_db = 38, .weights_db = 40},
        {.model = "espcn_subpixel_float", .int8_db = 55, .weights_db = 42},
        {.model = "fastestdet",
         .data = kCoco,
         .image_options = sized("352x352", {{"color", "bgr"}, {"scale", "1/255"}}),
         .int8_db = 8,
         .weights_db = 19},
        {.model = "g2p_en_gru_seq2seq", .int8_db = 45, .weights_db = 43},
        {.model = "gtcrn", .int8_db = 40, .weights_db = 10},
        {.model = "kws_dscnn_fp32", .data = "data/kws/calib.npy", .int8_db = 39, .weights_db = 41},
        {.model = "magika_v3_3", .data = "data/magika/bytes.npy", .int8_db = 55, .weights_db = 59},
        {.model = "mlperftiny_resnet8_cifar10", .data = "data/cifar10/calib_raw_u8.npy", .int8_db = 35, .weights_db = 34},
        {.model = "mnist_burn_cnn", .data = "data/mnist/calib.npy", .int8_db = 43, .weights_db = 46},
        {.model = "mobilenet_v1_025_224", .data = kImageNet, .preset = "imagenet-tf", .int8_db = 22, .weights_db = 14},
        {.model = "mobilenet_v2_torchvision", .data = kImageNet, .preset = "imagenet", .int8_db = 23, .weights_db = 24},
        {.model = "mobilevit_xxs_flowers_256", .data = kFlowers, .image_options = sized("256x256"), .int8_db = 28, .weights_db = 34},
        {.model = "nnsplit_en_lstm", .int8_db = 36, .weights_db = 39},
        {.model = "picodet_s_320_coco", .data = kCoco, .image_options = sized("320x320", kTorch), .int8_db = 11, .weights_db = 22},
        // A sharp threshold on pictures with hardly any text: one region of one picture decides.
        {.model = "ppocrv3_det", .data = kCoco, .image_options = sized("320x320", kTorch), .int8_db = 0, .weights_db = -1},
        {.model = "q_espcn_subpixel_qonnx"},
        {.model = "q_mobilenet_v2_dynamic_int8"},
        {.model = "q_mobilenet_v2_qdq_int8_244"},
        {.model = "q_stm_ssd_mbv2fpnlite_qdq"},
        {.model = "q_yolov8n_int8"},
        {.model = "resnet20_cifar10", .data = "data/cifar10/calib.npy", .int8_db = 29, .weights_db = 36},
        {.model = "resnet32_cifar10", .data = "data/cifar10/calib.npy", .int8_db = 28, .weights_db = 37},
        {.model = "rnnoise_gru", .int8_db = 37, .weights_db = 46},
        {.model = "scrfd_500m_kps",
         .data = kCoco,
         .image_options = sized("640x640", {{"mean", "127.5"}, {"std", "128"}}),
         .int8_db = 21,
         .weights_db = 16},
        {.model = "sentiment_model", .int8_db = 56, .weights_db = 65},
        {.model = "silero_vad", .int8_db = 18, .weights_db = 20},
        {.model = "silero_vad_16k_op15", .int8_db = 33, .weights_db = 28},
        {.model = "silero_vad_half", .int8_db = 35, .weights_db = 37},
        {.model = "squeezenet1_1_fp16_winml", .int8_db = 1e3, .weights_db = 1e3},
        {.model = "squeezenet1_1_gluon", .data = kImageNet, .preset = "imagenet", .int8_db = 37, .weights_db = 35},
        {.model = "stm_efficientnet_lc_v1_224_flowers",
         .data = kFlowers,
         .image_options = sized("224x224", kCentred),
         .int8_db = 28,
         .weights_db = 30},
        {.model = "stm_mobilenet_v2_035_128_flowers",
         .data = kFlowers,
         .image_options = sized("128x128", kCentred),
         .int8_db = 34,
         .weights_db = 36},
        {.model = "stm_ssd_mbv1_025_256", .data = kCoco, .image_options = sized("256x256", kCentred), .int8_db = 23, .weights_db = 26},
        {.model = "stories260k_llama", .data = "data/text/tinystories_calib_tokens.npy", .int8_db = 26, .weights_db = 38},
        {.model = "style_candy", .data = kCoco, .image_options = sized("720x720"), .int8_db = 18, .weights_db = 39},
        {.model = "super_resolution_10", .int8_db = 34, .weights_db = 23},
        {.model = "ten_vad", .int8_db = 39, .weights_db = 46},
        {.model = "ultraface_rfb_320",
         .data = kCoco,
         .image_options = sized("320x240", {{"mean", "127"}, {"std", "128"}}),
         .int8_db = 53,
         .weights_db = 52},
        {.model = "yolox_nano", .data = kCoco, .image_options = sized("416x416", {{"color", "bgr"}}), .int8_db = 9, .weights_db = 19},
        {.model = "yunet_n_320", .data = kCoco, .image_options = sized("320x320", {{"color", "bgr"}}), .int8_db = 12, .weights_db = 23},
    };
    return kRows;
}

bool is_quantized_already(const Row& row) { return row.model.starts_with("q_"); }

struct Job {
    explicit Job(const Row& given) : row(given), model(assets() / "models" / (row.model + ".onnx")) {
        if (row.data.empty() && !fs::exists(assets() / "expected" / row.model)) return;
        const DataRequest request{.path = (assets() / (row.data.empty() ? "expected/" + row.model : row.data)).string(),
                                  .preset = row.preset,
                                  .image_options = row.image_options,
                                  .limit = row.model == "style_candy" ? 1U : 8U};
        data = open_data(request, *load_model(model)->graph);
    }

    /// The least SQNR of the outputs in dB; infinite when all are equal.
    double sqnr(const fs::path& candidate) const {
        const ValidateReport report = validate_models(
            {.reference = model, .candidate = candidate, .data = data.get(), .layer_samples = 0, .latency_seconds = 0.0, .threads = 2});
        double least = std::numeric_limits<double>::infinity();
        for (const OutputFidelity& output : report.fidelity.outputs) {
            CHECK(output.measure.not_finite == 0);
            if (output.measure.max_absolute > 0.0) least = std::min(least, output.measure.sqnr_db());
        }
        return least;
    }

    const Row& row;
    fs::path model;
    std::unique_ptr<Dataset> data;
    TemporaryFolder folder;
};

std::string check_optimize(const Job& job) {
    const fs::path output = job.folder / "optimized.onnx";
    const OptimizeReport report = optimize_model(job.model, output);
    std::string line =
        format(" {:5} → {:4} nodes, {:9} → {:9} bytes", report.before.nodes, report.after.nodes, report.before.bytes, report.after.bytes);
    if (!job.data) return line;
    const double sqnr = job.sqnr(output);
    CHECK(sqnr > 80.0);
    return line + format(", {:5.1f} dB", sqnr);
}

std::string check_quantize(const Job& job, const Dataset* data, const char* name, double least) {
    const fs::path output = job.folder / name;
    const QuantizeReport report = quantize_model({.model = job.model, .output = output, .data = data, .data_name = "data", .threads = 2});
    for (const Skip& skip : report.left_in_float) CHECK_FALSE(skip.reason.empty());
    const auto unquantized = std::count_if(report.left_in_float.begin(), report.left_in_float.end(), [](const Skip& skip) {
        return std::find(kComputes.begin(), kComputes.end(), skip.op) != kComputes.end();
    });
    CHECK(report.quantized_nodes + static_cast<std::size_t>(unquantized) == report.compute_nodes);
    const double sqnr = job.sqnr(output);
    CHECK(sqnr > least);
    return format(" {:3}/{:3}, {:9} bytes, {:5.1f} dB", report.quantized_nodes, report.compute_nodes, report.after.bytes, sqnr);
}

void check_refused(const Job& job) {
    try {
        quantize_model({.model = job.model, .output = job.folder / "int8.onnx"});
        FAIL_CHECK("was quantized once more");
    } catch (const Error& error) {
        CHECK(std::string(error.code().id) == codes::kAlreadyQuantized.id);
    }
}

}  // namespace

TEST_CASE("every real model goes through optimize, quantize and validate", "[accuracy]") {
    if (!fs::exists(assets() / "models")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    const char* only = std::getenv("MCOMPRESS_ONLY");
    std::string table = "\n  model: optimized | int8: quantized products of all, bytes, least SQNR of an output | weights only";
    for (const Row& row : rows()) {
        if (only && row.model != only) continue;
        INFO(row.model);
        const auto start = std::chrono::steady_clock::now();
        const Job job(row);
        table += format("\n  {:36}", row.model);
        try {
            table += check_optimize(job);
            if (is_quantized_already(row)) {
                check_refused(job);
            } else {
                table += " |" + check_quantize(job, job.data.get(), "int8.onnx", row.int8_db);
                table += " |" + check_quantize(job, nullptr, "weights.onnx", row.weights_db);
            }
        } catch (const Error& error) {
            FAIL_CHECK(error.what());
        }
        table += format(" | {:.1f} s", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    WARN(table);
    if (only) return;
    std::size_t models = 0;
    for (const auto& entry : fs::directory_iterator(assets() / "models")) models += entry.path().extension() == ".onnx" ? 1 : 0;
    CHECK(rows().size() == models);
}
