// Channels that go: which are worth least, how many for a budget, and that repair brings the model nearer to what it was.
#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "data/array_dataset.h"
#include "fixtures/family_builder.h"
#include "fixtures/model_families.h"
#include "ir/verify.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "prune/channel_budget.h"
#include "prune/channel_layers.h"
#include "prune/prune_channel_graph.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

std::unique_ptr<Model> fused_family(std::string_view name) {
    for (const ModelFamily& family : model_families())
        if (family.name == name) {
            auto model = family.make();
            run_pipeline("fuse", *model->graph, {});
            return model;
        }
    throw std::runtime_error("no such family");
}

/// Smooth images: every pixel is a mean of noise around it.
std::shared_ptr<const Dataset> images(std::int64_t count) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<float> pixels;
    for (std::int64_t image = 0; image < count * 3; ++image) {
        float row_wave = normal(random), column_wave = normal(random), level = normal(random);
        for (int y = 0; y < 16; ++y)
            for (int x = 0; x < 16; ++x)
                pixels.push_back(level + row_wave * std::sin(0.4F * static_cast<float>(y)) +
                                 column_wave * std::cos(0.3F * static_cast<float>(x)) + 0.1F * normal(random));
    }
    std::vector<NamedArray> arrays;
    arrays.push_back({"x", "images", Tensor::from_values(Shape{count, 3, 16, 16}, pixels)});
    return make_array_dataset(std::move(arrays), SampleAxis::Leading);
}

/// Residual of the least-squares fit of column `at` to the others, over `rows`: normal equations by elimination in double.
double residual(const std::vector<std::vector<double>>& columns, std::size_t at) {
    std::vector<std::size_t> others;
    for (std::size_t column = 0; column < columns.size(); ++column)
        if (column != at) others.push_back(column);
    const auto dot = [&](std::size_t a, std::size_t b) {
        double sum = 0.0;
        for (std::size_t row = 0; row < columns[a].size(); ++row) sum += columns[a][row] * columns[b][row];
        return sum;
    };
    const std::size_t size = others.size();
    std::vector<std::vector<double>> system(size, std::vector<double>(size + 1));
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) system[i][j] = dot(others[i], others[j]);
        system[i][size] = dot(others[i], at);
    }
    for (std::size_t pivot = 0; pivot < size; ++pivot)
        for (std::size_t row = 0; row < size; ++row) {
            if (row == pivot) continue;
            const double factor = system[row][pivot] / system[pivot][pivot];
            for (std::size_t column = pivot; column <= size; ++column) system[row][column] -= factor * system[pivot][column];
        }
    double left = dot(at, at);
    for (std::size_t i = 0; i < size; ++i) left -= system[i][size] / system[i][i] * dot(others[i], at);
    return left / static_cast<double>(columns[0].size());
}

}  // namespace

TEST_CASE("a channel is worth what the others cannot make up for") {
    FamilyBuilder b(4);
    const std::string h = b.conv("x", 3, 4, 1);
    auto model = b.build("float[1,3,4,4] x", {b.conv(h, 4, 1, 1)});
    Node* node = model->graph->order().back();
    const std::optional<Layer> layer = float_layer(*node, *node);
    REQUIRE(layer);
    const ChannelUnits units = find_channel_units(*model->graph);
    REQUIRE(units.count == 4);
    // Channel 3 is nearly the sum of channels 0 and 1; channel 2 is on its own.
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    LayerRows rows;
    rows.count = 4000;
    std::vector<std::vector<double>> columns(4);
    for (std::int64_t row = 0; row < rows.count; ++row) {
        const float a = normal(random), c = normal(random), d = normal(random);
        for (const float value : {a, c, d, a + c + 0.05F * normal(random)}) rows.values.push_back(value);
    }
    for (std::size_t at = 0; at < rows.values.size(); ++at) columns[at % 4].push_back(static_cast<double>(rows.values[at]));
    for (std::vector<double>& column : columns) {
        double mean = 0.0;
        for (const double value : column) mean += value;
        for (double& value : column) value -= mean / static_cast<double>(column.size());
    }
    std::vector<double> scores(4, 0.0);
    std::vector<bool> is_scored(4, false);
    add_reconstruction_scores(*layer, column_units(*layer, units), rows, scores, is_scored);
    const std::span<const float> weights = float_weight(*layer).values<float>();
    // Damping by 1 % of the mean variance (1.25) adds d |(1, -coefficients)|^2 to the residual: here at most 0.0125 times 3.
    const auto worth = [&](std::size_t at, double damping) {
        return static_cast<double>(weights[at]) * static_cast<double>(weights[at]) * (residual(columns, at) + damping);
    };
    for (std::size_t at = 0; at < 4; ++at) {
        INFO(at);
        CHECK(is_scored[at]);
        CHECK(scores[at] / scores[2] <= 1.02 * worth(at, 0.0125 * 3.0) / worth(2, 0.0));
        CHECK(scores[at] / scores[2] >= 0.98 * worth(at, 0.0) / worth(2, 0.0125 * 3.0));
    }
    CHECK(scores[3] / scores[2] < 0.1 * std::pow(static_cast<double>(weights[3]) / static_cast<double>(weights[2]), 2));
}

TEST_CASE("channels go until the multiply-accumulates are within the budget") {
    for (const char* name : {"resnet_basic", "mobilenet_v2", "densenet", "yolo_c2f", "bert", "gqa_decoder", "lstm"}) {
        INFO(name);
        auto model = fused_family(name);
        ChannelPruneOptions options;
        options.keep = 0.8;
        options.round_to = 2;
        const ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
        CHECK(outcome.removed > 0);
        CHECK(static_cast<double>(outcome.macs_after) <= 0.8 * static_cast<double>(outcome.macs_before));
        CHECK(static_cast<double>(outcome.macs_after) >= 0.5 * static_cast<double>(outcome.macs_before));
        CHECK(verify(*model->graph).empty());
    }
}

TEST_CASE("bytes as the goal: the constants are within the budget") {
    for (const char* name : {"resnet_basic", "mobilenet_v2", "bert", "lstm"}) {
        INFO(name);
        auto model = fused_family(name);
        const std::int64_t before = measure_cost(*model->graph).parameter_bytes;
        ChannelPruneOptions options;
        options.goal = ChannelGoal::Bytes;
        options.keep = 0.7;
        options.round_to = 2;
        prune_channel_graph(*model->graph, options);
        const std::int64_t after = measure_cost(*model->graph).parameter_bytes;
        CHECK(static_cast<double>(after) <= 0.7 * static_cast<double>(before));
        CHECK(static_cast<double>(after) >= 0.45 * static_cast<double>(before));
        CHECK(verify(*model->graph).empty());
    }
}

TEST_CASE("latency as the goal: what was measured is within the budget, and a sample is needed for it") {
    FamilyBuilder b(6);
    auto model = b.build("float[1,3,16,16] x", {b.conv(b.conv_norm_relu(b.conv_norm_relu("x", 3, 128, 3), 128, 128, 3), 128, 4, 1)});
    run_pipeline("fuse", *model->graph, {});
    ChannelPruneOptions options;
    options.goal = ChannelGoal::Latency;
    options.keep = 0.75;
    CHECK_THROWS_AS(prune_channel_graph(*model->graph, options), Error);
    std::vector<float> values(8 * 3 * 16 * 16);
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (float& value : values) value = normal(random);
    std::vector<NamedArray> arrays;
    arrays.push_back({"x", "test", Tensor::from_values(Shape{8, 3, 16, 16}, values)});
    options.data = make_array_dataset(std::move(arrays), SampleAxis::Leading);
    const ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
    REQUIRE(outcome.latency.has_value());
    CHECK(*outcome.latency <= 0.75);
    CHECK(outcome.macs_after < outcome.macs_before);
    CHECK(verify(*model->graph).empty());
}

TEST_CASE("widths are rounded") {
    FamilyBuilder b(6);
    auto model = b.build("float[1,3,8,8] x", {b.conv(b.conv_norm_relu(b.conv_norm_relu("x", 3, 64, 3), 64, 48, 3), 48, 4, 1)});
    run_pipeline("fuse", *model->graph, {});
    ChannelPruneOptions options;
    options.keep = 0.6;
    const ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
    for (const LayerWidth& layer : outcome.after)
        if (layer.channels > 4) CHECK(layer.channels % 8 == 0);
}

TEST_CASE("most of what goes are whole blocks of 16 where there are any, unless a width is asked for") {
    // Magnitude finds every channel alike, so that steps of 8 would be spread over both wide layers.
    FamilyBuilder b(6);
    const auto build = [&] {
        auto model = b.build("float[1,3,8,8] x",
                             {b.conv(b.conv_norm_relu(b.conv_norm_relu(b.conv_norm_relu("x", 3, 64, 3), 64, 64, 3), 64, 64, 3), 64, 4, 1)});
        run_pipeline("fuse", *model->graph, {});
        return model;
    };
    const auto blocks_saved = [&](std::int64_t round_to) {
        auto model = build();
        ChannelPruneOptions options;
        options.keep = 0.8;
        options.round_to = round_to;
        const ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
        CHECK(static_cast<double>(outcome.macs_after) <= 0.8 * static_cast<double>(outcome.macs_before));
        std::int64_t blocks = 0;
        for (const LayerWidth& layer : outcome.after) {
            if (layer.channels > 4) CHECK(layer.channels % 8 == 0);
            blocks += (layer.channels + 15) / 16;
        }
        return 4 * 3 + 1 - blocks;
    };
    CHECK(blocks_saved(0) >= 2);
    CHECK(blocks_saved(0) >= blocks_saved(8));
}

TEST_CASE("a share that cannot be reached, and models without channels to remove, are refused") {
    auto model = fused_family("resnet_basic");
    ChannelPruneOptions options;
    options.keep = 0.001;
    CHECK_THROWS_AS(prune_channel_graph(*model->graph, options), Error);
    FamilyBuilder b(7);
    auto single = b.build("float[1,3,8,8] x", {b.conv("x", 3, 4, 3)});
    options.keep = 0.8;
    CHECK_THROWS_AS(prune_channel_graph(*single->graph, options), Error);
    options.repair = Repair::Full;
    auto other = fused_family("resnet_basic");
    CHECK_THROWS_AS(prune_channel_graph(*other->graph, options), Error);
}

TEST_CASE("repair brings the smaller model nearer to the dense one") {
    double sqnr[2];
    for (const Repair repair : {Repair::None, Repair::Full}) {
        auto model = fused_family("resnet_basic");
        ChannelPruneOptions options;
        options.keep = 0.75;
        options.round_to = 1;
        options.criterion = ChannelCriterion::Reconstruction;
        options.repair = repair;
        options.data = images(40);
        const ChannelPruneOutcome outcome = prune_channel_graph(*model->graph, options);
        REQUIRE(outcome.fidelity);
        sqnr[repair == Repair::Full ? 1 : 0] = outcome.fidelity->sqnr_db;
        for (const LayerOutcome& layer : outcome.layers) CHECK(*layer.error_after <= *layer.error_before);
    }
    CHECK(sqnr[1] >= sqnr[0] + 3.0);
}
