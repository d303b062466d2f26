#include <cmath>

#include "data/array_dataset.h"
#include "engine/engine.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "validate/fidelity.h"

#include "catch.h"

using namespace mcompress;

namespace {

std::unique_ptr<Model> model_of(const char* text) {
    auto model = parse_model(text);
    infer_types(*model->graph);
    return model;
}

std::vector<LayerFidelity> layers_of(const Model& reference, const Model& candidate) {
    const auto data = make_array_dataset({{"x", "rows", Tensor::from_values(Shape{2, 2}, std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F})}},
                                         SampleAxis::Leading);
    return measure_layers(*make_onednn_engine(), *reference.graph, *candidate.graph, *data, 2, 2);
}

constexpr const char* kReference = R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[1,2] x) => (float[1,2] y) <float[2] one = {1, 1}> { a = Mul (x, one) y = Relu (a) })";

}  // namespace

TEST_CASE("a value whose channels equalization rescaled is compared without their factors") {
    const auto reference = model_of(kReference);
    const auto candidate = model_of(R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[1,2] x) => (float[1,2] y) <float[2] f = {2, 8}, float[2] back = {0.5, 0.125}, float s = {0.25}, uint8 z = {0}> {
    a_equalized = Mul (x, f)
    a_equalized_q = QuantizeLinear (a_equalized, s, z)
    a_equalized_dq = DequantizeLinear (a_equalized_q, s, z)
    r = Mul (a_equalized_dq, back)
    y = Relu (r)
})");
    const auto layers = layers_of(*reference, *candidate);
    REQUIRE(layers.size() == 1);
    CHECK(layers[0].value == "a");
    CHECK(layers[0].rescaled);
    CHECK(std::isinf(layers[0].measure.sqnr_db()));  // every number is a multiple of the scale
    CHECK(layers[0].measure.max_reference == 4.0);
}

TEST_CASE("a value under its own name is compared as it is, factors and all") {
    const auto reference = model_of(kReference);
    const auto candidate = model_of(R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[1,2] x) => (float[1,2] y) <float[2] f = {2, 2}, float s = {0.25}, uint8 z = {0}> {
    a = Mul (x, f)
    a_q = QuantizeLinear (a, s, z)
    a_dq = DequantizeLinear (a_q, s, z)
    y = Relu (a_dq)
})");
    const auto layers = layers_of(*reference, *candidate);
    REQUIRE(layers.size() == 1);
    CHECK_FALSE(layers[0].rescaled);
    CHECK(layers[0].measure.sqnr_db() == 0.0);  // twice the value: as much noise as signal
}
