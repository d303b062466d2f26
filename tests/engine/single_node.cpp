#include "single_node.h"

#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "ops/infer.h"

namespace mcompress::test {

std::vector<Tensor> run_node(const NodeCase& wanted) {
    Model model;
    (*model.opset_imports)[""] = wanted.opset;
    NodeSpec spec;
    spec.op_type = wanted.type;
    spec.attributes = wanted.attributes;
    std::vector<ValueType> types;
    std::vector<const Tensor*> constants;
    for (std::size_t i = 0; i < wanted.inputs.size(); ++i) {
        const Tensor& input = wanted.inputs[i];
        types.push_back(input.defined() ? ValueType::tensor(input.dtype(), input.shape()) : ValueType());
        constants.push_back(input.defined() ? &input : nullptr);
        spec.inputs.push_back(input.defined() ? model.graph->add_input("i" + std::to_string(i), types.back()) : nullptr);
    }
    spec.outputs.assign(wanted.outputs, "");
    if (!wanted.output_name.empty()) spec.outputs[0] = wanted.output_name;
    const Node* node = model.graph->add_node(std::move(spec));
    const std::vector<ValueType> inferred = infer_node(*node, types, constants);
    std::vector<Tensor> outputs = evaluate_node(*node, wanted.inputs, wanted.threads);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        INFO(wanted.type << " output " << i << ": inferred " << inferred[i].to_string());
        CHECK(merge_types(inferred[i], ValueType::tensor(outputs[i].dtype(), outputs[i].shape())).has_value());
        CHECK(inferred[i].dtype == outputs[i].dtype());
    }
    return outputs;
}

void check_near(const Tensor& found, const Shape& shape, const std::vector<double>& expected, double tolerance) {
    REQUIRE(found.shape() == shape);
    REQUIRE(expected.size() == static_cast<std::size_t>(found.element_count()));
    const bool is_half = found.dtype() == DType::Float16 || found.dtype() == DType::BFloat16;
    const Tensor plain = is_half ? reference::half_to_float(found) : found;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double value = plain.dtype() == DType::Float64 ? plain.data<double>()[i] : static_cast<double>(plain.data<float>()[i]);
        INFO("element " << i << " is " << value << ", expected " << expected[i]);
        if (std::isnan(expected[i])) CHECK(std::isnan(value));
        else if (std::isinf(expected[i])) CHECK(value == expected[i]);
        else CHECK(std::abs(value - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
    }
}

}  // namespace mcompress::test
