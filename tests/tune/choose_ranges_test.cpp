#include "tune/choose_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "engine/engine.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "quant/range_method.h"
#include "tune/range_candidates.h"
#include "tune/range_contest.h"
#include "tune/samples.h"
#include "tune/trial.h"

using namespace mcompress;

namespace {

/// The third feature hardly reaches the outputs, and has a long tail; the first two are read by both layers.
constexpr const char* kModel = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[1, 3] x) => (float[1, 2] y) {
        v = Constant <value = float[3, 3] {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}> ()
        w = Constant <value = float[3, 2] {0.9, -0.7, 0.5, 0.8, 0.0001, -0.0002}> ()
        h = MatMul (x, v)
        y = MatMul (h, w)
    })";

class Tailed : public Dataset {
public:
    std::size_t size() const override { return 60; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index));
        std::normal_distribution<float> normal;
        const float a = normal(random), b = normal(random), tail = normal(random);
        return {{"x", Tensor::from_values(Shape{1, 3}, std::vector<float>{a, b, 5.0F * tail * tail * tail})}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }
};

struct Chosen {
    QuantizationScheme scheme;
    std::vector<TuningNote> notes;
    double before = 0.0, after = 0.0;
};

Chosen choose(const QuantizationScheme& scheme, int threads) {
    const auto model = parse_model(kModel);
    infer_types(*model->graph);
    const auto engine = make_onednn_engine();
    const auto data = std::make_shared<Tailed>();
    run_pipeline("observe", *model->graph, {});
    const CalibrationTable table = calibrate(*model->graph, *engine, *data);
    run_pipeline("strip", *model->graph, {});
    Tuning tuning{.scheme = scheme, .data = data, .threads = threads};
    choose_ranges(*model->graph, table, tuning);
    const SampleSplit split = split_samples(data);
    const Trial trial(*engine, *model->graph, *split.held_out, 1);
    return {tuning.scheme, tuning.notes, trial.measure(*quantized_copy(*model->graph, scheme, table)).sqnr_db(),
            trial.measure(*quantized_copy(*model->graph, tuning.scheme, table)).sqnr_db()};
}

}  // namespace

TEST_CASE("choose_ranges: a tail that the outputs do not need is cut, the same for any number of threads") {
    const Chosen one = choose({}, 1);
    CHECK(one.after > one.before + 6.0);
    REQUIRE(one.notes.size() == 1);
    REQUIRE(one.scheme.ranges.size() == 2);
    CHECK(choose({}, 3).scheme.ranges == one.scheme.ranges);
}

TEST_CASE("choose_ranges: what is said by hand or by a method stays, and fast runs nothing") {
    QuantizationScheme by_hand;
    by_hand.ranges["x"] = {-100.0f, 100.0f};
    CHECK(choose(by_hand, 1).scheme.ranges.at("x") == ValueRange{-100.0f, 100.0f});
    QuantizationScheme by_method;
    by_method.range_method = "min-max";
    CHECK(choose(by_method, 1).scheme.ranges.empty());
    QuantizationScheme fast;
    fast.effort = Effort::Fast;
    CHECK(choose(fast, 1).scheme.ranges.empty());
}

TEST_CASE("range candidates go from what was seen to what is common, all around 0") {
    TensorStatistics statistics;
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (int sample = 0; sample < 30; ++sample) {
        std::vector<float> values(2000);
        for (float& value : values) value = normal(random);
        if (sample == 7) values[5] = 60.0f;
        statistics.add_sample(values);
    }
    const std::vector<ValueRange> candidates = range_candidates(statistics);
    CHECK(candidates.front() == choose_min_max(statistics));
    CHECK(candidates.back().max < 4.0f);
    for (std::size_t at = 1; at < candidates.size(); ++at) {
        const float ratio = (candidates[at].max - candidates[at].min) / (candidates[at - 1].max - candidates[at - 1].min);
        CHECK(ratio < 0.97f);
        CHECK(ratio > 0.65f);
    }
    CHECK(nearest_candidate(candidates, choose_min_max(statistics)) == 0);
    statistics = {};
    statistics.add_sample(std::vector<float>{3.0f, 4.0f});
    for (const ValueRange& range : range_candidates(statistics)) CHECK(range.min == 0.0f);
    statistics = {};
    statistics.add_sample(std::vector<float>{0.0f, 0.0f});
    CHECK(range_candidates(statistics).size() == 1);
}

TEST_CASE("witnesses stand for all samples, the outermost for themselves") {
    std::vector<ValueRange> extremes(50, {-1.0f, 1.0f});
    extremes[31] = {-1.0f, 9.0f};
    extremes[4] = {-7.0f, 1.0f};
    for (const std::size_t count : {1u, 2u, 6u, 20u, 50u, 99u}) {
        RangeContest contest;
        contest.choose_witnesses(extremes, count);
        CHECK(contest.witnesses.size() == std::min<std::size_t>(count, 50));
        double weights = 0.0;
        std::set<std::size_t> samples;
        for (const auto& witness : contest.witnesses) {
            weights += witness.weight;
            samples.insert(witness.sample);
        }
        CHECK(samples.size() == contest.witnesses.size());
        if (count > 1) CHECK(weights == Approx(50.0));
        CHECK(samples.contains(31));
        if (count >= 4) CHECK(samples.contains(4));
    }
}

TEST_CASE("a contest between ranges at the ends of what floats hold comes to an end") {
    const float largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
    const ValueRange wide = GENERATE_COPY(ValueRange{-largest, largest}, ValueRange{0, least}, ValueRange{0, 3 * least}, ValueRange{-1, 1});
    const ValueRange narrow = GENERATE_COPY(ValueRange{0, 0}, ValueRange{0, 0.5f}, ValueRange{0, std::numeric_limits<float>::denorm_min()});
    RangeContest contest;
    contest.candidates = {wide, narrow};
    contest.noise.resize(2);
    contest.choose_witnesses(std::vector<ValueRange>(2, {0.0f, 1.0f}), 2);
    int rounds = 0;
    for (; rounds < 1000 && contest.refine(); ++rounds) {
        contest.best = contest.candidates.size() - 1;  // the narrowest
        for (const ValueRange& range : contest.candidates) REQUIRE(std::isfinite(range.min + range.max));
    }
    CHECK(rounds < 300);
}

TEST_CASE("a contest descends to the best candidate and tells chance from gain") {
    RangeContest contest;
    contest.candidates = {{0, 8}, {0, 6}, {0, 4}, {0, 3}, {0, 2}};
    contest.noise.resize(5);
    contest.start = contest.best = 1;
    contest.choose_witnesses(std::vector<ValueRange>(6, {0.0f, 1.0f}), 6);
    const auto answer = [&] {  // least at a width of 3.4, the same for every sample but for a little
        for (std::size_t asked = contest.wanted().size(); asked > 0; asked = contest.wanted().size()) {
            for (const std::size_t at : contest.wanted())
                for (std::size_t sample = 0; sample < 6; ++sample)
                    contest.noise[at].push_back(1.0 + std::abs(static_cast<double>(contest.candidates[at].max) - 3.4) +
                                                0.01 * static_cast<double>(sample));
            contest.settle();
        }
    };
    answer();
    CHECK(contest.candidates[contest.best].max == 3.0f);
    CHECK(contest.noise[4].size() == 6);
    CHECK(contest.is_certain());
    CHECK(contest.part_of_the_way(0.5f).max == 4.5f);
    while (contest.refine()) answer();
    CHECK(contest.candidates[contest.best].max == Approx(3.4f).margin(0.15));
    CHECK(contest.candidates[contest.start].max == 6.0f);
    contest.noise[contest.best] = {0.0, 0.0, 0.0, 0.0, 0.0, 20.0};  // better on most samples, much worse on one
    CHECK_FALSE(contest.is_certain());
}
