#include "passes/random_graph.h"

#include <algorithm>

#include "fixtures/random_tensors.h"

namespace mcompress::testing {

namespace {

using Integers = std::vector<std::int64_t>;

/// A value and the shape it has; all are float, of rank 4 or (behind Flatten) 2.
struct Known {
    Value* value;
    Shape shape;
};

class Builder {
public:
    explicit Builder(std::uint64_t seed) : random_(seed) {}

    std::unique_ptr<Model> build() {
        (*model_->opset_imports)[""] = 13;
        const Shape input{random_.integer(1, 2), random_.integer(1, 4), random_.integer(4, 7), random_.integer(4, 7)};
        for (std::int64_t count = random_.integer(1, 2); count > 0; --count) {
            Dims dims(input.begin(), input.end());
            if (random_.chance(30)) dims[0] = Dim(std::string("N"));
            Value* value = graph_.add_input("input_" + std::to_string(count), ValueType::tensor(DType::Float32, dims));
            known_.push_back({value, Shape{2, input[1], input[2], input[3]}});
            if (dims[0].is_known()) known_.back().shape[0] = input[0];
        }
        for (std::int64_t count = random_.integer(3, 18); count > 0; --count) step();
        const auto outputs = static_cast<std::size_t>(random_.integer(1, 3));
        for (std::size_t at = 0; at < outputs && at < known_.size(); ++at) {
            Value* value = known_[known_.size() - 1 - at].value;
            if (value->producer() && !value->is_graph_output()) graph_.add_output(value);
        }
        if (graph_.outputs().empty()) graph_.add_output(apply("Neg", {known_.back().value}));
        return std::move(model_);
    }

private:
    static constexpr int kStepKinds = 17;

    void step() {
        using Step = void (Builder::*)();
        static constexpr Step kSteps[kStepKinds] = {
            &Builder::conv,       &Builder::conv,  &Builder::conv,          &Builder::conv_transpose, &Builder::batch_norm,
            &Builder::batch_norm, &Builder::scale, &Builder::scale,         &Builder::scale,          &Builder::activation,
            &Builder::pad,        &Builder::pool,  &Builder::same_elements, &Builder::same_elements,  &Builder::there_and_back,
            &Builder::join,       &Builder::head};
        (this->*kSteps[random_.integer(0, kStepKinds - 1)])();
    }

    /// Mostly the newest value, so that chains form.
    Known pick(int rank = 4) {
        std::vector<Known> fitting;
        for (const Known& each : known_)
            if (each.shape.rank() == rank) fitting.push_back(each);
        if (random_.chance(75)) return fitting.back();
        return fitting[static_cast<std::size_t>(random_.integer(0, static_cast<std::int64_t>(fitting.size()) - 1))];
    }

    Value* apply(const std::string& op, std::vector<Value*> inputs, std::vector<Attribute> attributes = {}) {
        NodeSpec spec;
        spec.op_type = op;
        spec.inputs = std::move(inputs);
        spec.attributes = std::move(attributes);
        spec.name = random_.chance(50) ? op + "_" + std::to_string(known_.size()) : "";
        return graph_.add_node(std::move(spec))->output(0);
    }

    void add(Value* value, Shape shape) { known_.push_back({value, std::move(shape)}); }

    /// An initializer, or a Constant node.
    Value* constant(Tensor tensor) {
        if (random_.chance(70)) return graph_.add_constant("c", std::move(tensor));
        return apply("Constant", {}, {{"value", std::move(tensor), {}}});
    }

    Value* floats(const Shape& shape, ValueBounds bounds = {}) {
        return constant(random_tensor(DType::Float32, shape, random_.next(), bounds));
    }

    Value* integers(const Integers& values) {
        return constant(Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values));
    }

    void conv() {
        const Known x = pick();
        const std::int64_t channels = x.shape[1];
        const std::int64_t group = random_.chance(30) ? channels : 1;
        const std::int64_t outputs = group * random_.integer(1, 3);
        const std::int64_t kernel = random_.integer(1, 3);
        const std::int64_t padding = random_.chance(50) ? kernel / 2 : 0;
        const Shape shape{x.shape[0], outputs, x.shape[2] + 2 * padding - kernel + 1, x.shape[3] + 2 * padding - kernel + 1};
        if (shape[2] < 1 || shape[3] < 1) return;
        std::vector<Value*> inputs{x.value, shared_weights(Shape{outputs, channels / group, kernel, kernel})};
        if (random_.chance(50)) inputs.push_back(floats({outputs}));
        std::vector<Attribute> attributes{{"group", group, {}}};
        if (padding > 0) attributes.push_back({"pads", Integers(4, padding), {}});
        add(apply("Conv", inputs, attributes), shape);
    }

    /// Sometimes a weight that another convolution reads already.
    Value* shared_weights(const Shape& shape) {
        for (const Known& each : weights_)
            if (each.shape == shape && random_.chance(50)) return each.value;
        weights_.push_back({floats(shape, {-1, 1}), shape});
        return weights_.back().value;
    }

    void conv_transpose() {
        const Known x = pick();
        const std::int64_t group = random_.chance(30) ? x.shape[1] : 1;
        const std::int64_t outputs = random_.integer(1, 2);
        if (x.shape[2] > 12 || x.shape[3] > 12) return;
        Value* y =
            apply("ConvTranspose", {x.value, floats({x.shape[1], outputs, 2, 2})}, {{"group", group, {}}, {"strides", Integers{2, 2}, {}}});
        add(y, {x.shape[0], outputs * group, x.shape[2] * 2, x.shape[3] * 2});
    }

    void batch_norm() {
        const Known x = pick();
        const Shape channels{x.shape[1]};
        Value* y =
            apply("BatchNormalization", {x.value, floats(channels), floats(channels), floats(channels), floats(channels, {0.25, 4})});
        add(y, x.shape);
    }

    void scale() {
        static const char* const kOps[] = {"Mul", "Add", "Sub", "Div"};
        const std::string op = kOps[random_.integer(0, 3)];
        const Known x = pick();
        const Shape shapes[] = {Shape{}, Shape{1}, Shape{x.shape[1], 1, 1}, Shape{1, x.shape[1], 1, 1}, Shape{x.shape[3]}};
        const Shape& shape = shapes[random_.integer(0, 4)];
        Value* c = op == "Div" ? floats(shape, {0.5, 2}) : random_.chance(20) ? constant(neutral(op, shape)) : floats(shape);
        const bool is_swapped = op != "Div" && random_.chance(30);
        add(is_swapped ? apply(op, {c, x.value}) : apply(op, {x.value, c}), x.shape);
    }

    static Tensor neutral(const std::string& op, const Shape& shape) {
        return random_tensor(DType::Float32, shape, 0, op == "Mul" ? ValueBounds{1, 1} : ValueBounds{0, 0});
    }

    void activation() {
        static const char* const kOps[] = {"Relu", "Sigmoid", "Neg", "Clip"};
        const Known x = pick();
        add(apply(kOps[random_.integer(0, 3)], {x.value}), x.shape);
    }

    void pad() {
        const Known x = pick();
        const Integers amounts{0, 0, random_.integer(0, 2), random_.integer(0, 1), 0, 0, random_.integer(0, 2), random_.integer(0, 1)};
        std::vector<Value*> inputs{x.value, integers(amounts)};
        const bool is_lowest = random_.chance(20);
        if (is_lowest || random_.chance(20)) inputs.push_back(constant(Tensor::scalar(is_lowest ? -3.4028234663852886e38F : 0.0F)));
        const Shape shape{x.shape[0], x.shape[1], x.shape[2] + amounts[2] + amounts[6], x.shape[3] + amounts[3] + amounts[7]};
        Value* y = apply("Pad", inputs);
        // The lowest number is for MaxPool alone: sums with it overflow.
        if (!is_lowest && random_.chance(60)) return add(y, shape);
        if (shape[2] < 3 || shape[3] < 3) return;
        add(apply("MaxPool", {y}, {{"kernel_shape", Integers{3, 3}, {}}}), {shape[0], shape[1], shape[2] - 2, shape[3] - 2});
    }

    void pool() {
        const Known x = pick();
        if (x.shape[2] < 2 || x.shape[3] < 2) return;
        add(apply(random_.chance(50) ? "MaxPool" : "AveragePool", {x.value}, {{"kernel_shape", Integers{2, 2}, {}}}),
            {x.shape[0], x.shape[1], x.shape[2] - 1, x.shape[3] - 1});
    }

    void same_elements() {
        const Known x = pick();
        switch (random_.integer(0, 4)) {
            case 0: return add(apply("Identity", {x.value}), x.shape);
            case 1: return add(apply("Dropout", {x.value}), x.shape);
            case 2: return add(apply("Cast", {x.value}, {{"to", std::int64_t{1}, {}}}), x.shape);
            case 3: return add(apply("Reshape", {x.value, integers({-1, x.shape[1], x.shape[2], x.shape[3]})}), x.shape);
            default: return add(apply("Concat", {x.value}, {{"axis", std::int64_t{1}, {}}}), x.shape);
        }
    }

    void there_and_back() {
        const Known x = pick();
        if (random_.chance(50)) {
            Value* turned = apply("Transpose", {x.value}, {{"perm", Integers{0, 2, 3, 1}, {}}});
            add(apply("Transpose", {turned}, {{"perm", Integers{0, 3, 1, 2}, {}}}), x.shape);
        } else {
            Value* wide = apply("Cast", {x.value}, {{"to", std::int64_t{11}, {}}});
            add(apply("Cast", {wide}, {{"to", std::int64_t{1}, {}}}), x.shape);
        }
    }

    void join() {
        const Known a = pick();
        for (const Known& b : known_) {
            if (!(b.shape == a.shape) || random_.chance(30)) continue;
            if (random_.chance(60)) return add(apply("Add", {a.value, b.value}), a.shape);
            return add(apply("Concat", {a.value, b.value}, {{"axis", std::int64_t{1}, {}}}),
                       {a.shape[0], a.shape[1] + b.shape[1], a.shape[2], a.shape[3]});
        }
    }

    /// Flatten, then MatMul + Add or Gemm, and sometimes a normalization.
    void head() {
        const Known x = pick();
        const std::int64_t features = x.shape[1] * x.shape[2] * x.shape[3];
        const std::int64_t outputs = random_.integer(1, 4);
        Value* y = apply("Flatten", {x.value});
        if (random_.chance(50)) {
            y = apply("MatMul", {y, floats({features, outputs}, {-0.25, 0.25})});
            y = apply("Add", {y, floats({outputs})});
        } else if (random_.chance(50)) {
            y = apply("Gemm", {y, floats({outputs, features}, {-0.25, 0.25}), floats({outputs})},
                      {{"transB", std::int64_t{1}, {}}, {"alpha", 0.5F, {}}, {"beta", 2.0F, {}}});
        } else {
            y = apply("Gemm", {y, floats({features, outputs}, {-0.25, 0.25})});
        }
        const Shape row{outputs};
        if (random_.chance(50)) y = apply("BatchNormalization", {y, floats(row), floats(row), floats(row), floats(row, {0.25, 4})});
        add(y, {x.shape[0], outputs});
    }

    std::unique_ptr<Model> model_ = std::make_unique<Model>();
    Graph& graph_ = *model_->graph;
    Random random_;
    std::vector<Known> known_;
    std::vector<Known> weights_;
};

}  // namespace

std::unique_ptr<Model> random_graph(std::uint64_t seed) { return Builder(seed).build(); }

}  // namespace mcompress::testing
