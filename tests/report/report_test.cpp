#include <cmath>
#include <limits>

#include "catch.h"
#include "report/describe.h"
#include "report/json.h"
#include "report/text_table.h"

using namespace mcompress;

namespace {

ErrorMeasure measure_of(std::vector<float> reference, std::vector<float> candidate) {
    ErrorMeasure measure;
    measure.add(reference, candidate);
    return measure;
}

ValidateReport small_report() {
    ValidateReport report;
    report.reference.path = "a.onnx";
    report.reference.bytes = 1000;
    report.candidate.path = "b.onnx";
    report.candidate.bytes = 250;
    report.data = "eval";
    report.fidelity.samples = 4;
    report.fidelity.outputs.push_back({"y", measure_of({1, 2, 3}, {1, 2, 3})});
    ClassificationResult classes;
    classes.rows = 4;
    classes.agreements = 3;
    classes.has_labels = true;
    classes.reference_top1 = 4;
    classes.candidate_top1 = 3;
    classes.reference_top5 = classes.candidate_top5 = 4;
    report.fidelity.classification = classes;
    report.gates.push_back({"min-agreement", 98.0, 75.0, false});
    return report;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("numbers are written for people") {
    CHECK(with_thousands(0) == "0");
    CHECK(with_thousands(999) == "999");
    CHECK(with_thousands(1000) == "1,000");
    CHECK(with_thousands(-1234567) == "-1,234,567");
    CHECK(human_bytes(1023) == "1023 B");
    CHECK(human_bytes(13966359) == "13.3 MiB");
    CHECK(percent(0.7243) == "72.43 %");
    CHECK(decibels(14.926) == "14.93 dB");
    CHECK(decibels(std::numeric_limits<double>::infinity()) == "exact");
}

TEST_CASE("a table aligns its columns and shows no control character") {
    TextTable table({{"name", Align::Left}, {"n", Align::Right}});
    table.add_row({"conv\x1b[31m", "7"});
    table.add_row({"a", "1,000"});
    CHECK(table.to_string() == "name           n\n---------  -----\nconv?[31m      7\na          1,000\n");
}

TEST_CASE("a validation is shown with its gates") {
    const std::string text = to_text(small_report());
    CHECK(contains(text, "100.00 %    75.00 %  -25.00 points"));
    CHECK(contains(text, "exact"));
    CHECK(contains(text, "75.00 %"));
    CHECK(contains(text, "min-agreement"));
    CHECK(contains(text, "FAILED"));
}

TEST_CASE("JSON names its schema and has null where a number is infinite") {
    const std::string json = to_json(small_report());
    CHECK(contains(json, "\"schema\": \"mcompress/validate\""));
    CHECK(contains(json, "\"schema_version\": 1"));
    CHECK(contains(json, "\"sqnr_db\": null"));
    CHECK(contains(json, "\"exact\": true"));
    CHECK(contains(json, "\"agreement\": 0.75"));
}

TEST_CASE("weights-only quantization says so and tells how to do better") {
    QuantizeReport report;
    report.left_in_float.push_back({"conv_1", "Conv", "its weight is not a constant"});
    const std::string text = to_text(report);
    CHECK(contains(text, "only the weights are quantized"));
    CHECK(contains(text, "--data"));
    CHECK(contains(text, "its weight is not a constant"));
}

TEST_CASE("a name that is no UTF-8 does not break JSON") {
    ModelSummary summary;
    summary.path = "bad\xff.onnx";
    CHECK(contains(to_json(summary), "mcompress/inspect"));
}
