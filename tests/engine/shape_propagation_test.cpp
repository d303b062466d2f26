// What is known before a run: extents that a graph computes from the shapes of its values, and defaults that nobody replaces.
#include <algorithm>

#include "catch.h"
#include "engine/bind_inputs.h"
#include "engine_pair.h"
#include "ops/infer.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::vector<std::string> kernels_of(const ExecutionPlan& plan) {
    std::vector<std::string> kernels;
    for (const StepInfo& step : plan.steps()) kernels.push_back(step.kernel);
    return kernels;
}

bool is_plain(const std::string& kernel) { return kernel.starts_with("plain:"); }

}  // namespace

TEST_CASE("what is computed from shapes is known when the inputs' shapes are", "[onednn]") {
    // As exporters write it: [batch, channels, height * width], the batch read from the value.
    GraphMaker maker;
    Value* x = maker.input("x", Shape{2, 16, 6, 6});
    maker.graph().set_type(x, ValueType::tensor(DType::Float32, Dims{Dim("batch"), 16, 6, 6}));
    Value* extents = maker.add("Cast", {maker.add("Shape", {x})}, {{"to", std::int64_t{6}, {}}});
    Value* batch = maker.add("Slice", {extents, maker.constant(Tensor::from_values<std::int64_t>({1}, {0})),
                                       maker.constant(Tensor::from_values<std::int64_t>({1}, {1}))});
    Value* rest = maker.constant(Tensor::from_values<std::int32_t>({3}, {16, 36, 1}));
    Value* wanted = maker.add("Cast", {maker.add("Concat", {batch, rest}, {{"axis", std::int64_t{0}, {}}})}, {{"to", std::int64_t{7}, {}}});
    Value* column = maker.add("Reshape", {x, wanted});
    maker.output(maker.add("Conv", {column, maker.weights(Shape{16, 16, 1, 1})}));
    infer_types(maker.graph());
    const Tensor input = Tensor::from_values<float>({2, 16, 6, 6}, std::vector<float>(2 * 16 * 36, 0.5F));
    const CompileOptions options{.input_shapes = shapes_given(maker.graph(), std::span(&input, 1))};
    const auto plan = make_onednn_engine()->compile(maker.graph(), options);
    const std::vector<std::string> kernels = kernels_of(*plan);
    CHECK(std::none_of(kernels.begin(), kernels.end(), is_plain));
    const Tensor expected = make_reference_engine()->compile(maker.graph(), options)->run(std::span(&input, 1))[0];
    const Tensor found = plan->run(std::span(&input, 1))[0];
    REQUIRE(found.shape() == Shape{2, 16, 36, 1});
    for (std::int64_t at = 0; at < found.element_count(); ++at)
        CHECK(found.data<float>()[at] == Approx(expected.data<float>()[at]).margin(1e-4));
}

TEST_CASE("defaults of inputs are constants of a plan unless their shapes are given", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 2});
    Value* shape = maker.input("shape", Shape{2}, DType::Int64);
    maker.graph().set_initializer(shape, Tensor::from_values<std::int64_t>({2}, {2, 1}));
    maker.output(maker.add("Relu", {maker.add("Reshape", {x, shape})}));
    infer_types(maker.graph());
    const Tensor given = Tensor::from_values<float>({1, 2}, {-1.0F, 3.0F});
    const Tensor other = Tensor::from_values<std::int64_t>({2}, {1, 2});
    const auto engine = make_onednn_engine();

    const auto fixed = engine->compile(maker.graph(), {});
    const std::vector<std::string> kernels = kernels_of(*fixed);
    CHECK(std::none_of(kernels.begin(), kernels.end(), is_plain));
    CHECK(fixed->run(std::vector{given, Tensor{}})[0].shape() == Shape{2, 1});
    try {
        fixed->run(std::vector{given, other});
        FAIL("a plan with a fixed default took another value");
    } catch (const Error& error) {
        CHECK(std::string(error.code().id) == codes::kDataMismatch.id);
    }

    const auto open = engine->compile(maker.graph(), {.input_shapes = {{"shape", Shape{2}}}});
    CHECK(open->run(std::vector{given, Tensor{}})[0].shape() == Shape{2, 1});
    CHECK(open->run(std::vector{given, other})[0].shape() == Shape{1, 2});
}
