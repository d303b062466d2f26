// The published data sets pass for their models; noise, wrong scales and made-up trouble in their place do not.
#include <filesystem>
#include <fstream>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "fixtures/assets.h"
#include "onnx/load.h"
#include "pipeline/check_data.h"
#include "pipeline/open_data.h"
#include "support/error.h"
#include "support/format.h"

using namespace mcompress;

namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

Options sized(const std::string& size, Options more = {}) {
    more.insert(more.begin(), {"resize", size});
    return more;
}
const Options kCentred{{"mean", "127.5"}, {"std", "127.5"}};
const Options kTorch{{"scale", "1/255"}, {"mean", "0.485,0.456,0.406"}, {"std", "0.229,0.224,0.225"}};
const Options kUnit{{"scale", "1/255"}};

struct Row {
    std::string model;
    std::string data;
    std::string preset = {};
    Options image_options = {};
    Options wrong = {};  // pixels at another scale, where the model can tell; empty: not tried
};

const std::vector<Row>& rows() {
    static const std::string coco = "coco_train64", flowers = "flowers/calib", imagenet = "imagenet/calib";
    static const std::vector<Row> kRows = {
        {"deeplabv3_mnv2_voc", coco, "", sized("513x513", kCentred), sized("513x513")},
        {"fastestdet", coco, "", sized("352x352", {{"color", "bgr"}, {"scale", "1/255"}}), sized("352x352")},
        {"kws_dscnn_fp32", "kws/calib.npy"},
        {"magika_v3_3", "magika/bytes.npy"},
        {"mlperftiny_resnet8_cifar10", "cifar10/calib_raw_u8.npy"},
        {"mnist_burn_cnn", "mnist/calib.npy"},
        {"mobilenet_v1_025_224", imagenet, "imagenet-tf", {}, sized("224x224")},
        {"mobilenet_v2_torchvision", imagenet, "imagenet", {}, sized("224x224")},
        {"mobilevit_xxs_flowers_256", flowers, "", sized("256x256"), sized("256x256", kUnit)},
        {"picodet_s_320_coco", coco, "", sized("320x320", kTorch), sized("320x320")},
        {"ppocrv3_det", coco, "", sized("320x320", kTorch), sized("320x320")},
        {"resnet20_cifar10", "cifar10/calib.npy"},
        {"resnet32_cifar10", "cifar10/calib.npy"},
        {"scrfd_500m_kps", coco, "", sized("640x640", {{"mean", "127.5"}, {"std", "128"}}), sized("640x640")},
        {"squeezenet1_1_gluon", imagenet, "imagenet", {}, sized("224x224")},
        {"stm_efficientnet_lc_v1_224_flowers", flowers, "", sized("224x224", kCentred), sized("224x224")},
        {"stm_mobilenet_v2_035_128_flowers", flowers, "", sized("128x128", kCentred), sized("128x128")},
        {"stm_ssd_mbv1_025_256", coco, "", sized("256x256", kCentred), sized("256x256")},
        {"stories260k_llama", "text/tinystories_calib_tokens.npy"},
        {"style_candy", coco, "", sized("720x720")},
        {"ultraface_rfb_320", coco, "", sized("320x240", {{"mean", "127"}, {"std", "128"}}), sized("320x240")},
        {"yolox_nano", coco, "", sized("416x416", {{"color", "bgr"}}), sized("416x416", {{"color", "bgr"}, {"scale", "1/255"}})},
        {"yunet_n_320", coco, "", sized("320x320", {{"color", "bgr"}})},
    };
    return kRows;
}

/// Why the data is refused; empty when it is not.
std::string refusal(const std::filesystem::path& model, const Dataset& data) {
    std::string text;
    for (const DataFinding& finding : check_data(model, data, 2, UnfitData::Allow))
        if (finding.verdict == DataFinding::Verdict::Unfit) text += (text.empty() ? "" : "; ") + finding.what;
    bool refused = false;
    try {
        check_data(model, data, 2, UnfitData::Refuse);
    } catch (const Error& error) {
        refused = error.code().kind == ErrorKind::Data;
    }
    CHECK(refused == !text.empty());
    return text;
}

}  // namespace

TEST_CASE("no published data set is refused, and pixels of another scale are", "[accuracy]") {
    if (!std::filesystem::exists(assets() / "models")) {
        WARN("not run: MCOMPRESS_ASSETS names no folder with models");
        return;
    }
    for (const Row& row : rows()) {
        const auto path = assets() / "models" / (row.model + ".onnx");
        const auto graph = load_model(path);
        INFO(row.model);
        const auto open = [&](const std::string& preset, const Options& options) {
            return open_data({.path = (assets() / "data" / row.data).string(), .preset = preset, .image_options = options}, *graph->graph);
        };
        CHECK(refusal(path, *open(row.preset, row.image_options)) == "");
        if (row.wrong.empty()) continue;
        const std::string found = refusal(path, *open("", row.wrong));
        CHECK(found.find("scale") != std::string::npos);
        WARN(row.model << ": " << found);
    }
}
