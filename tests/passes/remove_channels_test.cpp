// Channels of many families of models: what is removed together, that the smaller model computes what the masked one does, and what stays.
#include "passes/compress/remove_channels.h"

#include <algorithm>
#include <map>

#include "catch.h"
#include "fixtures/mask_channels.h"
#include "fixtures/model_families.h"
#include "fixtures/random_tensors.h"
#include "ir/verify.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "passes/equivalence.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

std::string numbers(int count) {
    std::string text = "1";
    for (int number = 2; number <= count; ++number) text += ", " + std::to_string(number);
    return text;
}

/// Random inputs that any of the families takes: token numbers are small.
InputsByName inputs_of(const Graph& graph, std::uint64_t seed) {
    std::map<std::string, ValueBounds> bounds;
    for (const Value* input : graph.inputs())
        if (input->type().dtype == DType::Int64) bounds[input->name()] = {0.0, 39.0};
    return by_name(graph, random_inputs(graph, seed, {{"N", 2}}, bounds));
}

void check_removal(const ModelFamily& family, std::uint64_t seed, int percent) {
    INFO(family.name << " " << seed);
    auto masked = family.make();
    auto pruned = family.make();
    const ChannelUnits masked_units = find_channel_units(*masked->graph);
    const ChannelUnits units = find_channel_units(*pruned->graph);
    const std::vector<bool> removed = random_units(units, seed, percent);
    mask_channels(masked_units, removed);
    remove_channels(*pruned->graph, units, removed);
    CHECK(verify(*pruned->graph).empty());
    CHECK(verify_ops(*pruned->graph).empty());
    const InputsByName inputs = inputs_of(*pruned->graph, seed);
    CHECK(difference(run_reference(*masked->graph, inputs), run_reference(*pruned->graph, inputs), 1e-4) == "");
}

/// Every constant of the family in turn is stored sparsely: what it belongs to stays, the rest can still go.
void check_sparse_constants(const ModelFamily& family) {
    const std::size_t count = family.make()->graph->constants().size();
    for (std::size_t place = 0; place < count; ++place) {
        auto model = family.make();
        Graph& graph = *model->graph;
        Value* dense = graph.constants()[place];
        if (dense->type().rank() == 0 || dense->type().dtype != DType::Float32) continue;
        INFO(family.name << " " << dense->name());
        graph.replace_all_uses(dense, graph.add_sparse_constant("stored_sparsely", "of no matter here", dense->type()));
        const ChannelUnits units = find_channel_units(graph);
        remove_channels(graph, units, random_units(units, place, 50));
        CHECK(verify(graph).empty());
        CHECK(verify_ops(graph).empty());
    }
}

/// The units of each group, in topological order, and the products that keep all of their channels.
struct Expected {
    std::string_view family;
    std::vector<std::size_t> groups;
    std::size_t frozen;
};
const Expected kExpected[] = {
    {"resnet_basic", {8, 8, 16, 16, 16}, 1},
    {"resnet_padded", {16, 16}, 1},
    {"resnet_bottleneck", {8, 8, 8, 24, 8, 8}, 1},
    {"resnext", {8, 4, 24, 4}, 1},  // whole groups of filters
    {"mobilenet_v2", {8, 16, 24, 16, 32}, 1},
    {"mobilenet_v3_se", {8, 24, 8, 16}, 1},
    {"shufflenet_v2", {16, 8, 8}, 1},
    {"densenet", {26, 12, 12, 12, 12}, 1},
    {"unet", {24, 32, 24, 8}, 1},
    {"yolo_csp", {8, 16, 16, 8, 8, 16, 8, 16}, 1},
    {"yolo_c2f", {8, 16, 16, 8, 8, 16, 12, 12}, 2},
    {"ssd", {8, 16, 16, 16}, 6},
    {"bert", {4, 32, 4, 32, 16}, 5},  // heads, hidden units of a feed-forward; the stream is normalized over
    {"vit", {4, 32, 4, 32}, 6},
    {"swin", {3, 24}, 4},
    {"gqa_decoder", {2, 24, 2, 24}, 5},  // key and value heads with their query heads
    {"fused_attention", {16, 4, 4}, 1},
    {"lstm", {12, 10}, 1},
};

}  // namespace

TEST_CASE("the units of every family are found, and what stays is named") {
    for (const ModelFamily& family : model_families()) {
        INFO(family.name);
        const auto model = family.make();
        const ChannelUnits units = find_channel_units(*model->graph);
        std::vector<std::size_t> sizes;
        for (const UnitGroup& group : units.groups) sizes.push_back(group.units.size());
        for (const Skip& skip : units.frozen) CHECK(!skip.reason.empty());
        const auto expected =
            std::find_if(std::begin(kExpected), std::end(kExpected), [&](const Expected& e) { return e.family == family.name; });
        if (expected == std::end(kExpected)) continue;
        CHECK(sizes == expected->groups);
        CHECK(units.frozen.size() == expected->frozen);
    }
}

TEST_CASE("the smaller model of every family computes what the masked one does") {
    for (const ModelFamily& family : model_families())
        for (std::uint64_t seed = 0; seed < 4; ++seed) check_removal(family, seed, 30);
}

TEST_CASE("a thousand random sets of channels leave no contradiction") {
    const std::vector<ModelFamily> families = model_families();
    Random random(7);
    for (std::uint64_t seed = 0; seed < 1000; ++seed)
        check_removal(families[seed % families.size()], 100 + seed, static_cast<int>(random.integer(1, 95)));
}

TEST_CASE("channels of constants that are stored sparsely stay") {
    for (const ModelFamily& family : model_families()) check_sparse_constants(family);
}

TEST_CASE("channels stay where something else than a product needs all of them, with the reason") {
    struct Row {
        std::string_view tail, reason;
    };
    const Row rows[] = {
        {"s = Softmax <axis = 1> (h) y = Conv (s, w8)",
         "'s' (Softmax): it normalizes over this axis, so that removing channels would change the others"},
        {"s = ReduceMean <axes = [1]> (h) y = Conv (s, w1)", "'s' (ReduceMean): it mixes elements along this axis"},
        {"s = Shape (h) k = Cast <to = 1> (s) m = Mul (h, k4) p = ReduceSum (k) n = Conv (m, w8) y = Mul (n, p)",
         "'s' (Shape): its extent is used as a number"},
        {"s = Reshape (h, target) y = Relu (s)", "'s' (Reshape): it joins and splits axes in ways that do not fit together"},
        {"s = Slice (h, from, to, axis, step) y = Conv (s, w4)", "'s' (Slice): it takes elements apart from each other along this axis"},
        {"y = If (c) <then_branch = t () => (float[1,8,4,4] p) { p = Relu (h) }, else_branch = e () => (float[1,8,4,4] q) { q = Neg (h) }>",
         "'h' (Conv): a body of another node reads it"},
        {"s = other.domain.Mystery (h) y = Relu (s)", "'s' (Mystery): the shape of an operand or result is not known"},
    };
    for (const Row& row : rows) {
        INFO(row.tail);
        auto model =
            parse_model("<ir_version: 8, opset_import: [\"\" : 17, \"other.domain\" : 1]> g (float[1,3,4,4] x, bool c, int64[3] target) => "
                        "(float[] y) {\n"
                        "w = Constant <value = float[8,3,1,1] {" +
                        numbers(24) +
                        "}> ()\n"
                        "w1 = Constant <value = float[2,1,1,1] {1, 2}> ()\n w4 = Constant <value = float[1,4,1,1] {1, 2, 3, 4}> ()\n"
                        "w8 = Constant <value = float[1,8,1,1] {" +
                        numbers(8) +
                        "}> ()\n"
                        "k4 = Constant <value = float {2}> ()\n"
                        "from = Constant <value = int64[1] {0}> ()\n to = Constant <value = int64[1] {8}> ()\n"
                        "axis = Constant <value = int64[1] {1}> ()\n step = Constant <value = int64[1] {2}> ()\n"
                        "h = Conv (x, w)\n" +
                        std::string(row.tail) + "}");
        infer_types(*model->graph);
        const ChannelUnits units = find_channel_units(*model->graph);
        CHECK(units.count == 0);
        const auto skip = std::find_if(units.frozen.begin(), units.frozen.end(), [](const Skip& each) { return each.node == "h"; });
        REQUIRE(skip != units.frozen.end());
        CHECK(skip->reason == row.reason);
    }
}
