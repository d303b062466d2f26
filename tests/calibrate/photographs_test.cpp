// Calibration of a trained network on photographs: the same table for any number of threads, at a useful speed.
#include <sys/resource.h>

#include <chrono>
#include <filesystem>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "data/image_folder.h"
#include "data/subset.h"
#include "fixtures/assets.h"
#include "onnx/load.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

/// Observes what activations and convolutions without one give.
void insert_observers(Graph& graph) {
    for (Node* node : graph.order()) {
        Value* value = node->output(0);
        const bool feeds_activation = value->uses().size() == 1 && (value->uses()[0].node->is("Clip") || value->uses()[0].node->is("Relu"));
        if ((!node->is("Conv") && !node->is("Clip") && !node->is("Relu") && !node->is("Add")) || feeds_activation) continue;
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        NodeSpec spec;
        spec.domain = "mcompress";
        spec.op_type = "Observe";
        spec.inputs = {value};
        spec.outputs = {graph.unique_name(value->name() + "_observed")};
        const Node* observe = graph.add_node(std::move(spec));
        for (const Use& use : uses) graph.replace_use(use, observe->output(0));
    }
    infer_types(graph);
}

double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

double peak_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

}  // namespace

TEST_CASE("MobileNetV2 on photographs: equal tables for any number of threads", "[accuracy]") {
    const auto path = assets() / "models" / "mobilenet_v2_torchvision.onnx";
    if (!std::filesystem::exists(path)) {
        WARN("skipped: no model (MCOMPRESS_ASSETS)");
        return;
    }
    const auto model = load_model(path);
    infer_types(*model->graph);
    insert_observers(*model->graph);
    const auto engine = make_onednn_engine();
    const auto data = make_image_dataset(assets() / "data" / "imagenet" / "calib", preprocess_preset("imagenet"));
    CalibrationTable first;
    for (const int threads : {2, 1, 8}) {
        const auto start = std::chrono::steady_clock::now();
        const double used = processor_seconds();
        const CalibrationTable table = calibrate(*model->graph, *engine, *data, {.threads = threads});
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        WARN(table.values.size() << " values, " << table.samples << " samples, " << threads << " threads: " << seconds << " s, "
                                 << processor_seconds() - used << " s of processor time, peak so far " << peak_megabytes() << " MB");
        REQUIRE(table.values.size() > 50);
        if (first.values.empty()) first = table;
        for (const auto& [name, statistics] : table.values) {
            INFO(name);
            CHECK((first.values.at(name) == statistics));
            CHECK(statistics.samples == table.samples);
        }
    }
}
