#include "pipeline/bench_models.h"

#include <algorithm>

#include "catch.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"

using namespace mcompress;

namespace {

const std::string kModel = MCOMPRESS_SOURCE_DIR "/examples/digits/digits.onnx";

BenchRequest quick() {
    BenchRequest request;
    request.models = {kModel};
    request.seconds = 0.0;  // the least number of runs
    return request;
}

}  // namespace

TEST_CASE("a bench has a row a model, batch size and number of threads, with a time a step") {
    BenchRequest request = quick();
    request.batches = {1, 3};
    request.thread_counts = {1, 2};
    request.opponent = kModel;
    const BenchReport report = bench_models(request);
    REQUIRE(report.rows.size() == 4);
    CHECK(report.peaks.size() == 2);
    for (const BenchRow& row : report.rows) {
        CHECK(row.latency.runs >= 10);
        CHECK(row.latency.minimum_ms > 0.0);
        CHECK(row.latency.median_ms >= row.latency.minimum_ms);
        CHECK(row.steps.size() == row.step_ms.size());
        CHECK(row.steps.size() == row.step_within_runs_ms.size());
        CHECK(row.steps_ms > 0.0);
        CHECK(row.steps_within_runs_ms > 0.0);
        CHECK(row.opponent.has_value());
        CHECK(row.speedup > 0.0);
    }
    // Work is counted at the shapes that ran.
    CHECK(report.rows[0].macs > 0);
    CHECK(report.rows[2].macs == 3 * report.rows[0].macs);
    CHECK(report.rows[2].inputs[0].second == "float[3,1,32,32]");
}

TEST_CASE("a bench's report says what was measured") {
    BenchRequest request = quick();
    request.step_detail = StepDetail::Shown;
    BenchReport report = bench_models(request);
    report.contention = {.others = 1.0, .waiting = 0.5};
    CHECK(to_text(report).find("CONTENDED") != std::string::npos);
    CHECK(to_text(report).find(report.rows[0].steps[0].kernel) != std::string::npos);
    CHECK(to_json(report).find("\"contended\": true") != std::string::npos);
    report.contention = {};
    CHECK(to_text(report).find("CONTENDED") == std::string::npos);
    CHECK(to_json(report).find("\"contended\": false") != std::string::npos);
}

TEST_CASE("a bench refuses shapes that do not fit") {
    BenchRequest request = quick();
    SECTION("another rank") { request.shapes["image"] = Shape{1, 784}; }
    SECTION("no such input") { request.shapes["picture"] = Shape{1, 1, 32, 32}; }
    SECTION("an unknown engine") { request.engine = "warp"; }
    CHECK_THROWS_AS(bench_models(request), Error);
}
