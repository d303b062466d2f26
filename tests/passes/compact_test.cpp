// Masked models of many families: what is dead goes, and the outputs stay.
#include <algorithm>
#include <map>

#include "catch.h"
#include "fixtures/mask_channels.h"
#include "fixtures/model_families.h"
#include "fixtures/random_tensors.h"
#include "ir/clone.h"
#include "ir/verify.h"
#include "ops/verify_ops.h"
#include "passes/compress/remove_channels.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

int compact(Graph& graph) {
    PassInputs inputs;
    inputs.evaluator = reference_evaluator();
    int removed = 0;
    for (const PassRun& run : run_pipeline("compact", graph, inputs))
        if (run.name == "compact") removed += run.result.rewrites;
    return removed;
}

InputsByName inputs_of(const Graph& graph, std::uint64_t seed) {
    std::map<std::string, ValueBounds> bounds;
    for (const Value* input : graph.inputs())
        if (input->type().dtype == DType::Int64) bounds[input->name()] = {0.0, 39.0};
    return by_name(graph, random_inputs(graph, seed, {{"N", 2}}, bounds));
}

/// Masks a model, compacts it, compares; returns how many units were masked and how many went.
std::pair<int, int> check_mask(const ModelFamily& family, MaskedSide side, std::uint64_t seed) {
    INFO(family.name << " " << static_cast<int>(side) << " " << seed);
    auto model = family.make();
    const ChannelUnits units = find_channel_units(*model->graph);
    const std::vector<bool> masked = random_units(units, seed);
    mask_channels(units, masked, side);
    auto smaller = clone(*model->graph);
    const int removed = compact(*smaller);
    CHECK(verify(*smaller).empty());
    CHECK(verify_ops(*smaller).empty());
    const InputsByName inputs = inputs_of(*smaller, seed);
    CHECK(difference(run_reference(*model->graph, inputs), run_reference(*smaller, inputs), 1e-4) == "");
    return {static_cast<int>(std::count(masked.begin(), masked.end(), true)), removed};
}

}  // namespace

TEST_CASE("channels that nothing reads any more are removed from every family") {
    for (const ModelFamily& family : model_families())
        for (const MaskedSide side : {MaskedSide::Readers, MaskedSide::Both}) {
            INFO(family.name << " " << static_cast<int>(side));
            const auto [masked, removed] = check_mask(family, side, 3);
            CHECK(removed >= masked);
        }
}

TEST_CASE("filters of zeros leave a constant that goes into what reads them") {
    int masked = 0, removed = 0;
    for (const ModelFamily& family : model_families()) {
        const auto [of_family, gone] = check_mask(family, MaskedSide::Writers, 5);
        masked += of_family;
        removed += gone;
    }
    CHECK(removed > masked / 4);  // the others are read with padding
}
