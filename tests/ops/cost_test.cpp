// Multiply-accumulates and sizes by the usual definitions.
#include "catch.h"
#include "onnx/text.h"
#include "ops/cost.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

GraphCost cost_of(const std::string& graph) {
    const auto model = parse_model("<ir_version: 8, opset_import: [\"\" : 13]> " + graph);
    infer_types(*model->graph);
    return measure_cost(*model->graph);
}

}  // namespace

TEST_CASE("cost: products are counted by their definition") {
    // 2 * 6 * 8 * 8 outputs, each over 4 / 2 channels and 3 * 3 kernel elements.
    CHECK(cost_of("g (float[2,4,8,8] x, float[6,2,3,3] w) => (float[] y) { y = Conv<group = 2, pads = [1,1,1,1]>(x, w) }").macs ==
          2 * 6 * 8 * 8 * 2 * 3 * 3);
    // Every input element into 5 filters of 2 * 2.
    CHECK(cost_of("g (float[1,3,4,4] x, float[3,5,2,2] w) => (float[] y) { y = ConvTranspose<strides = [2,2]>(x, w) }").macs ==
          3 * 4 * 4 * 5 * 2 * 2);
    CHECK(cost_of("g (float[7,2] x, float[5,7] w) => (float[] y) { y = Gemm<transA = 1, transB = 1>(x, w) }").macs == 2 * 7 * 5);
    CHECK(cost_of("g (float[3,1,4,5] x, float[6,5,2] w) => (float[] y) { y = MatMul(x, w) }").macs == 3 * 6 * 4 * 5 * 2);
    CHECK(cost_of("g (float[5] x, float[5] w) => (float[] y) { y = MatMul(x, w) }").macs == 5);
    CHECK(cost_of("g (float[3,4] x, float[4,5] w) => (float[] y) { y = Einsum<equation = \"ij,jk->ik\">(x, w) }").macs == 3 * 4 * 5);
    // 10 steps of batch 2, four gates of 8 from 3 inputs and 8 states.
    CHECK(cost_of("g (float[10,2,3] x, float[1,32,3] w, float[1,32,8] r) => (float[] y) { y = LSTM<hidden_size = 8>(x, w, r) }").macs ==
          10 * 2 * 4 * 8 * (3 + 8));
    CHECK(cost_of("g (float[4,4] x) => (float[] y) { a = Relu(x) y = Add(a, x) }").macs == 0);
}

TEST_CASE("cost: symbols count as one, unknown shapes and operators are said to be unknown") {
    CHECK(cost_of("g (float[N,4] x, float[4,5] w) => (float[] y) { y = MatMul(x, w) }").macs == 4 * 5);
    const GraphCost cost = cost_of("g (float[] x, float[4,5] w) => (float[] y) { a = MatMul(x, w) y = Mystery(a) }");
    CHECK(cost.macs == 0);
    CHECK(cost.unknown_macs == 2);
    CHECK(cost.op_counts == std::map<std::string, int>{{"MatMul", 1}, {"Mystery", 1}});
}

TEST_CASE("cost: counts stay at the largest number instead of overflowing") {
    CHECK(cost_of("g (float[4000000000,4000000000] x, float[4000000000,4000000000] w) => (float[] y) { y = MatMul(x, w) }").macs ==
          INT64_MAX);
}
