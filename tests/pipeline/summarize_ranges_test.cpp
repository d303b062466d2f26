// What a report says of ranges: shares by the definition, from values whose quantization is known.
#include "pipeline/summarize_ranges.h"

#include <cmath>
#include <vector>

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

constexpr std::string_view kModel = R"(<ir_version: 8, opset_import: ["": 17]>
g (float[1, 4] x) => (float[1, 4] y)
{
  s = Constant <value = float {0.1}> ()
  z = Constant <value = uint8 {128}> ()
  q = QuantizeLinear (x, s, z)
  y = DequantizeLinear (q, s, z)
})";

}  // namespace

TEST_CASE("shares outside a range and of zeros are those of the values", "[pipeline]") {
    const auto model = parse_model(kModel);
    infer_types(*model->graph);
    // u8 codes with step 0.1 and zero point 128 stand for -12.8 to 12.7; half a step further still rounds to them.
    std::vector<float> values(1000);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = at < 200 ? 0.0f : static_cast<float>(at % 8 == 0 ? 20 : -5);
    double outside = 0.0, zeros = 0.0, not_zero = 0.0;
    for (const float value : values) {
        zeros += value == 0.0f ? 1.0 : 0.0;
        not_zero += value != 0.0f ? 1.0 : 0.0;
        outside += value != 0.0f && (std::nearbyint(value / 0.1f) + 128 > 255 || std::nearbyint(value / 0.1f) + 128 < 0) ? 1.0 : 0.0;
    }
    CalibrationTable table;
    table.values["x"].add_sample(values);
    const std::vector<RangeSummary> ranges = summarize_ranges(*model->graph, table);
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0].value == "x");
    CHECK(ranges[0].dtype == "uint8");
    CHECK(ranges[0].observed == ValueRange{-5.0f, 20.0f});
    CHECK(ranges[0].chosen.min == Approx(-12.8f));
    CHECK(ranges[0].chosen.max == Approx(12.7f));
    CHECK(ranges[0].clipped == Approx(outside / not_zero));
    CHECK(ranges[0].zeros == Approx(zeros / static_cast<double>(values.size())));
    CHECK(ranges[0].counts.front() + ranges[0].counts.back() == not_zero);
}

TEST_CASE("a value that was not observed has no summary", "[pipeline]") {
    const auto model = parse_model(kModel);
    infer_types(*model->graph);
    CHECK(summarize_ranges(*model->graph, {}).empty());
}
