// Random operators behind random products: whatever the engine puts into one primitive, it says what the reference engine says.
#include <random>

#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

class RandomGraph {
public:
    explicit RandomGraph(unsigned seed) : maker(17, seed), random_(seed) {}

    GraphMaker maker;
    std::string text;  // the operators, for a message

    /// A product, a few operators behind it, perhaps a second product that reads their result.
    void build() {
        Value* x = input(pick(2) == 0);
        x = chain(product(x));
        if (pick(2) == 0) x = chain(product(x));
        maker.output(x);
    }

    /// The same with codes in and out of each product.
    void build_quantized() {
        Value* x = input(pick(2) == 0);
        for (int layer = 0; layer < 2; ++layer) {
            const auto zero_point = static_cast<int>(100 + pick(50));
            x = maker.dequantize(maker.quantize(x, 0.05F, zero_point), 0.05F, zero_point);
            infer_types(maker.graph());
            x = chain(product(x, true));
        }
        maker.output(x);
    }

private:
    unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
    float number() { return 0.25F * static_cast<float>(1 + pick(9)) * (pick(3) == 0 ? -1.0F : 1.0F); }
    Value* scalar(float value) { return maker.constant(Tensor::scalar(value)); }
    Shape shape_of(const Value* value) const { return *value->type().shape(); }

    Value* add(const std::string& op, std::vector<Value*> inputs, std::vector<Attribute> attributes = {}) {
        text += op + " ";
        Value* made = maker.add(op, std::move(inputs), std::move(attributes));
        infer_types(maker.graph());
        return made;
    }

    Value* input(bool is_picture) {
        return maker.input("x", is_picture ? Shape{1 + pick(2), 8, 5 + pick(4), 1 + pick(6)} : Shape{1 + pick(5), 16});
    }

    Value* product(Value* x, bool has_codes = false) {
        const Shape shape = shape_of(x);
        const auto weights = [&](const Shape& of) { return has_codes ? maker.quantized_weights(of) : maker.weights(of, 0.2F); };
        if (shape.rank() == 2) return add("MatMul", {x, weights(Shape{shape[1], 8 * (1 + pick(3))})});
        const bool is_transposed = !has_codes && pick(4) == 0;
        const std::int64_t tall = shape[2] >= 3 ? 1 + 2 * pick(2) : 1, wide = shape[3] >= 3 ? 1 + 2 * pick(2) : 1;
        const std::int64_t group = pick(3) == 0 ? shape[1] : 1;
        if (is_transposed)
            return add("ConvTranspose", {x, weights(Shape{shape[1], 16, 2, 2})},
                       {{"strides", std::vector<std::int64_t>{2, pick(2) + 1}, {}}});
        return add("Conv", {x, weights(Shape{group > 1 ? shape[1] : 16, shape[1] / group, tall, wide})},
                   {{"group", group, {}}, {"pads", std::vector<std::int64_t>{tall / 2, wide / 2, tall / 2, wide / 2}, {}}});
    }

    Value* chain(Value* x) {
        for (unsigned left = pick(6); left > 0; --left) x = follow(x);
        return x;
    }

    Value* follow(Value* x) {
        const Shape shape = shape_of(x);
        switch (pick(14)) {
            case 0: return add("Relu", {x});
            case 1: return add("LeakyRelu", {x}, {{"alpha", 0.125F * static_cast<float>(1 + pick(4)), {}}});
            case 2: return add("Clip", {x, scalar(-number() * number()), scalar(3.0F + number())});
            case 3: return add("Mul", {x, scalar(number())});
            case 4: return add("Add", {scalar(number()), x});
            case 5: return add("Div", {x, scalar(number())});
            case 6: return add("Sigmoid", {x});
            case 7: return add("HardSigmoid", {x}, {{"alpha", 0.2F, {}}, {"beta", 0.4F, {}}});
            case 8: return add("Mul", {x, add("Sigmoid", {x})});
            case 9: return add("Add", {x, maker.input("r" + std::to_string(++inputs_), shape)});
            case 10: return add("Add", {x, maker.weights(by_channel(shape))});
            case 11: return add("Tanh", {x});
            case 12: {
                if (shape.rank() == 2) return add("Elu", {x});
                const Shape channels{shape[1]};
                const Tensor variance = Tensor::from_values(channels, std::vector<float>(static_cast<std::size_t>(shape[1]), 0.8F));
                return add("BatchNormalization",
                           {x, maker.weights(channels), maker.weights(channels), maker.weights(channels), maker.constant(variance)});
            }
            default: return add("Sub", {x, scalar(number())});
        }
    }

    static Shape by_channel(const Shape& shape) {
        if (shape.rank() == 2) return Shape{shape[1]};
        return Shape{1, shape[1], 1, 1};
    }

    std::mt19937 random_;
    int inputs_ = 0;
};

}  // namespace

TEST_CASE("random chains of float operators", "[onednn]") {
    for (unsigned seed = 1; seed <= 400; ++seed) {
        RandomGraph graph(seed);
        graph.build();
        INFO("seed " << seed << ": " << graph.text);
        CHECK(relative_difference(graph.maker) < 5e-5);
    }
}

TEST_CASE("random chains behind products of codes", "[onednn][int8]") {
    // Two sums that differ in the last bit may lie on two sides of a rounding; what hangs on it is one step of 0.05.
    for (unsigned seed = 1; seed <= 300; ++seed) {
        RandomGraph graph(seed);
        graph.build_quantized();
        INFO("seed " << seed << ": " << graph.text);
        CHECK(relative_difference(graph.maker) < 0.03);
    }
}
