// What moves and reduces data at sizes that cross tiles, lanes and pieces, against plain index arithmetic; and with any number of threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "catch.h"
#include "engine/engine.h"
#include "engine/onednn/shared_constants.h"
#include "engine/plan_cache.h"
#include "engine_pair.h"
#include "ops/infer.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;
Attribute ints(const char* name, Ints values) { return {name, std::move(values), {}}; }
Attribute number(const char* name, std::int64_t value) { return {name, value, {}}; }
Tensor list(const Ints& values) { return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values); }

/// Small whole numbers: sums of them are exact in any order.
Tensor whole_numbers(DType dtype, const Shape& shape, unsigned seed) {
    Tensor tensor = Tensor::uninitialized(dtype, shape);
    std::mt19937 random(seed);
    for (std::int64_t at = 0; at < tensor.element_count(); ++at) {
        const int value = static_cast<int>(random() % 100);
        if (dtype == DType::Float32) tensor.mutable_data<float>()[at] = static_cast<float>(value - 50);
        else if (dtype == DType::Int64) tensor.mutable_data<std::int64_t>()[at] = value;
        else if (dtype == DType::Bool) tensor.mutable_data<bool>()[at] = value % 2 == 0;
        else tensor.mutable_data<std::uint8_t>()[at] = static_cast<std::uint8_t>(value);
    }
    return tensor;
}

struct Operator {
    std::string op;
    std::vector<Tensor> inputs;
    std::vector<Attribute> attributes = {};
    std::vector<Tensor> constants = {};
};

Tensor run(const Operator& given, int threads, const Engine& engine) {
    GraphMaker maker;
    std::vector<Value*> inputs;
    for (const Tensor& tensor : given.inputs)
        inputs.push_back(maker.input("x" + std::to_string(inputs.size()), tensor.shape(), tensor.dtype()));
    for (const Tensor& tensor : given.constants) inputs.push_back(maker.constant(tensor));
    maker.output(maker.add(given.op, inputs, given.attributes));
    infer_types(maker.graph());
    return engine.compile(maker.graph(), {.threads = threads})->run(given.inputs)[0];
}

/// The result, after both engines and one, two and three threads have agreed on it to the bit.
Tensor agreed(const Operator& given) {
    const Tensor result = run(given, 1, *make_reference_engine());
    for (const int threads : {1, 2, 3}) {
        CHECK(run(given, threads, *make_reference_engine()).equals(result));
        CHECK(run(given, threads, *make_onednn_engine()).equals(result));
    }
    return result;
}

/// Position of every output element's source: calls visit(output position, index) in row-major order.
template <typename Visit> void for_each_index(const Shape& shape, Visit&& visit) {
    Ints index(static_cast<std::size_t>(shape.rank()), 0);
    for (std::int64_t at = 0; at < shape.element_count(); ++at) {
        visit(at, index);
        for (std::size_t axis = index.size(); axis-- > 0;) {
            if (++index[axis] < shape[static_cast<int>(axis)]) break;
            index[axis] = 0;
        }
    }
}

void check_transpose(DType dtype, const Shape& shape, const Ints& order) {
    CAPTURE(dtype_name(dtype), shape.to_string(), order);
    const Tensor x = whole_numbers(dtype, shape, 7);
    const Tensor y = agreed({"Transpose", {x}, {ints("perm", order)}});
    const Ints strides = shape.strides();
    const std::size_t bytes = packed_byte_size(dtype, 1);
    bool same = true;
    for_each_index(y.shape(), [&](std::int64_t at, const Ints& index) {
        std::int64_t from = 0;
        for (std::size_t axis = 0; axis < index.size(); ++axis) from += index[axis] * strides[static_cast<std::size_t>(order[axis])];
        same = same && std::equal(y.bytes() + static_cast<std::size_t>(at) * bytes, y.bytes() + static_cast<std::size_t>(at + 1) * bytes,
                                  x.bytes() + static_cast<std::size_t>(from) * bytes);
    });
    CHECK(same);
}

}  // namespace

TEST_CASE("transposes across tiles", "[movement]") {
    for (const DType dtype : {DType::UInt8, DType::Float32, DType::Int64}) {
        check_transpose(dtype, {130, 67}, {1, 0});
        check_transpose(dtype, {1, 3, 70, 90}, {0, 2, 3, 1});
        check_transpose(dtype, {1, 70, 90, 3}, {0, 3, 1, 2});
        check_transpose(dtype, {2, 33, 65, 2}, {3, 1, 0, 2});
        check_transpose(dtype, {5, 4, 6, 7}, {3, 2, 1, 0});
        check_transpose(dtype, {3, 40, 5, 64}, {0, 2, 1, 3});
        check_transpose(dtype, {2, 300, 4, 80}, {0, 2, 3, 1});
    }
    check_transpose(DType::Float32, {700, 513}, {1, 0});
    check_transpose(DType::UInt8, {1, 64, 130, 170}, {0, 2, 3, 1});
}

TEST_CASE("slices, joins and gathers of runs", "[movement]") {
    const Tensor x = whole_numbers(DType::Float32, {70, 513, 12}, 3);
    for (const std::int64_t step : {1, 2, 3, -1, -2}) {
        const Tensor y = agreed({"Slice", {x}, {}, {list({step > 0 ? 5 : 500}), list({step > 0 ? 500 : 5}), list({1}), list({step})}});
        bool same = true;
        for_each_index(y.shape(), [&](std::int64_t at, const Ints& i) {
            const std::int64_t row = (step > 0 ? 5 : 500) + i[1] * step;
            same = same && y.data<float>()[at] == x.data<float>()[(i[0] * 513 + row) * 12 + i[2]];
        });
        CHECK(same);
    }
    const Tensor other = whole_numbers(DType::Float32, {70, 300, 12}, 4);
    const Tensor joined = agreed({"Concat", {x, other}, {number("axis", 1)}});
    bool same = true;
    for_each_index(joined.shape(), [&](std::int64_t at, const Ints& i) {
        const float expected =
            i[1] < 513 ? x.data<float>()[(i[0] * 513 + i[1]) * 12 + i[2]] : other.data<float>()[(i[0] * 300 + i[1] - 513) * 12 + i[2]];
        same = same && joined.data<float>()[at] == expected;
    });
    CHECK(same);
    const Ints picks{3, 0, 511, 512, -1, 77};
    for (const std::int64_t axis : {0, 1, 2}) {
        Ints indices = picks;
        for (std::int64_t& index : indices) index = index < 0 ? index : index % x.shape()[static_cast<int>(axis)];
        const Tensor y = agreed({"Gather", {x}, {number("axis", axis)}, {list(indices)}});
        same = true;
        for_each_index(y.shape(), [&](std::int64_t at, Ints i) {
            std::int64_t& index = i[static_cast<std::size_t>(axis)];
            index = indices[static_cast<std::size_t>(index)];
            if (index < 0) index += x.shape()[static_cast<int>(axis)];
            same = same && y.data<float>()[at] == x.data<float>()[(i[0] * 513 + i[1]) * 12 + i[2]];
        });
        CHECK(same);
    }
}

TEST_CASE("broadcasts of every kind of operand", "[movement]") {
    const Shape full{3, 130, 700};
    const std::vector<Shape> parts{full, {1}, {700}, {130, 1}, {3, 1, 1}, {3, 1, 700}, {1, 130, 1}};
    for (const Shape& a : parts)
        for (const Shape& b : parts) {
            CAPTURE(a.to_string(), b.to_string());
            const Tensor x = whole_numbers(DType::Float32, a, 1), y = whole_numbers(DType::Float32, b, 2);
            const Tensor choice = whole_numbers(DType::Bool, parts[static_cast<std::size_t>(a.rank() + b.rank()) % parts.size()], 3);
            const auto at = [](const Tensor& tensor, const Ints& i) {
                std::int64_t position = 0;
                const int own = tensor.shape().rank();
                for (int axis = 0; axis < own; ++axis) {
                    const std::size_t whole = i.size() - static_cast<std::size_t>(own - axis);
                    position = position * tensor.shape()[axis] + (tensor.shape()[axis] == 1 ? 0 : i[whole]);
                }
                return position;
            };
            bool same = true;
            const Tensor difference = agreed({"Sub", {x, y}});
            for_each_index(difference.shape(), [&](std::int64_t o, const Ints& i) {
                same = same && difference.data<float>()[o] == x.data<float>()[at(x, i)] - y.data<float>()[at(y, i)];
            });
            const Tensor chosen = agreed({"Where", {choice, x, y}});
            for_each_index(chosen.shape(), [&](std::int64_t o, const Ints& i) {
                const bool yes = choice.data<bool>()[at(choice, i)];
                same = same && chosen.data<float>()[o] == (yes ? x.data<float>()[at(x, i)] : y.data<float>()[at(y, i)]);
            });
            CHECK(same);
        }
}

TEST_CASE("reductions over any axes", "[movement]") {
    const std::vector<std::pair<Shape, Ints>> cases = {{{40, 300, 70}, {2}},    {{40, 300, 70}, {0}},    {{40, 300, 70}, {1}},
                                                       {{40, 300, 70}, {0, 2}}, {{40, 300, 70}, {0, 1}}, {{300000}, {0}},
                                                       {{2, 200001}, {1}},      {{100001, 3}, {0}},      {{9, 5, 8, 700}, {0, 2}},
                                                       {{9, 7, 8, 70}, {1, 3}}, {{50, 4, 3000}, {1}},    {{60000, 5}, {1}}};
    for (const auto& [shape, axes] : cases) {
        CAPTURE(shape.to_string(), axes);
        const Tensor x = whole_numbers(DType::Float32, shape, 5);
        for (const char* op : {"ReduceSumSquare", "ReduceL1", "ReduceMax", "ReduceMin"}) {
            const Tensor y = agreed({op, {x}, {ints("axes", axes), number("keepdims", 1)}});
            const std::string name = op;
            std::vector<double> expected(static_cast<std::size_t>(y.element_count()), name == "ReduceMax"   ? -1e9
                                                                                      : name == "ReduceMin" ? 1e9
                                                                                                            : 0);
            const Ints strides = y.shape().strides();
            for_each_index(shape, [&](std::int64_t at, const Ints& i) {
                std::int64_t to = 0;
                for (std::size_t axis = 0; axis < i.size(); ++axis)
                    if (y.shape()[static_cast<int>(axis)] != 1) to += i[axis] * strides[axis];
                double& total = expected[static_cast<std::size_t>(to)];
                const double value = static_cast<double>(x.data<float>()[at]);
                total = name == "ReduceMax"   ? std::max(total, value)
                        : name == "ReduceMin" ? std::min(total, value)
                                              : total + (name == "ReduceL1" ? std::abs(value) : value * value);
            });
            bool same = true;
            for (std::size_t at = 0; at < expected.size(); ++at) same = same && y.data<float>()[at] == static_cast<float>(expected[at]);
            CHECK(same);
        }
    }
}

TEST_CASE("extreme values: NaN wins, the first and the last of equals", "[movement]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    Tensor x(DType::Float32, {3, 40});
    std::fill_n(x.mutable_data<float>(), 120, -std::numeric_limits<float>::infinity());
    for (const int at : {17, 23}) x.mutable_data<float>()[at] = 5.0F;
    x.mutable_data<float>()[40 + 33] = nan;
    x.mutable_data<float>()[40 + 5] = 9.0F;
    const auto owned = make_reference_engine();
    const Engine& engine = *owned;
    const Tensor top = run({"ReduceMax", {x}, {ints("axes", {1}), number("keepdims", 0)}}, 1, engine);
    CHECK(top.data<float>()[0] == 5.0F);
    CHECK(std::isnan(top.data<float>()[1]));
    CHECK(top.data<float>()[2] == -std::numeric_limits<float>::infinity());
    const Tensor first = run({"ArgMax", {x}, {number("axis", 1), number("keepdims", 0)}}, 1, engine);
    const Tensor last = run({"ArgMax", {x}, {number("axis", 1), number("keepdims", 0), number("select_last_index", 1)}}, 1, engine);
    CHECK(Ints(first.values<std::int64_t>().begin(), first.values<std::int64_t>().end()) == Ints{17, 5, 0});
    CHECK(Ints(last.values<std::int64_t>().begin(), last.values<std::int64_t>().end()) == Ints{23, 5, 39});
}

namespace {

/// Counts what it compiles.
class CountingEngine : public Engine {
public:
    std::string_view name() const override { return "counting"; }
    std::unique_ptr<ExecutionPlan> compile(const Graph& graph, const CompileOptions& options) const override {
        ++compiled;
        return engine_->compile(graph, options);
    }
    mutable std::atomic<int> compiled{0};

private:
    std::unique_ptr<Engine> engine_ = make_onednn_engine();
};

}  // namespace

TEST_CASE("a plan cache compiles every shape once, drops the one unused for longest, and keeps no failure", "[movement]") {
    Model model;
    (*model.opset_imports)[""] = 17;
    Value* x = model.graph->add_input("x", ValueType::tensor(DType::Float32, Dims{Dim("n"), Dim(4)}));
    Value* w = model.graph->add_constant("w", whole_numbers(DType::Float32, {4, 8}, 1));
    model.graph->add_output(model.graph->add_node({.op_type = "MatMul", .inputs = {x, w}})->output(0));
    infer_types(*model.graph);
    const CountingEngine engine;
    PlanCache plans(engine, *model.graph, {}, 3);
    const auto use = [&](std::int64_t rows) {
        const std::vector<Tensor> inputs{whole_numbers(DType::Float32, {rows, 4}, 2)};
        CHECK(plans.plan_for(inputs)->run(inputs)[0].shape() == Shape{rows, 8});
    };
    parallel_for(60, 4, [&](int, std::size_t index) {
        const std::vector<Tensor> inputs{whole_numbers(DType::Float32, {static_cast<std::int64_t>(index % 3) + 1, 4}, 2)};
        plans.plan_for(inputs)->run(inputs);
    });
    CHECK(engine.compiled == 3);
    use(1);
    use(2);
    use(3);
    use(4);  // drops 1
    use(2);
    CHECK(engine.compiled == 4);
    use(1);  // drops 3
    use(2);
    use(4);
    CHECK(engine.compiled == 5);
    const std::vector<Tensor> wrong{whole_numbers(DType::Float32, {2, 5}, 2)};
    CHECK_THROWS_AS(plans.plan_for(wrong), Error);
    CHECK_THROWS_AS(plans.plan_for(wrong), Error);
    CHECK(engine.compiled == 7);
    use(4);
}

TEST_CASE("plans share constants in equal layouts while one of them lives", "[movement]") {
    using namespace mcompress::onednn;
    const Desc rows = plain_desc(Shape{4, 6}, dnnl::memory::data_type::f32);
    const Desc columns = strided_desc(Shape{4, 6}, dnnl::memory::data_type::f32, {1, 4});
    const Tensor a = whole_numbers(DType::Float32, {4, 6}, 1),
                 same = Tensor::from_bytes(DType::Float32, {4, 6}, {a.bytes(), a.byte_size()});
    const Tensor other = whole_numbers(DType::Float32, {4, 6}, 2);
    SharedConstants constants;
    int made = 0;
    const auto hold = [&](const Tensor& tensor, const Desc& layout) {
        return constants.find_or_make(tensor.bytes(), rows, layout, [&](std::byte* memory) {
            ++made;
            std::memset(memory, 0, layout.get_size());
        });
    };
    auto first = hold(a, columns);
    CHECK(hold(same, columns) == first);
    CHECK(made == 1);
    const auto in_rows = hold(a, rows);
    CHECK(in_rows != first);
    CHECK(in_rows.get() - first.get() >= 4 * 6 * 4);
    CHECK(hold(other, columns) != first);
    CHECK(made == 3);
    first.reset();
    CHECK(hold(a, columns));  // still in the block that the rows lie in
    CHECK(made == 3);
}

TEST_CASE("a constant goes with the last plan that uses its block", "[movement]") {
    using namespace mcompress::onednn;
    const Desc rows = plain_desc(Shape{4, 6}, dnnl::memory::data_type::f32);
    const Desc columns = strided_desc(Shape{4, 6}, dnnl::memory::data_type::f32, {1, 4});
    const Tensor a = whole_numbers(DType::Float32, {4, 6}, 1);
    SharedConstants constants;
    int made = 0;
    const auto hold = [&](const Desc& layout) { return constants.find_or_make(a.bytes(), rows, layout, [&](std::byte*) { ++made; }); };
    hold(columns);
    hold(columns);
    CHECK(made == 2);
}
