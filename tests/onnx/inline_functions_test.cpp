// Calls of model-local functions become the functions' nodes.
#include "onnx/inline_functions.h"

#include <onnx/defs/parser.h>

#include "catch.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "models.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

template <typename Proto> Proto parse(const std::string& text) {
    Proto proto;
    const auto status = onnx::OnnxParser::Parse(proto, text.c_str());
    INFO(status.ErrorMessage());
    REQUIRE(status.IsOK());
    return proto;
}

/// A main graph that may call functions of domain "local".
onnx::ModelProto model_of(const std::string& graph, int opset = 13) {
    return parse<onnx::ModelProto>("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + ", \"local\" : 1]> " + graph);
}

onnx::FunctionProto& add_function(onnx::ModelProto& model, const std::string& text, int opset = 13) {
    *model.add_functions() =
        parse<onnx::FunctionProto>("<opset_import: [\"\" : " + std::to_string(opset) + ", \"local\" : 1], domain: \"local\"> " + text);
    return *model.mutable_functions(model.functions_size() - 1);
}

void refer(onnx::NodeProto& node, const std::string& name, const std::string& attribute, onnx::AttributeProto::AttributeType type) {
    auto* made = node.add_attribute();
    made->set_name(name);
    made->set_ref_attr_name(attribute);
    made->set_type(type);
}

std::string inlined(const onnx::ModelProto& proto) {
    const auto model = load_proto(proto);
    inline_functions(*model);
    CHECK(verify(*model).empty());
    CHECK(model->functions.empty());
    CHECK(!model->opset_imports->contains("local"));
    return print(*model->graph);
}

std::string code_of(const onnx::ModelProto& proto) {
    try {
        inlined(proto);
    } catch (const Error& error) {
        return error.code().id;
    }
    return "none";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a call becomes the function's nodes, and outputs keep their names") {
    auto model = model_of("g (float[2] x) => (float[2] y) { h = local.f (x, x) y = local.f (h, x) }");
    add_function(model, "f (a, b) => (c) { t = Add (a, b) c = Relu (t) }");
    const std::string text = inlined(model);
    INFO(text);
    CHECK(has(text, "h = Relu (h.t)"));
    CHECK(has(text, "y.t = Add (h, x)"));
    CHECK(has(text, "y = Relu (y.t)"));
}

TEST_CASE("functions call functions, with inputs and outputs left out") {
    auto model = model_of("g (float[2] x) => (float[2] y) { y = local.outer (x) }");
    add_function(model, "outer (a, b) => (c) { unused, c = local.inner (a, b) }");
    add_function(model, "inner (a, b) => (c, d) { c = Neg (a) d = Clip (a, , b) }");
    const std::string text = inlined(model);
    INFO(text);
    CHECK(has(text, "y = Clip (x"));
    CHECK(!has(text, "local"));
}

TEST_CASE("attributes come from the call, else from the default, else they are absent") {
    auto model = model_of("g (float[2,2] x) => (y, z) { y = local.f <slope = 0.5> (x) z = local.f (x) }");
    auto& function = add_function(model, "f (a) => (c) { t = LeakyRelu (a) u = Flatten (t) c = Elu (u) }");
    refer(*function.mutable_node(0), "alpha", "slope", onnx::AttributeProto::FLOAT);
    refer(*function.mutable_node(1), "axis", "flat", onnx::AttributeProto::INT);
    refer(*function.mutable_node(2), "alpha", "none", onnx::AttributeProto::FLOAT);
    onnx::AttributeProto flat;
    flat.set_name("flat");
    flat.set_type(onnx::AttributeProto::INT);
    flat.set_i(0);
    function.GetReflection()->MutableUnknownFields(&function)->AddLengthDelimited(11, flat.SerializeAsString());
    const auto loaded = load_proto(model);
    inline_functions(*loaded);
    for (const Node* node : loaded->graph->nodes()) {
        if (node->is("LeakyRelu")) CHECK((node->attribute("alpha") != nullptr) == (node->output(0)->name() == "y.t"));
        if (node->is("Flatten")) CHECK(std::get<std::int64_t>(node->attribute("axis")->value) == 0);
        if (node->is("Elu")) CHECK(node->attribute("alpha") == nullptr);
    }
}

TEST_CASE("calls in bodies are expanded, and bodies in functions read the function's values") {
    auto model = model_of("g (bool c, float[2] x) => (float[2] y) { y = If (c) <then_branch = t () => (float[2] p) { p = local.f (x, c) }, "
                          "else_branch = e () => (float[2] q) { q = Identity (x) }> }");
    add_function(model, "f (a, flag) => (r) { s = Neg (a) r = If (flag) <then_branch = t () => (float[2] p) { p = Add (s, a) }, "
                        "else_branch = e () => (float[2] q) { q = Identity (s) }> }");
    const std::string text = inlined(model);
    INFO(text);
    CHECK(has(text, "Add (p.s, x)"));
}

TEST_CASE("an output that is an input is copied") {
    auto model = model_of("g (float[2] x) => (float[2] y, float[2] z) { y, z = local.f (x) }");
    add_function(model, "f (a) => (a, n) { n = Neg (a) }");
    const std::string text = inlined(model);
    INFO(text);
    CHECK(has(text, "y = Identity (x)"));
    CHECK(has(text, "z = Neg (x)"));
}

TEST_CASE("a function of another opset is brought to the model's") {
    auto model = model_of("g (float[2] x) => (float[2] y) { y = local.f (x) }");
    add_function(model, "f (a) => (c) { t = Softmax (a) c = Relu (t) }", 11);
    CHECK(has(inlined(model), "Softmax"));
    auto newer = model_of("g (float[2,3] x) => (y) { s = Relu (x) y = local.f (s) }", 13);
    add_function(newer, "f (a) => (c) { c = Gelu (a) }", 20);
    const auto loaded = load_proto(newer);
    inline_functions(*loaded);
    CHECK(loaded->opset_imports->at("") == 20);
}

TEST_CASE("constants that bringing a function to the model's opset makes come along") {
    auto model = model_of("g (float[1,1,2,2] x) => (float[1,1,4,4] y) { h = local.f (x) y = local.f (h) }");
    add_function(model, "f (a) => (c) { c = Unsqueeze <axes = [0]> (a) }", 11);
    const std::string text = inlined(model);  // axes became an input in opset 13
    INFO(text);
    CHECK(has(text, "h = Unsqueeze (x, h.c_axes)"));
    CHECK(has(text, "h.c_axes = int64[1] {0}"));
}

TEST_CASE("functions that cannot be expanded are refused") {
    auto recursive = model_of("g (float[2] x) => (float[2] y) { y = local.f (x) }");
    add_function(recursive, "f (a) => (c) { c = local.h (a) }");
    add_function(recursive, "h (a) => (c) { c = local.f (a) }");
    CHECK(code_of(recursive) == codes::kModelInvalid.id);

    auto many_inputs = model_of("g (float[2] x) => (float[2] y) { y = local.f (x, x) }");
    add_function(many_inputs, "f (a) => (c) { c = Neg (a) }");
    CHECK(code_of(many_inputs) == codes::kModelInvalid.id);

    auto undefined = model_of("g (float[2] x) => (float[2] y) { y = local.f (x) }");
    add_function(undefined, "f (a) => (c) { c = Neg (nowhere) }");
    CHECK(code_of(undefined) == codes::kModelInvalid.id);

    auto left_out = model_of("g (float[2] x) => (float[2] y) { y = local.f () }");
    add_function(left_out, "f (a) => (a) { t = Neg (a) }");
    CHECK(code_of(left_out) == codes::kModelInvalid.id);

    auto body_output = model_of("g (bool c) => (y) { y = local.f (c) }");
    add_function(body_output, "f (flag, a) => (r) { r = If (flag) <then_branch = t () => (float[2] a) { s = Not (flag) }, "
                              "else_branch = e () => (float[2] a) { s = Not (flag) }> }");
    CHECK(code_of(body_output) == codes::kModelInvalid.id);
}

TEST_CASE("functions that double at every level end in an error, not in all memory") {
    auto model = model_of("g (float[2] x) => (float[2] y) { y = local.f0 (x) }");
    constexpr int kLevels = 40;
    for (int level = 0; level < kLevels; ++level) {
        const std::string next = "local.f" + std::to_string(level + 1);
        add_function(model, "f" + std::to_string(level) + " (a) => (c) { t = " + next + " (a) c = " + next + " (t) }");
    }
    add_function(model, "f" + std::to_string(kLevels) + " (a) => (c) { c = Neg (a) }");
    CHECK(code_of(model) == codes::kTooLarge.id);
}
