// Runs every golden pass test: text before and after, reasons, verification, a second run that changes nothing, and execution.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "catch.h"
#include "ir/print.h"
#include "passes/equivalence.h"
#include "passes/golden_case.h"
#include "passes/pass_manager.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

std::vector<std::filesystem::path> golden_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(MCOMPRESS_TESTS_DIR "/golden/passes"))
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

PassResult run_pass(const GoldenCase& golden, Graph& graph) {
    PassManager manager;
    manager.add(find_pass(golden.pass).make({reference_evaluator(), golden.scheme, &golden.calibration, nullptr, golden.float_conversion}));
    return manager.run_once(graph).at(0).result;
}

std::string text_of(const std::vector<Skip>& skipped) {
    std::string text;
    for (const Skip& each : skipped) text += each.node + " (" + each.op + "): " + each.reason + "\n";
    return text;
}

void check_execution(const GoldenCase& golden, const Graph& after) {
    const auto before = golden.make_model();
    const InputsByName inputs = by_name(*before->graph, random_inputs(*before->graph, 1, golden.dims, golden.bounds));
    const std::vector<Tensor> expected = run_reference(*before->graph, inputs);
    CHECK(difference(expected, run_reference(after, inputs), golden.tolerance) == "");
}

void check_case(const std::filesystem::path& path) {
    const GoldenCase golden = GoldenCase::read(path);
    const auto model = golden.make_model();
    const PassResult result = run_pass(golden, *model->graph);
    const std::string after = print(*model->graph);
    const std::string skipped = text_of(result.skipped);
    if (std::getenv("MCOMPRESS_UPDATE_GOLDEN")) {
        std::ofstream(path) << golden.rendered(after, skipped);
    } else {
        CHECK(after == golden.after);
        CHECK(skipped == golden.skipped);
    }
    if (golden.is_executed) check_execution(golden, *model->graph);
    CHECK(run_pass(golden, *model->graph).rewrites == 0);
}

}  // namespace

TEST_CASE("golden pass tests") {
    const auto files = golden_files();
    REQUIRE(!files.empty());
    for (const auto& path : files) {
        INFO(path.string());
        try {
            check_case(path);
        } catch (const std::exception& error) {
            FAIL_CHECK(error.what());
        }
    }
}

TEST_CASE("every pass has golden tests, and at least one of a graph it leaves alone") {
    const auto files = golden_files();
    for (const PassRow& row : all_passes()) {
        std::string folder(row.name);
        std::replace(folder.begin(), folder.end(), '-', '_');
        INFO(folder);
        const auto count = [&](const std::string& prefix) {
            return std::count_if(files.begin(), files.end(), [&](const std::filesystem::path& path) {
                return path.parent_path().filename() == folder && path.filename().string().starts_with(prefix);
            });
        };
        CHECK(count("skips_") >= 1);
        CHECK(count("") >= 2);
    }
}
