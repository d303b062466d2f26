// load → emit → load gives an equal model, for every published model at hand.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "catch.h"
#include "fixtures/assets.h"
#include "ir/fingerprint.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> models_below(const fs::path& folder) {
    std::vector<fs::path> paths;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(folder, error))
        if (entry.path().extension() == ".onnx" && entry.is_regular_file()) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return paths;
}

void check_round_trips(const std::vector<fs::path>& paths) {
    for (const fs::path& path : paths) {
        INFO(path.string());
        std::unique_ptr<Model> model;
        std::string problem;
        try {
            model = load_model(path);
        } catch (const Error& error) {
            problem = error.what();
        }
        CHECK(problem == "");
        if (!model) continue;
        auto bytes = std::make_shared<std::string>(emit_model_bytes(*model));
        const auto again = load_model_bytes(std::as_bytes(std::span(*bytes)), bytes, {});
        CHECK(fingerprint(*model) == fingerprint(*again));
        CHECK(emit_model_bytes(*again) == *bytes);
    }
}

}  // namespace

TEST_CASE("round trip of ONNX's own test models") {
    const auto paths = models_below("/usr/share/libonnx-testdata/data");
    if (paths.empty()) {
        WARN("skipped: install libonnx-testdata");
        return;
    }
    CHECK(paths.size() > 1000);
    check_round_trips(paths);
}

TEST_CASE("round trip of trained models") {
    const auto paths = models_below(assets() / "models");
    if (paths.empty()) WARN("skipped: no models; set MCOMPRESS_ASSETS");
    check_round_trips(paths);
}

TEST_CASE("text becomes a model") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "local" : 1]>
        agraph (float[N, 4] x) => (float[N, 4] y)
        {
            w = Constant <value = float[4] {1.0, 2.0, 3.0, 4.0}> ()
            h = Mul (x, w)
            y = Relu (h)
        })");
    CHECK(model->graph->node_count() == 3);
    CHECK(model->graph->inputs()[0]->type().to_string() == "float[N,4]");
    CHECK(model->opset_imports->at("") == 13);
    CHECK_THROWS_AS(parse_model("<ir_version: 8"), Error);
    CHECK_THROWS_AS(parse_model("<ir_version: 8, opset_import: [\"\" : 99999999999999999999]> g () => () {}"), Error);
}
