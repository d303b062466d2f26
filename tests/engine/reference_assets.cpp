// Real models on the reference engine, against the outputs another runtime stored.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "catch.h"
#include "engine/engine.h"
#include "fixtures/onnx_case.h"
#include "onnx/load.h"
#include "support/error.h"
#include "support/format.h"
#include "tensor/compare.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

fs::path assets() {
    const char* given = std::getenv("MCOMPRESS_ASSETS");
    return given ? fs::path(given) : fs::path(MCOMPRESS_SOURCE_DIR) / ".." / "shared" / "assets";
}

/// What errors are relative to at least: a sigmoid far from 0.5 gives numbers near 0, and the other runtime's is off by 1e-7 there.
constexpr double kSmallestReference = 1e-2;

struct Allowance {
    std::string_view prefix;
    double tolerance;
};

/// The first row that fits a model's name. Quantized models differ by whole steps where a value falls on a rounding edge (the other runtime
/// differs from itself by as much when its optimizer is off); a float16 model is rounded after every operator here, less often there.
constexpr Allowance kAllowances[] = {{"q_", 0.05}, {"squeezenet1_1_fp16", 0.01}, {"", 1e-4}};

double tolerance(std::string_view name) {
    for (const Allowance& row : kAllowances)
        if (name.starts_with(row.prefix)) return row.tolerance;
    return 0.0;
}

/// Largest relative error over all outputs of all data sets; throws when something cannot run.
double worst_error(const fs::path& folder, const Graph& graph) {
    CompileOptions options;
    options.threads = 2;
    const auto plan = make_reference_engine()->compile(graph, options);
    double worst = 0.0;
    for (const fs::path& data : data_set_folders(folder)) {
        const OnnxDataSet set = load_data_set(data, graph);
        const std::vector<Tensor> outputs = plan->run(set.inputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            if (!set.outputs[i].defined()) continue;
            if (outputs[i].shape() != set.outputs[i].shape() || outputs[i].dtype() != set.outputs[i].dtype())
                fail(codes::kDataMismatch, "output {} is {} {}, expected {} {}", i, dtype_name(outputs[i].dtype()),
                     outputs[i].shape().to_string(), dtype_name(set.outputs[i].dtype()), set.outputs[i].shape().to_string());
            ErrorMeasure measure;
            measure.add(to_floats(set.outputs[i]), to_floats(outputs[i]));
            if (measure.not_finite > 0) worst = HUGE_VAL;
            worst = std::max(worst, measure.max_absolute / std::max(measure.max_reference, kSmallestReference));
        }
    }
    return worst;
}

}  // namespace

TEST_CASE("the reference engine gives the stored outputs of real models", "[accuracy]") {
    if (!fs::exists(assets() / "expected")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    std::string table;
    std::vector<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(assets() / "expected")) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    const char* only = std::getenv("MCOMPRESS_ONLY");
    for (const fs::path& folder : folders) {
        const std::string name = folder.filename().string();
        if (only && name != only) continue;
        const auto start = std::chrono::steady_clock::now();
        std::string problem;
        double error = 0.0;
        try {
            const auto model = load_model(assets() / "models" / (name + ".onnx"));
            error = worst_error(folder, *model->graph);
        } catch (const Error& caught) {
            problem = caught.what();
        }
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        table += format("\n  {:36} {:10.3g} {:6.2f} s {}", name, error, seconds, problem);
        INFO(name << " " << problem);
        CHECK(problem.empty());
        CHECK(error <= tolerance(name));
    }
    WARN("model, largest relative error, time:" + table);
}
