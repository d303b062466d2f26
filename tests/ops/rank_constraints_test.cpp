#include "ops/rank_constraints.h"

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

std::string refusal(const std::string& opset, const std::string& graph) {
    const auto model = parse_model("<ir_version: 8, opset_import: [\"\" : " + opset + "]> " + graph);
    try {
        infer_types(*model->graph);
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("ranks: sizes are vectors") {
    CHECK_THAT(refusal("13", "g (float[2,3] x, int64[1,2] s) => (float y) { y = Reshape (x, s) }"),
               contains_text("input 1 has rank 2, expected 1"));
    CHECK_THAT(refusal("13", "g (int64 s) => (float y) { y = ConstantOfShape (s) }"), contains_text("input 0 has rank 0, expected 1"));
    CHECK(refusal("13", "g (float[2,3] x, int64[1] s) => (float[K] y) { y = Reshape (x, s) }").empty());
}

TEST_CASE("ranks: an axis needs one") {
    CHECK_THAT(refusal("13", "g (float x) => (float y) { y = Softmax (x) }"), contains_text("input 0 has rank 0, expected at least 1"));
    CHECK(refusal("11", "g (float x) => (float y) { y = Softmax (x) }").empty());
}

TEST_CASE("what an operator cannot do without, and what it does not give") {
    CHECK_THAT(refusal("13", "g (float[1,1,4,4] x) => (float[1,1,8,8] y) { y = Resize (x) }"),
               contains_text("neither scales nor sizes are given"));
    CHECK_THAT(refusal("15", "g (float[1,2,4] x, float[2] s) => (float[1,2,4] y) { y, m, v = BatchNormalization (x, s, s, s, s) }"),
               contains_text("has 3 outputs"));
}
