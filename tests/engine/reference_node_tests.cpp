// The published ONNX node tests (Debian package libonnx-testdata) on the reference engine.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "catch.h"
#include "engine/engine.h"
#include "engine/reference/kernel.h"
#include "onnx/load.h"
#include "onnx_case.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

fs::path testdata() {
    const char* given = std::getenv("MCOMPRESS_ONNX_TESTDATA");
    return given ? given : "/usr/share/libonnx-testdata/data";
}

std::map<std::string, std::string> read_waivers() {
    std::map<std::string, std::string> waivers;
    std::ifstream file(std::string(MCOMPRESS_TESTS_DIR) + "/engine/waivers.txt");
    std::string line, name, reason;
    while (std::getline(file, line)) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        words >> name;
        std::getline(words, reason);
        waivers[name] = reason;
    }
    return waivers;
}

/// Why a model is out of reach, or nothing.
std::string reason_to_skip(Graph& graph) {
    std::string reason;
    for_each_graph(graph, [&](Graph& current) {
        for (const Node* node : current.nodes())
            if (!find_reference_kernel(*node) && reason.empty())
                reason = "no kernel: " + (node->domain().empty() ? "" : node->domain() + "::") + node->op_type();
    });
    for (const auto values : {graph.inputs(), graph.outputs()})
        for (const Value* value : values)
            if (!value->type().is_tensor() && reason.empty()) reason = "not a tensor: " + value->type().to_string();
    return reason;
}

/// Runs every data set; what is wrong, or nothing.
std::string run_case(const fs::path& folder, const Graph& graph) {
    const auto plan = make_reference_engine()->compile(graph, {});
    for (const fs::path& data : data_set_folders(folder)) {
        const OnnxDataSet set = load_data_set(data, graph);
        const std::vector<Tensor> outputs = plan->run(set.inputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const std::string problem = difference(outputs[i], set.outputs[i], 1e-3, 1e-7);
            if (!problem.empty()) return format("output {}: {}", i, problem);
        }
    }
    return {};
}

struct Tally {
    int passed = 0;
    std::map<std::string, std::string> failed;
    std::map<std::string, int> skipped;
};

void run_folder(const fs::path& folder, const std::map<std::string, std::string>& waivers, Tally& tally) {
    const std::string name = folder.filename().string();
    if (!fs::exists(folder / "model.onnx")) return;
    std::string problem;
    try {
        const auto model = load_model(folder / "model.onnx");
        const std::string reason = reason_to_skip(*model->graph);
        if (!reason.empty()) {
            ++tally.skipped[reason];
            return;
        }
        problem = run_case(folder, *model->graph);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (problem.empty()) ++tally.passed;
    else if (waivers.contains(name)) ++tally.skipped["waived: " + name];
    else tally.failed[name] = problem;
}

}  // namespace

TEST_CASE("the reference engine passes the published ONNX tests of every operator it has") {
    if (!fs::exists(testdata())) {
        WARN("the package libonnx-testdata is not installed: nothing was tested");
        return;
    }
    const auto waivers = read_waivers();
    Tally tally;
    for (const char* group : {"node", "simple", "pytorch-operator", "pytorch-converted"})
        for (const auto& entry : fs::directory_iterator(testdata() / group)) run_folder(entry.path(), waivers, tally);
    int skipped = 0;
    std::string table;
    for (const auto& [reason, count] : tally.skipped) {
        skipped += count;
        table += format("\n  {:4} {}", count, reason);
    }
    WARN(format("published ONNX tests: {} passed, {} failed, {} skipped:{}", tally.passed, tally.failed.size(), skipped, table));
    for (const auto& [name, problem] : tally.failed) {
        INFO(name << ": " << problem);
        CHECK(false);
    }
    CHECK(tally.passed > 500);
    CHECK(waivers.size() <= 12);
}

TEST_CASE("no operator has two kernels and every row has a function") {
    std::map<std::pair<std::string_view, std::string_view>, int> count;
    for (const KernelRow& row : all_reference_kernels()) {
        CHECK(row.run != nullptr);
        INFO(row.type);
        CHECK(++count[{row.domain, row.type}] == 1);
    }
}
