#include "calibrate/calibrator.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "catch.h"
#include "data/array_dataset.h"
#include "data/subset.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

/// y = relu(x) + x with x, relu(x) and y observed.
constexpr const char* kModel = R"(<ir_version: 8, opset_import: ["" : 13, "mcompress" : 1]>
    g (float[BATCH, WIDTH] x) => (float[BATCH, WIDTH] y) {
        xo = mcompress.Observe(x)
        r = Relu(xo)
        ro = mcompress.Observe(r)
        s = Add(ro, xo)
        y = mcompress.Observe(s)
    })";

std::unique_ptr<Model> model_with(std::string batch, std::string width) {
    std::string text = kModel;
    for (const auto& [from, to] : {std::pair<std::string, std::string>{"BATCH", batch}, {"WIDTH", width}})
        for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from)) text.replace(at, from.size(), to);
    auto model = parse_model(text);
    infer_types(*model->graph);
    return model;
}

/// Samples given as they are; their shapes may differ.
class ListDataset : public Dataset {
public:
    explicit ListDataset(std::vector<Sample> samples) : samples_(std::move(samples)) {}
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override { return samples_.at(index); }
    std::string sample_name(std::size_t index) const override { return "list[" + std::to_string(index) + "]"; }

private:
    std::vector<Sample> samples_;
};

Tensor row(const std::vector<float>& values) {
    return Tensor::from_values<float>(Shape{1, static_cast<std::int64_t>(values.size())}, values);
}

std::vector<Sample> random_samples(std::size_t count, bool ragged) {
    std::mt19937 random(9);
    std::normal_distribution<float> normal;
    std::vector<Sample> samples;
    for (std::size_t at = 0; at < count; ++at) {
        std::vector<float> values(ragged ? 1 + random() % 12 : 50);
        for (float& value : values) value = normal(random) * static_cast<float>(1 + at % 5);
        samples.push_back({{"x", row(values)}});
    }
    return samples;
}

void check_equal(const CalibrationTable& a, const CalibrationTable& b) {
    CHECK(a.samples == b.samples);
    REQUIRE(a.values.size() == b.values.size());
    for (const auto& [name, statistics] : a.values) {
        INFO(name);
        REQUIRE(b.values.count(name) == 1);
        CHECK((b.values.at(name) == statistics));
    }
}

template <typename Body> Error error_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return Error(codes::kInternal, "");
}

}  // namespace

TEST_CASE("every observed value gets statistics under its name") {
    const auto model = model_with("N", "3");
    const auto engine = make_reference_engine();
    const ListDataset data({{{"x", row({-1, 0, 2})}}, {{"x", row({4, -5, 1})}}});
    const CalibrationTable table = calibrate(*model->graph, *engine, data);
    CHECK(table.samples == 2);
    REQUIRE(table.values.size() == 3);
    const TensorStatistics& x = table.values.at("x");
    CHECK(x.count == 6);
    CHECK(x.zeros == 1);
    CHECK(x.min == -5.0f);
    CHECK(x.max == 4.0f);
    CHECK(x.samples == 2);
    CHECK(x.sum_of_minima.value() == -6.0);
    CHECK(x.sum_of_maxima.value() == 6.0);
    CHECK(table.values.at("r").min == 0.0f);
    CHECK(table.values.at("r").zeros == 3);
    CHECK(table.values.at("s").max == 8.0f);
}

TEST_CASE("trap 6: the table does not depend on threads, on the order of samples or on shards") {
    for (const bool ragged : {false, true}) {
        const auto model = model_with("1", ragged ? "L" : "50");
        const auto engine = make_reference_engine();
        auto samples = random_samples(60, ragged);
        const CalibrationTable wanted = calibrate(*model->graph, *engine, ListDataset(samples), {.threads = 1});
        for (const int threads : {2, 8}) check_equal(wanted, calibrate(*model->graph, *engine, ListDataset(samples), {.threads = threads}));
        CalibrationTable merged;
        const auto whole = std::make_shared<ListDataset>(samples);
        for (const std::size_t index : {2u, 0u, 1u}) {
            const CalibrationTable part = calibrate(*model->graph, *engine, *shard(whole, index, 3), {.threads = 2});
            for (const auto& [name, statistics] : part.values) merged.values[name].merge(statistics);
            merged.samples += part.samples;
        }
        check_equal(wanted, merged);
        std::shuffle(samples.begin(), samples.end(), std::mt19937(4));
        check_equal(wanted, calibrate(*model->graph, *engine, ListDataset(samples), {.threads = 2}));
    }
}

TEST_CASE("large samples: every value counts where there are few of them, a quarter counts four times where there are many; shards as the "
          "whole") {
    constexpr std::size_t kWidth = 40000;
    const auto model = model_with("1", std::to_string(kWidth));
    const auto engine = make_reference_engine();
    const auto counts_of = [](const CalibrationTable& table) {
        std::vector<std::uint64_t> counts;
        for (const auto side : {table.values.at("x").histogram.positive(), table.values.at("x").histogram.negative()})
            counts.insert(counts.end(), side.begin(), side.end());
        return counts;
    };
    std::vector<Sample> samples;
    for (std::size_t at = 0; at < 66; ++at) {
        std::vector<float> values(kWidth);
        std::mt19937 random(static_cast<unsigned>(at));
        for (float& value : values) value = std::normal_distribution<float>()(random);
        samples.push_back({{"x", row(values)}});
    }
    const auto whole = std::make_shared<ListDataset>(samples);
    const CalibrationTable many = calibrate(*model->graph, *engine, *whole, {.threads = 2});
    const CalibrationTable few = calibrate(*model->graph, *engine, *whole, {.threads = 2, .max_samples = 63});
    const auto counted_by_fours = [&](const CalibrationTable& table) {
        const std::vector<std::uint64_t> counts = counts_of(table);
        return std::all_of(counts.begin(), counts.end(), [](std::uint64_t count) { return count % 4 == 0; });
    };
    CHECK(counted_by_fours(many));
    CHECK_FALSE(counted_by_fours(few));
    const std::vector<std::uint64_t> counts = counts_of(few);
    CHECK(std::accumulate(counts.begin(), counts.end(), few.values.at("x").zeros) == 63 * kWidth);
    CalibrationTable merged;
    for (const std::size_t index : {1u, 0u}) {
        const CalibrationTable part =
            calibrate(*model->graph, *engine, *shard(whole, index, 2), {.threads = 2, .samples_of_all_shards = samples.size()});
        for (const auto& [name, statistics] : part.values) merged.values[name].merge(statistics);
        merged.samples += part.samples;
    }
    check_equal(many, merged);
}

TEST_CASE("a model with a fixed batch takes that many samples a run") {
    const auto model = model_with("4", "2");
    const auto engine = make_reference_engine();
    std::vector<float> values(22);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at);
    const auto data = make_array_dataset({{"x", "x.npy", Tensor::from_values<float>({11, 2}, values)}}, SampleAxis::Leading);
    const CalibrationTable table = calibrate(*model->graph, *engine, *data);
    CHECK(table.values.at("x").count == 16);  // three samples are left
    CHECK(table.values.at("x").max == 15.0f);
    CHECK(std::string(error_of([&] { calibrate(*model->graph, *engine, *data, {.max_samples = 3}); }).code().id) == codes::kDataEmpty.id);
}

TEST_CASE("only as many samples as wanted are used, and progress counts them") {
    const auto model = model_with("N", "50");
    const auto engine = make_reference_engine();
    std::vector<std::size_t> seen;
    const CalibrationTable table = calibrate(*model->graph, *engine, ListDataset(random_samples(20, false)),
                                             {.threads = 4, .max_samples = 7, .progress = [&](std::size_t done, std::size_t total) {
                                                  CHECK(total == 7);
                                                  seen.push_back(done);
                                              }});
    CHECK(table.samples == 7);
    CHECK(seen == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("samples that do not fit are refused by name") {
    const auto model = model_with("N", "3");
    const auto engine = make_reference_engine();
    const auto failing = [&](std::vector<Sample> samples) {
        return error_of([&] { calibrate(*model->graph, *engine, ListDataset(std::move(samples)), {.threads = 2}); });
    };
    const Sample good{{"x", row({1, 2, 3})}};
    CHECK(std::string(failing({}).code().id) == codes::kDataEmpty.id);

    const Error nan = failing({good, {{"x", row({1, std::numeric_limits<float>::quiet_NaN(), 3})}}});
    CHECK(std::string(nan.code().id) == codes::kDataNotFinite.id);
    CHECK(std::string(nan.what()).find("list[1]") != std::string::npos);
    CHECK(std::string(failing({{{"x", row({1, std::numeric_limits<float>::infinity(), 3})}}}).code().id) == codes::kDataNotFinite.id);

    const Error shape = failing({good, good, {{"x", row({1, 2})}}});
    CHECK(std::string(shape.code().id) == codes::kDataMismatch.id);
    CHECK(std::string(shape.what()).find("list[2]") != std::string::npos);
    CHECK(std::string(failing({{{"y", row({1, 2, 3})}}}).code().id) == codes::kDataMismatch.id);
    CHECK(std::string(failing({{{"x", Tensor::from_values<double>({1, 3}, {1, 2, 3})}}}).code().id) == codes::kDataMismatch.id);
    CHECK(std::string(failing({good, {}}).code().id) == codes::kDataMismatch.id);
}

TEST_CASE("a value that becomes NaN inside the model is counted, not ranged") {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "mcompress" : 1]>
        g (float[3] x) => (float[3] y) { r = Sqrt(x)  y = mcompress.Observe(r) })");
    infer_types(*model->graph);
    const auto engine = make_reference_engine();
    const ListDataset data({{{"", Tensor::from_values<float>({3}, {-1, 4, 9})}}});
    const CalibrationTable table = calibrate(*model->graph, *engine, data);
    CHECK(table.values.at("r").nan_count == 1);
    CHECK(table.values.at("r").min == 2.0f);
    CHECK(table.values.at("r").max == 3.0f);
}

TEST_CASE("integers are not ranged and half precision is") {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "mcompress" : 1]>
        g (float16[2] h, int64[2] i) => (float16[2] a, int64[2] b) { a = mcompress.Observe(h)  b = mcompress.Observe(i) })");
    infer_types(*model->graph);
    const auto engine = make_reference_engine();
    const ListDataset data({{{"h", Tensor::from_values<Float16>({2}, {to_float16(1.5f), to_float16(-2.0f)})},
                             {"i", Tensor::from_values<std::int64_t>({2}, {1, 2})}}});
    const CalibrationTable table = calibrate(*model->graph, *engine, data);
    CHECK(table.values.size() == 1);
    CHECK(table.values.at("h").min == -2.0f);
}
