// Real models on the oneDNN engine, against the outputs another runtime stored.
#include <algorithm>
#include <cstdlib>

#include "catch.h"
#include "engine/engine.h"
#include "fixtures/onnx_case.h"
#include "onnx/load.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

struct Row {
    const char* model;
    double tolerance;  // quantized models differ by whole steps where a value falls on a rounding edge
};
constexpr Row kModels[] = {
    {"mobilenet_v2_torchvision", 1e-4},
    {"squeezenet1_1_gluon", 1e-4},
    {"mobilenet_v1_025_224", 1e-4},
    {"resnet20_cifar10", 1e-4},
    {"resnet32_cifar10", 1e-4},
    {"kws_dscnn_fp32", 1e-4},
    {"mlperftiny_resnet8_cifar10", 1e-4},
    {"stm_efficientnet_lc_v1_224_flowers", 1e-4},
    {"yolox_nano", 1e-4},
    {"picodet_s_320_coco", 1e-4},
    {"mobilevit_xxs_flowers_256", 1e-4},
    {"stories260k_llama", 1e-4},
    {"silero_vad", 1e-4},
    {"q_mobilenet_v2_qdq_int8_244", 0.08},
    {"q_stm_ssd_mbv2fpnlite_qdq", 0.05},
};

double worst_error(const fs::path& folder, const Graph& graph) {
    double worst = 0.0;
    for (const fs::path& data : data_set_folders(folder)) {
        const OnnxDataSet set = load_data_set(data, graph);
        CompileOptions options;
        for (std::size_t at = 0; at < set.inputs.size(); ++at)
            if (set.inputs[at].defined()) options.input_shapes[graph.inputs()[at]->name()] = set.inputs[at].shape();
        const auto plan = make_onednn_engine()->compile(graph, options);
        const std::vector<Tensor> outputs = plan->run(set.inputs);
        for (std::size_t at = 0; at < outputs.size(); ++at) {
            if (!set.outputs[at].defined()) continue;
            REQUIRE(outputs[at].shape() == set.outputs[at].shape());
            ErrorMeasure measure;
            measure.add(to_floats(set.outputs[at]), to_floats(outputs[at]));
            CHECK(measure.not_finite == 0);
            worst = std::max(worst, measure.max_absolute / std::max(measure.max_reference, 1e-2));
        }
        for (const StepInfo& step : plan->steps()) CHECK_FALSE(step.kernel.starts_with("ref"));
    }
    return worst;
}

}  // namespace

TEST_CASE("the oneDNN engine gives the stored outputs of real models", "[accuracy][onednn]") {
    const char* given = std::getenv("MCOMPRESS_ASSETS");
    const fs::path assets = given ? fs::path(given) : fs::path(MCOMPRESS_SOURCE_DIR) / ".." / "shared" / "assets";
    if (!fs::exists(assets / "expected")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    for (const Row& row : kModels) {
        const auto model = load_model(assets / "models" / (std::string(row.model) + ".onnx"));
        INFO(row.model);
        CHECK(worst_error(assets / "expected" / row.model, *model->graph) <= row.tolerance);
    }
}
