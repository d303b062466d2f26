#include "engine_pair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/infer.h"
#include "support/splitmix.h"
#include "tensor/compare.h"

using namespace mcompress;

GraphMaker::GraphMaker(int opset, unsigned seed) : state_(seed * kSplitMixStep) {
    (*model_.opset_imports)[""] = opset;
    (*model_.opset_imports)["mcompress"] = 1;
    (*model_.opset_imports)["com.microsoft"] = 1;
}

std::uint64_t GraphMaker::next() { return splitmix64(std::exchange(state_, state_ + kSplitMixStep)); }

float GraphMaker::normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(next() >> 11) / 9007199254740992.0;
    return static_cast<float>(sum);
}

Value* GraphMaker::input(const std::string& name, Shape shape, DType dtype) {
    return graph().add_input(name, ValueType::tensor(dtype, shape));
}

Value* GraphMaker::weights(Shape shape, float scale) {
    std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
    for (float& value : values) value = normal() * scale;
    return graph().add_constant("w", Tensor::from_values(shape, values));
}

Value* GraphMaker::constant(Tensor tensor) { return graph().add_constant("c", std::move(tensor)); }

Value* GraphMaker::add(const std::string& op, std::vector<Value*> inputs, std::vector<Attribute> attributes, const std::string& domain) {
    return graph()
        .add_node({.op_type = op, .inputs = std::move(inputs), .attributes = std::move(attributes), .name = {}, .domain = domain})
        ->output(0);
}

Tensor GraphMaker::code(int value, DType dtype) const {
    if (dtype == DType::UInt8) return Tensor::scalar(static_cast<std::uint8_t>(value));
    return Tensor::scalar(static_cast<std::int8_t>(value));
}

Value* GraphMaker::quantize(Value* value, float scale, int zero_point, DType dtype) {
    return add("QuantizeLinear", {value, constant(Tensor::scalar(scale)), constant(code(zero_point, dtype))});
}

Value* GraphMaker::dequantize(Value* codes, float scale, int zero_point, DType dtype) {
    return add("DequantizeLinear", {codes, constant(Tensor::scalar(scale)), constant(code(zero_point, dtype))});
}

Value* GraphMaker::quantized_weights(Shape shape, float scale) {
    std::vector<std::int8_t> codes(static_cast<std::size_t>(shape.element_count()));
    for (std::int8_t& value : codes) value = static_cast<std::int8_t>(static_cast<int>(next() % 255) - 127);
    const auto channels = static_cast<std::size_t>(shape[0]);
    std::vector<float> scales(channels);
    for (float& value : scales) value = scale * (0.5F + static_cast<float>(next() % 1000) / 1000.0F);
    return add("DequantizeLinear",
               {constant(Tensor::from_values(shape, codes)), constant(Tensor::from_values(Shape{shape[0]}, scales)),
                constant(Tensor(DType::Int8, Shape{shape[0]}))},
               {{"axis", std::int64_t{0}, {}}});
}

Value* GraphMaker::quantized_bias(const Value* weights, float source_scale) {
    const Tensor& scales = *weights->producer()->input(1)->constant();
    std::vector<float> units(scales.values<float>().begin(), scales.values<float>().end());
    std::vector<std::int32_t> codes(units.size());
    for (float& unit : units) unit *= source_scale;
    for (std::int32_t& value : codes) value = static_cast<std::int32_t>(next() % 20001) - 10000;
    const Shape shape{static_cast<std::int64_t>(units.size())};
    return add("DequantizeLinear", {constant(Tensor::from_values(shape, codes)), constant(Tensor::from_values(shape, units))},
               {{"axis", std::int64_t{0}, {}}});
}

void GraphMaker::output(Value* value) { graph().add_output(value); }

std::vector<Tensor> GraphMaker::random_inputs() {
    std::vector<Tensor> tensors;
    for (const Value* value : graph().inputs()) {
        Tensor tensor = Tensor::uninitialized(value->type().dtype, *value->type().shape());
        if (tensor.dtype() == DType::Float32)
            for (std::int64_t at = 0; at < tensor.element_count(); ++at) tensor.mutable_data<float>()[at] = normal() * 2.0F;
        else
            for (std::size_t at = 0; at < tensor.byte_size(); ++at) tensor.mutable_bytes()[at] = static_cast<std::byte>(next());
        tensors.push_back(std::move(tensor));
    }
    return tensors;
}

namespace {

struct BothResults {
    std::vector<Tensor> reference, onednn;
};

BothResults run_both(GraphMaker& maker, int threads) {
    infer_types(maker.graph());
    CompileOptions options;
    options.threads = threads;
    const std::vector<Tensor> inputs = maker.random_inputs();
    const auto reference = make_reference_engine()->compile(maker.graph(), options);
    const auto onednn = make_onednn_engine()->compile(maker.graph(), options);
    onednn->run(inputs);  // a second run must not see what the first left behind
    return {reference->run(inputs), onednn->run(inputs)};
}

}  // namespace

double relative_difference(GraphMaker& maker, int threads) {
    const BothResults results = run_both(maker, threads);
    double worst = 0.0;
    for (std::size_t at = 0; at < results.reference.size(); ++at) {
        if (results.reference[at].shape() != results.onednn[at].shape() || results.reference[at].dtype() != results.onednn[at].dtype())
            return 1e30;
        ErrorMeasure error;
        error.add(to_floats(results.reference[at]), to_floats(results.onednn[at]));
        if (error.not_finite > 0) return 1e30;
        worst = std::max(worst, error.max_reference > 0.0 ? error.relative_max() : error.max_absolute);
    }
    return worst;
}

int code_difference(GraphMaker& maker, int threads) {
    const BothResults results = run_both(maker, threads);
    int worst = 0;
    for (std::size_t at = 0; at < results.reference.size(); ++at) {
        if (results.reference[at].shape() != results.onednn[at].shape() || results.reference[at].dtype() != results.onednn[at].dtype())
            return 1000;
        const std::vector<float> a = to_floats(results.reference[at]), b = to_floats(results.onednn[at]);
        for (std::size_t element = 0; element < a.size(); ++element)
            worst = std::max(worst, static_cast<int>(std::abs(a[element] - b[element])));
    }
    return worst;
}

std::vector<StepInfo> steps_of(GraphMaker& maker) {
    infer_types(maker.graph());
    const auto plan = make_onednn_engine()->compile(maker.graph(), {});
    return {plan->steps().begin(), plan->steps().end()};
}

bool has_step(GraphMaker& maker, const std::string& op) {
    const auto steps = steps_of(maker);
    return std::any_of(steps.begin(), steps.end(), [&](const StepInfo& step) { return step.op == op; });
}

bool has_reference_step(GraphMaker& maker) {
    const auto steps = steps_of(maker);
    return std::any_of(steps.begin(), steps.end(), [](const StepInfo& step) { return step.kernel.starts_with("ref"); });
}
