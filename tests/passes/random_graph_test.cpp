// Random small graphs stay valid and equivalent under every pass and pipeline.
#include "passes/random_graph.h"

#include "catch.h"
#include "fixtures/random_tensors.h"
#include "ir/print.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

int total(const std::vector<PassRun>& runs) {
    int rewrites = 0;
    for (const PassRun& run : runs) rewrites += run.result.rewrites;
    return rewrites;
}

/// Deep chains multiply and cancel; relative to an output's greatest magnitude the error stays below this.
constexpr double kTolerance = 1e-4;

/// The rewrites of the first run.
template <typename Rewrite> int check_seed(std::uint64_t seed, Rewrite&& rewrite) {
    const auto before = random_graph(seed);
    const auto after = random_graph(seed);
    const InputsByName inputs = by_name(*before->graph, random_inputs(*before->graph, seed));
    INFO("seed " << seed << "\n" << print(*before->graph));
    try {
        const int rewrites = total(rewrite(*after->graph));
        INFO("after\n" << print(*after->graph));
        CHECK(total(rewrite(*after->graph)) == 0);
        CHECK(difference(run_reference(*before->graph, inputs), run_reference(*after->graph, inputs), kTolerance) == "");
        return rewrites;
    } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
    }
    return 0;
}

void check_pipelines(std::uint64_t first_seed, std::uint64_t count) {
    const PassInputs inputs{reference_evaluator(), {}, nullptr};
    for (const std::string_view pipeline : {"clean", "fuse"}) {
        std::uint64_t rewritten = 0;
        for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed)
            rewritten += check_seed(seed, [&](Graph& graph) { return run_pipeline(pipeline, graph, inputs); }) > 0 ? 1 : 0;
        CHECK(rewritten > count / 2);
    }
}

}  // namespace

TEST_CASE("random graphs stay equivalent under the pipelines") { check_pipelines(1, 300); }

TEST_CASE("random graphs stay equivalent under the pipelines, many", "[fuzz]") { check_pipelines(100000, 5000); }

TEST_CASE("random graphs stay equivalent under each pass alone") {
    const PassInputs inputs{reference_evaluator(), {}, nullptr};
    for (const PassRow& row : all_passes()) {
        // Inputs with a default and declared types do not occur in these graphs.
        if (row.family == PassFamily::Quantize || row.family == PassFamily::Compress || row.name == "fold-input-defaults" ||
            row.name == "strip-declared-types")
            continue;
        INFO(row.name);
        int rewrites = 0;
        for (std::uint64_t seed = 1; seed <= 150; ++seed)
            rewrites += check_seed(seed, [&](Graph& graph) {
                PassManager manager;
                manager.add(row.make(inputs));
                return manager.run_once(graph);
            });
        CHECK(rewrites > 0);
    }
}
