#include <algorithm>
#include <map>
#include <thread>

#include "catch.h"
#include "engine/memory_plan.h"
#include "engine_pair.h"
#include "ops/infer.h"
#include "support/error.h"

using namespace mcompress;

namespace {

Attribute pads() { return {"pads", std::vector<std::int64_t>{1, 1, 1, 1}, {}}; }

Value* conv_relu(GraphMaker& maker, Value* x) {
    return maker.add("Relu", {maker.add("Conv", {x, maker.weights(Shape{16, 16, 3, 3}), maker.weights(Shape{16})}, {pads()})});
}

}  // namespace

TEST_CASE("several threads share a plan", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 16, 12, 12});
    Value* y = conv_relu(maker, conv_relu(maker, x));
    maker.output(maker.add("Add", {y, x}));
    infer_types(maker.graph());
    const auto plan = make_onednn_engine()->compile(maker.graph(), {});
    std::vector<std::vector<Tensor>> inputs(4);
    std::vector<Tensor> expected;
    for (auto& input : inputs) {
        input = maker.random_inputs();
        expected.push_back(plan->run(input)[0]);
    }
    std::vector<int> wrong(inputs.size(), 0);
    std::vector<std::thread> threads;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        threads.emplace_back([&, at] {
            for (int turn = 0; turn < 50; ++turn) wrong[at] += plan->run(inputs[at])[0].equals(expected[at]) ? 0 : 1;
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(inputs.size(), 0));
}

TEST_CASE("observed values reach the tap as plain floats and change nothing", "[onednn]") {
    GraphMaker plain, observed;
    Value* y = conv_relu(plain, plain.input("x", Shape{1, 16, 6, 5}));
    plain.output(conv_relu(plain, y));
    y = conv_relu(observed, observed.input("x", Shape{1, 16, 6, 5}));
    Value* seen = observed.add("Observe", {y}, {}, "mcompress");
    observed.output(conv_relu(observed, seen));
    infer_types(plain.graph());
    infer_types(observed.graph());
    CompileOptions options;
    options.tapped = {y};
    const auto reference = make_reference_engine()->compile(observed.graph(), options);
    const auto plan = make_onednn_engine()->compile(observed.graph(), {});
    const auto inputs = observed.random_inputs();
    CHECK(make_onednn_engine()->compile(plain.graph(), {})->run(inputs)[0].equals(plan->run(inputs)[0]));
    Tensor expected, found;
    reference->run(inputs, [&](const Value& value, const Tensor& tensor) {
        if (&value == y) expected = tensor;
    });
    plan->run(inputs, [&](const Value& value, const Tensor& tensor) {
        if (&value == y) found = tensor;
    });
    REQUIRE(found.defined());
    REQUIRE(found.shape() == expected.shape());
    for (std::int64_t at = 0; at < found.element_count(); ++at)
        CHECK(found.data<float>()[at] == Approx(expected.data<float>()[at]).margin(1e-4));
    // The activation still runs inside of the convolution.
    int fused = 0;
    for (const StepInfo& step : plan->steps()) fused += step.op == "Conv+Relu" ? 1 : 0;
    CHECK(fused == 2);
}

TEST_CASE("a borrowed tap sees the same elements in some order", "[onednn]") {
    for (const std::int64_t channels : {16, 10}) {  // 10: blocked layouts have padding, which must not be seen
        GraphMaker maker;
        Value* x = maker.add("Observe", {maker.input("x", Shape{1, 3, 7, 5})}, {}, "mcompress");
        Value* inner = maker.add("Relu", {maker.add("Conv", {x, maker.weights(Shape{channels, 3, 3, 3})})});
        Value* seen = maker.add("Observe", {inner}, {}, "mcompress");
        maker.output(maker.add("Conv", {seen, maker.weights(Shape{8, channels, 1, 1})}));
        infer_types(maker.graph());
        const auto inputs = maker.random_inputs();
        const auto sorted_values = [&](TapAccess access) {
            std::map<std::string, std::vector<float>> values;
            const auto plan = make_onednn_engine()->compile(maker.graph(), {.tap_access = access});
            for (int round = 0; round < 2; ++round)
                plan->run(inputs, [&](const Value& value, const Tensor& tensor) {
                    CHECK(tensor.element_count() == (value.name() == "x" ? 105 : channels * 15));
                    auto& found = values[value.name()];
                    found.assign(tensor.values<float>().begin(), tensor.values<float>().end());
                    std::sort(found.begin(), found.end());
                });
            return values;
        };
        const auto in_order = sorted_values(TapAccess::InOrder);
        CHECK(in_order.size() == 2);
        CHECK(sorted_values(TapAccess::Borrowed) == in_order);
    }
}

TEST_CASE("what a tap writes is what the steps behind it read", "[onednn]") {
    for (const std::int64_t channels : {16, 10}) {
        // Twice the values in front of the second convolution, by an operator and by the tap.
        const auto build = [&](GraphMaker& maker, bool by_operator) {
            Value* x = maker.add("Observe", {maker.input("x", Shape{1, 3, 7, 5})}, {}, "mcompress");
            const Tensor two = Tensor::scalar(2.0f);
            if (by_operator) x = maker.add("Mul", {x, maker.graph().add_constant("two", two)});
            Value* inner = maker.add("Conv", {x, maker.weights(Shape{channels, 3, 3, 3})});
            Value* seen = maker.add("Observe", {maker.add("Relu", {inner})}, {}, "mcompress");
            if (by_operator) seen = maker.add("Mul", {seen, maker.graph().add_constant("two", two)});
            Value* gone = maker.add(
                "Reshape",
                {seen, maker.graph().add_constant(
                           "shape", Tensor::from_values(Shape{2}, std::span<const std::int64_t>(std::vector<std::int64_t>{1, -1})))});
            maker.output(maker.add("Conv", {seen, maker.weights(Shape{8, channels, 1, 1})}));
            maker.output(maker.add("Softplus", {gone}));
            infer_types(maker.graph());
        };
        GraphMaker by_operator, by_tap;
        build(by_operator, true);
        build(by_tap, false);
        const auto inputs = by_tap.random_inputs();
        const Tensor before = inputs[0];
        const std::vector<float> given(before.values<float>().begin(), before.values<float>().end());
        const auto expected = make_onednn_engine()->compile(by_operator.graph(), {})->run(inputs);
        const auto plan = make_onednn_engine()->compile(by_tap.graph(), {.tap_access = TapAccess::Writable});
        for (int round = 0; round < 2; ++round) {
            const auto found = plan->run(inputs, [&](const Value&, const Tensor& tensor) {
                for (float& value : writable_values(tensor)) value *= 2.0f;
            });
            for (std::size_t at = 0; at < 2; ++at) {
                REQUIRE(found[at].shape() == expected[at].shape());
                for (std::int64_t element = 0; element < found[at].element_count(); ++element)
                    CHECK(found[at].data<float>()[element] == Approx(expected[at].data<float>()[element]).margin(1e-4));
            }
        }
        CHECK(std::equal(given.begin(), given.end(), before.values<float>().begin()));  // the caller's input stays as it was
    }
}

TEST_CASE("a tapped value inside of a fused step is given out, too", "[onednn]") {
    GraphMaker maker;
    Value* inner = maker.add("Conv", {maker.input("x", Shape{1, 4, 6, 5}), maker.weights(Shape{8, 4, 1, 1})});
    maker.output(maker.add("Relu", {inner}));
    infer_types(maker.graph());
    CompileOptions options;
    options.tapped = {inner, maker.graph().inputs()[0]};
    const auto plan = make_onednn_engine()->compile(maker.graph(), options);
    int calls = 0;
    const auto inputs = maker.random_inputs();
    plan->run(inputs, [&](const Value& value, const Tensor& tensor) {
        ++calls;
        CHECK(tensor.shape() == *value.type().shape());
        if (&value == maker.graph().inputs()[0]) CHECK(tensor.equals(inputs[0]));
    });
    CHECK(calls == 2);
}

TEST_CASE("what depends on data runs all the same", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 8, 4, 4});
    Value* y = maker.add("Conv", {x, maker.weights(Shape{8, 8, 1, 1})});
    Value* places = maker.add("NonZero", {maker.add("Relu", {y})});
    maker.output(maker.add("Transpose", {places}, {{"perm", std::vector<std::int64_t>{1, 0}, {}}}));
    maker.output(maker.add("Relu", {y}));
    CHECK(relative_difference(maker) < 1e-5);
}

TEST_CASE("inputs of another shape or type are refused", "[onednn]") {
    GraphMaker maker;
    maker.output(maker.add("Relu", {maker.input("x", Shape{1, 4})}));
    infer_types(maker.graph());
    const auto plan = make_onednn_engine()->compile(maker.graph(), {});
    const auto code_of = [&](const Tensor& tensor) {
        try {
            plan->run(std::vector<Tensor>{tensor});
        } catch (const Error& error) {
            return std::string(error.code().id);
        }
        return std::string("none");
    };
    CHECK(code_of(Tensor(DType::Float32, Shape{1, 5})) == codes::kDataMismatch.id);
    CHECK(code_of(Tensor(DType::Int32, Shape{1, 4})) == codes::kDataMismatch.id);
    CHECK(code_of(Tensor(DType::Float32, Shape{1, 4})) == "none");
}

TEST_CASE("a sum is not written over what the convolution beside it still reads", "[onednn]") {
    for (const std::int64_t kernel : {std::int64_t{1}, std::int64_t{3}})
        for (const bool is_viewed : {false, true})
            for (const std::int64_t group : {std::int64_t{1}, std::int64_t{16}}) {
                CAPTURE(kernel, is_viewed, group);
                GraphMaker maker;
                Value* x = conv_relu(maker, maker.input("x", Shape{2, 16, 9, 7}));
                const std::int64_t pad = kernel / 2;
                Value* y = maker.add("Conv", {x, maker.weights(Shape{16, 16 / group, kernel, kernel})},
                                     {{"pads", std::vector<std::int64_t>{pad, pad, pad, pad}, {}}, {"group", group, {}}});
                Value* other = is_viewed ? maker.add("Identity", {x}) : x;
                maker.output(maker.add("Relu", {maker.add("Add", {other, y})}));
                CHECK(relative_difference(maker) < 1e-5);
            }
}

TEST_CASE("what shares its memory with a value that is read later is not written over", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.add("Sigmoid", {maker.input("x", Shape{2, 12, 8})});
    Value* flat = maker.add("Reshape", {x, maker.constant(Tensor::from_values(Shape{2}, std::vector<std::int64_t>{24, 8}))});
    Value* again = maker.add("Reshape", {x, maker.constant(Tensor::from_values(Shape{2}, std::vector<std::int64_t>{12, 16}))});
    maker.output(maker.add("Add", {flat, maker.weights(Shape{24, 8})}));
    maker.output(maker.add("Relu", {maker.add("Tanh", {flat})}));
    maker.output(maker.add("Mul", {again, maker.weights(Shape{12, 16})}));
    maker.output(maker.add("Tanh", {x}));
    CHECK(relative_difference(maker) < 1e-5);
}
