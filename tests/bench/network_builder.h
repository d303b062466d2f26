// Builds networks of standard shapes with random weights: timings need no trained ones.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "ir/model.h"
#include "support/splitmix.h"

namespace mcompress::bench {

/// Layers are added one after another; every method returns the value that holds the result. Weights are normal with the variance that
/// keeps activations near unit size (He et al. 2015), drawn from one seeded generator: the same program gives the same bytes.
class NetworkBuilder {
public:
    explicit NetworkBuilder(int opset) {
        (*model_->opset_imports)[""] = opset;
        model_->producer_name = "mcompress-bench";
        model_->ir_version = 8;
    }

    Value* input(const std::string& name, Dims dims, DType type = DType::Float32) {
        return graph().add_input(name, ValueType::tensor(type, std::move(dims)));
    }

    std::unique_ptr<Model> finish(Value* output, Dims dims) {
        graph().set_type(output, ValueType::tensor(DType::Float32, std::move(dims)));
        graph().add_output(output);
        return std::move(model_);
    }

    using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

    void use_domain(const std::string& domain) { (*model_->opset_imports)[domain] = 1; }

    /// An operator of com.microsoft.
    Value* fused(const std::string& op, std::vector<Value*> inputs, Attributes given = {}) {
        return node(op, std::move(inputs), std::move(given), "com.microsoft");
    }

    /// The same, of which several outputs are wanted; null for the others.
    std::vector<Value*> fused_outputs(const std::string& op, std::vector<Value*> inputs, Attributes given, std::vector<bool> wanted) {
        return outputs(op, std::move(inputs), std::move(given), "com.microsoft", wanted);
    }

    Value* node(const std::string& op, std::vector<Value*> inputs, Attributes given = {}, const std::string& domain = {}) {
        return outputs(op, std::move(inputs), std::move(given), domain, {true})[0];
    }

    /// A convolution with bias; `gain` scales the weights.
    Value* conv(Value* x, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride, double gain = 1.0) {
        const std::int64_t pad = stride == kernel ? 0 : kernel / 2;
        Value* weight = random({out, in, kernel, kernel}, gain * std::sqrt(2.0 / static_cast<double>(in * kernel * kernel)));
        Value* bias = random({out}, 0.05);
        return node("Conv", {x, weight, bias},
                    {{"kernel_shape", std::vector<std::int64_t>{kernel, kernel}},
                     {"pads", std::vector<std::int64_t>(4, pad)},
                     {"strides", std::vector<std::int64_t>{stride, stride}}});
    }

    /// x · W + b over the last axis, as exporters write a linear layer on three dimensions.
    Value* linear(Value* x, std::int64_t in, std::int64_t out) {
        Value* product = node("MatMul", {x, random({in, out}, 1.0 / std::sqrt(static_cast<double>(in)))});
        return node("Add", {random({out}, 0.02), product});
    }

    Value* layer_norm(Value* x, std::int64_t width) {
        return node("LayerNormalization", {x, filled({width}, 1.0F), random({width}, 0.02)}, {{"axis", std::int64_t{-1}}});
    }

    /// x/2 · (1 + erf(x/√2)), the form in which exporters write GELU below opset 20.
    Value* gelu(Value* x) {
        Value* erf = node("Erf", {node("Div", {x, filled({}, static_cast<float>(std::numbers::sqrt2))})});
        return node("Mul", {node("Mul", {x, node("Add", {erf, filled({}, 1.0F)})}), filled({}, 0.5F)});
    }

    Value* integers(std::vector<std::int64_t> values) {
        const auto count = static_cast<std::int64_t>(values.size());
        return graph().add_constant("shape", Tensor::from_values(Shape{count}, values));
    }

    Value* filled(std::vector<std::int64_t> dims, float value) {
        Tensor tensor(DType::Float32, Shape(std::move(dims)));
        std::fill_n(tensor.mutable_data<float>(), tensor.element_count(), value);
        return graph().add_constant("constant", std::move(tensor));
    }

    Value* random(std::vector<std::int64_t> dims, double deviation) {
        Tensor tensor(DType::Float32, Shape(std::move(dims)));
        float* values = tensor.mutable_data<float>();
        for (std::int64_t i = 0; i < tensor.element_count(); ++i) values[i] = static_cast<float>(deviation * normal());
        return graph().add_constant("weight", std::move(tensor));
    }

    Graph& graph() { return *model_->graph; }

private:
    std::vector<Value*> outputs(const std::string& op, std::vector<Value*> inputs, Attributes given, const std::string& domain,
                                const std::vector<bool>& wanted) {
        const std::string name = op + "_" + std::to_string(counter_++);
        std::vector<Attribute> attributes;
        for (auto& [key, value] : given) attributes.push_back({key, std::move(value), {}});
        std::vector<std::string> names;
        for (std::size_t at = 0; at < wanted.size(); ++at)
            names.push_back(!wanted[at] ? std::string() : at == 0 ? name : name + "_" + std::to_string(at));
        const Node* made = graph().add_node({.op_type = op,
                                             .inputs = std::move(inputs),
                                             .attributes = std::move(attributes),
                                             .name = name,
                                             .domain = domain,
                                             .outputs = std::move(names)});
        return {made->outputs().begin(), made->outputs().end()};
    }

    double uniform() {
        const std::uint64_t number = splitmix64(std::exchange(state_, state_ + kSplitMixStep));
        return (static_cast<double>(number >> 11) + 0.5) / 9007199254740992.0;
    }
    double normal() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform()); }

    std::unique_ptr<Model> model_ = std::make_unique<Model>();
    int counter_ = 0;
    std::uint64_t state_ = 1;
};

}  // namespace mcompress::bench
