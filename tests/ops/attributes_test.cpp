// Typed attributes hide the differences of versions.
#include "catch.h"
#include "onnx/text.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/normalization.h"
#include "ops/reduce.h"
#include "ops/resize.h"
#include "ops/shape.h"
#include "ops/softmax.h"
#include "support/error.h"

using namespace mcompress;

namespace {

// A model of one graph (float[2,3,4] x) => (float y) of those nodes.
std::unique_ptr<Model> model_of(int opset, const std::string& nodes) {
    return parse_model("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]> g (float[2,3,4] x) => (float[] y) {" + nodes +
                       "}");
}

template <typename Attrs> Attrs last(const Model& model) { return attrs<Attrs>(*model.graph->nodes().back()); }

}  // namespace

TEST_CASE("attributes: Clip's bounds come from attributes or inputs") {
    const ClipAttrs old = last<ClipAttrs>(*model_of(6, "y = Clip<min = 0.0, max = 6.0>(x)"));
    CHECK(old.min.value == 0.0);
    CHECK(old.max.value == 6.0);
    CHECK(old.max.input == -1);
    const ClipAttrs young = last<ClipAttrs>(*model_of(13, "m = Constant<value = float {6.0}>() y = Clip(x, , m)"));
    CHECK(young.min.is_absent());
    CHECK(young.max.input == 2);
    CHECK(young.max.value == 6.0);
    CHECK(young.is_settled());
    const ClipAttrs dynamic = last<ClipAttrs>(*model_of(13, "m = ReduceMax<keepdims = 0>(x) y = Clip(x, m)"));
    CHECK(dynamic.min.input == 1);
    CHECK_FALSE(dynamic.is_settled());
}

TEST_CASE("attributes: axes of reductions and of Squeeze, Unsqueeze") {
    const ReduceAttrs mean = last<ReduceAttrs>(*model_of(13, "y = ReduceMean<axes = [-1], keepdims = 0>(x)"));
    CHECK(mean.axes.values == std::vector<std::int64_t>{-1});
    CHECK_FALSE(mean.keeps_dims);
    CHECK(mean.resolve(3, *mean.axes.values) == std::vector<int>{2});
    CHECK(mean.resolve(3, {}) == std::vector<int>{0, 1, 2});
    CHECK_THROWS_AS(mean.resolve(3, {3}), Error);
    const ReduceAttrs sum =
        last<ReduceAttrs>(*model_of(13, "a = Constant<value = int64[1] {1}>() y = ReduceSum<noop_with_empty_axes = 1>(x, a)"));
    CHECK(sum.axes.input == 1);
    CHECK(sum.axes.values == std::vector<std::int64_t>{1});
    CHECK(sum.resolve(3, {}).empty());
    CHECK(last<SqueezeAttrs>(*model_of(11, "y = Squeeze<axes = [0]>(x)")).axes.input == -1);
    CHECK(last<SqueezeAttrs>(*model_of(13, "y = Squeeze(x)")).axes.is_absent());
    CHECK_THROWS_AS(last<UnsqueezeAttrs>(*model_of(11, "y = Unsqueeze(x)")), Error);
}

TEST_CASE("attributes: Softmax normalizes one axis from opset 13, a flattened tail before") {
    const SoftmaxAttrs old = last<SoftmaxAttrs>(*model_of(11, "y = Softmax(x)"));
    CHECK(old.axis == 1);
    CHECK(old.extent == SoftmaxAttrs::Extent::AxisAndFollowing);
    const SoftmaxAttrs young = last<SoftmaxAttrs>(*model_of(13, "y = Softmax(x)"));
    CHECK(young.axis == -1);
    CHECK(young.extent == SoftmaxAttrs::Extent::OneAxis);
}

TEST_CASE("attributes: Resize of version 10 and Upsample are asymmetric and do not name their rounding") {
    const ResizeAttrs old = last<ResizeAttrs>(*model_of(10, "s = Constant<value = float[3] {1.0, 1.0, 2.0}>() y = Resize(x, s)"));
    CHECK(old.coordinates == ResizeAttrs::Coordinates::Asymmetric);
    CHECK(old.nearest == ResizeAttrs::Nearest::Unnamed);
    CHECK(old.scales_input == 1);
    REQUIRE(old.scales);
    CHECK(old.resolve(Shape{2, 3, 5}, *old.scales, {})[2].output == 10);
    const ResizeAttrs young =
        last<ResizeAttrs>(*model_of(13, "s = Constant<value = int64[3] {2, 3, 7}>() y = Resize<mode = \"linear\">(x, , , s)"));
    CHECK(young.coordinates == ResizeAttrs::Coordinates::HalfPixel);
    CHECK(young.mode == ResizeAttrs::Mode::Linear);
    CHECK(young.scales_input == -1);
    CHECK(young.sizes_input == 3);
    CHECK(young.resolve(Shape{2, 3, 4}, {}, *young.sizes)[2].output == 7);
    CHECK(young.resolve(Shape{2, 3, 4}, {}, *young.sizes)[2].scale == Approx(1.75));
}

TEST_CASE("attributes: BatchNormalization trains only where it says so") {
    const std::string extra = "m = Constant<value = float[3] {1.0, 1.0, 1.0}>() ";
    const auto mode = [&](int opset, const std::string& node) { return last<BatchNormAttrs>(*model_of(opset, extra + node)).mode; };
    CHECK(mode(9, "y = BatchNormalization(x, m, m, m, m)") == BatchNormAttrs::Mode::Inference);
    CHECK(mode(9, "y, a, b, c, d = BatchNormalization(x, m, m, m, m)") == BatchNormAttrs::Mode::Training);
    CHECK(mode(15, "y = BatchNormalization(x, m, m, m, m)") == BatchNormAttrs::Mode::Inference);
    CHECK(mode(15, "y, a, b = BatchNormalization<training_mode = 1>(x, m, m, m, m)") == BatchNormAttrs::Mode::Training);
}

TEST_CASE("attributes: Slice clamps as NumPy does") {
    CHECK(resolve_slice(0, INT64_MAX, 1, 5) == SliceRange{0, 1, 5});
    CHECK(resolve_slice(-3, -1, 1, 5) == SliceRange{2, 1, 2});
    CHECK(resolve_slice(-1, INT64_MIN, -1, 5) == SliceRange{4, -1, 5});
    CHECK(resolve_slice(4, 0, -2, 5) == SliceRange{4, -2, 2});
    CHECK(resolve_slice(20, 30, 1, 5).count == 0);
    CHECK(resolve_slice(3, 1, 1, 5).count == 0);
    CHECK(resolve_slice(0, 5, INT64_MIN, 5).count == 0);
    CHECK(resolve_slice(4, INT64_MIN, INT64_MIN, 5).count == 1);
    CHECK_THROWS_AS(resolve_slice(0, 1, 0, 5), Error);
}

TEST_CASE("attributes: Reshape's target is resolved") {
    ReshapeAttrs attrs;
    CHECK(attrs.resolve(Shape{2, 3, 4}, {0, -1}) == Shape{2, 12});
    CHECK_THROWS_AS(attrs.resolve(Shape{2, 3, 4}, {5, -1}), Error);
    CHECK_THROWS_AS(attrs.resolve(Shape{2, 3, 4}, {-1, -1}), Error);
    CHECK_THROWS_AS(attrs.resolve(Shape{2, 3, 4}, {2, 3, 4, 0}), Error);
    attrs.zero = ReshapeAttrs::Zero::IsZero;
    CHECK(attrs.resolve(Shape{0, 3}, {3, 0}) == Shape{3, 0});
}

TEST_CASE("attributes: Einsum's equation gets its output spelt out") {
    const EinsumAttrs attrs = last<EinsumAttrs>(*model_of(12, "y = Einsum<equation = \"...ij, jk\">(x, x)"));
    CHECK(attrs.inputs == std::vector<std::string>{".ij", "jk"});
    CHECK(attrs.output == ".ik");
    CHECK_THROWS_AS(last<EinsumAttrs>(*model_of(12, "y = Einsum<equation = \"ij->iz\">(x)")), Error);
}

TEST_CASE("attributes: wrong kinds and values name node and attribute") {
    CHECK_THROWS_WITH(last<SoftmaxAttrs>(*model_of(13, "y = Softmax<axis = 1.5>(x)")), contains_text("attribute 'axis'"));
    CHECK_THROWS_AS(last<ConcatAttrs>(*model_of(13, "y = Concat(x, x)")), Error);
    CHECK_THROWS_AS(last<DepthToSpaceAttrs>(*model_of(13, "y = DepthToSpace<blocksize = 0>(x)")), Error);
    CHECK_THROWS_AS(last<PadAttrs>(*model_of(13, "y = Pad<mode = \"mirror\">(x, x)")), Error);
}
