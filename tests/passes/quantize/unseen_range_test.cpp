// Which values get ranges beyond what was seen, and where those end.
#include "passes/quantize/unseen_range.h"

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

/// Ten samples of 16 values whose extremes vary around -2 and 5.
TensorStatistics varied() {
    TensorStatistics statistics;
    for (int sample = 0; sample < 10; ++sample) {
        std::vector<float> values(16, 1.0F);
        values[0] = 5.0F + 0.1F * static_cast<float>(sample);
        values[1] = -2.0F - 0.1F * static_cast<float>(sample);
        statistics.add_sample(values);
    }
    return statistics;
}

}  // namespace

TEST_CASE("unseen_range: beyond what was seen, but not beyond what the operator gives", "[quantize]") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[16] x) => (float[16] y)
{
  low = Constant <value = float {-2.95}> ()
  high = Constant <value = float {6.0}> ()
  free = Neg (x)
  clipped = Clip (free, low, high)
  positive = Relu (free)
  share = Sigmoid (free)
  y = Add (clipped, positive)
})");
    infer_types(*model->graph);
    const TensorStatistics statistics = varied();
    QuantizationScheme scheme;
    const auto range = [&](const char* name) { return unseen_range(*model->graph->find_value(name), statistics, scheme); };
    REQUIRE(range("x"));
    CHECK(range("x")->min < -2.95F);
    CHECK(range("x")->max > 5.95F);
    CHECK(range("free") == range("x"));
    REQUIRE(range("clipped"));
    CHECK(range("clipped")->min == -2.95F);
    CHECK(range("clipped")->max <= 6.0F);
    CHECK(range("positive")->max == range("x")->max);
    CHECK(range("share")->max == statistics.max);  // what was seen stays inside, whatever an operator should give

    scheme.ranges["x"] = {-1.0F, 1.0F};
    CHECK_FALSE(range("x"));  // somebody said it
    scheme.range_method = "min-max";
    CHECK_FALSE(range("free"));
    scheme.activation_dtypes["free"] = DType::UInt16;
    REQUIRE(range("free"));
    CHECK(range("free")->max > range("clipped").value_or(ValueRange{}).max);
}
