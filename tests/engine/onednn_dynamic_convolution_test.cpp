// Convolutions of dynamically quantized codes, as ONNX Runtime's quantizer writes them: one step with what follows.
#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

struct Case {
    std::int64_t group = 1;
    bool is_flat = false, by_channel = false, has_residual = false, is_point = false;
};

void build(GraphMaker& maker, const Case& c) {
    const Shape input = c.is_point ? Shape{2, 8, 1, 1} : c.is_flat ? Shape{2, 8, 11} : Shape{2, 8, 9, 7};
    const Shape kernel = c.is_flat ? Shape{8, 8 / c.group, 3} : Shape{8, 8 / c.group, 3, 3};
    Value* x = maker.input("x", input);
    Node* quantizer = maker.graph().add_node({.op_type = "DynamicQuantizeLinear", .inputs = {x}, .outputs = {"", "", ""}});
    Tensor shifted(DType::UInt8, kernel);
    const Tensor codes = *maker.quantized_weights(kernel)->producer()->input(0)->constant();
    for (std::int64_t at = 0; at < codes.element_count(); ++at)
        shifted.mutable_data<std::uint8_t>()[at] = static_cast<std::uint8_t>(codes.data<std::int8_t>()[at] + 128);
    Value* zero = maker.constant(Tensor::scalar(std::uint8_t{128}));
    Value* sums = maker.add("ConvInteger", {quantizer->output(0), maker.constant(shifted), quantizer->output(2), zero},
                            {{"group", c.group, {}}, {"pads", std::vector<std::int64_t>(c.is_flat ? 2 : 4, 1), {}}});
    const Shape by_output = c.is_flat ? Shape{1, 8, 1} : Shape{1, 8, 1, 1};
    std::vector<float> scales(c.by_channel ? 8 : 1);
    for (std::size_t at = 0; at < scales.size(); ++at) scales[at] = 0.002F * static_cast<float>(at + 1);
    Value* weight_scale = maker.constant(Tensor::from_values(c.by_channel ? by_output : Shape{1}, scales));
    Value* scale = maker.add("Mul", {quantizer->output(1), weight_scale});
    Value* y = maker.add("Mul", {maker.add("Cast", {sums}, {{"to", std::int64_t{1}, {}}}), scale});
    y = maker.add("Add", {y, maker.weights(by_output)});
    if (c.has_residual) y = maker.add("Add", {y, maker.input("r", input)});
    maker.output(maker.add("Relu", {y}));
}

}  // namespace

TEST_CASE("dynamically quantized convolutions", "[onednn][int8]") {
    for (const std::int64_t group : {1, 2, 8})
        for (const bool is_flat : {false, true})
            for (const bool by_channel : {false, true})
                for (const bool has_residual : {false, true}) {
                    CAPTURE(group, is_flat, by_channel, has_residual);
                    GraphMaker maker;
                    build(maker, {group, is_flat, by_channel, has_residual});
                    CHECK(relative_difference(maker) < 1e-5);
                    CHECK_FALSE(has_reference_step(maker));
                    bool is_plain = false, has_vnni = false;  // without it bytes are multiplied on plain kernels
                    for (const StepInfo& step : steps_of(maker)) {
                        is_plain = is_plain || step.kernel == "plain:ConvInteger";
                        has_vnni = has_vnni || step.kernel.find("vnni") != std::string::npos;
                    }
                    CHECK(is_plain != has_vnni);
                }
}

TEST_CASE("dynamically quantized convolutions over single points", "[onednn][int8]") {
    for (const std::int64_t group : {1, 8})
        for (const bool by_channel : {false, true}) {
            CAPTURE(group, by_channel);
            GraphMaker maker;
            build(maker, {group, false, by_channel, false, true});
            CHECK(relative_difference(maker) < 1e-5);
        }
}
