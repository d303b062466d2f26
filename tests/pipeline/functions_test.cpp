// Models with local functions through run and optimize: they compute what their functions say.
#include <onnx/defs/parser.h>

#include <cmath>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/dataset.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "pipeline/compress.h"
#include "pipeline/run_model.h"

using namespace mcompress;

namespace {

class OneSample : public Dataset {
public:
    explicit OneSample(Tensor x) : x_(std::move(x)) {}
    std::size_t size() const override { return 1; }
    Sample sample(std::size_t) const override { return {{"x", x_}}; }
    std::string sample_name(std::size_t) const override { return "sample"; }

private:
    Tensor x_;
};

/// y = twice(x · w); twice calls scaled(a, factor), whose factor the call gives as an attribute.
std::string model_bytes() {
    onnx::ModelProto model;
    REQUIRE(onnx::OnnxParser::Parse(model, "<ir_version: 8, opset_import: [\"\" : 17, \"local\" : 1]> g (float[N,2] x) => (float[N,2] y) "
                                           "{ w = Constant <value = float[2,2] {1, 2, 3, 4}> () p = MatMul (x, w) y = local.twice (p) }")
                .IsOK());
    REQUIRE(onnx::OnnxParser::Parse(*model.add_functions(),
                                    "<opset_import: [\"\" : 17, \"local\" : 1], domain: \"local\"> twice (a) => (c) "
                                    "{ s = local.scaled <factor = 2.0> (a) c = Tanh (s) }")
                .IsOK());
    REQUIRE(onnx::OnnxParser::Parse(*model.add_functions(),
                                    "<opset_import: [\"\" : 17, \"local\" : 1], domain: \"local\"> scaled (a) => (c) "
                                    "{ f = Constant () c = Mul (a, f) }")
                .IsOK());
    auto* factor = model.mutable_functions(1)->mutable_node(0)->add_attribute();
    factor->set_name("value_float");
    factor->set_ref_attr_name("factor");
    factor->set_type(onnx::AttributeProto::FLOAT);
    return model.SerializeAsString();
}

void check_outputs(const std::filesystem::path& path, const std::string& engine) {
    const OneSample data(Tensor::from_values<float>({1, 2}, {0.125F, -0.25F}));
    RunRequest request;
    request.model = path;
    request.data = &data;
    request.engine = engine;
    const auto outputs = run_model(request);
    REQUIRE(outputs.size() == 1);
    const double x[] = {0.125, -0.25}, w[2][2] = {{1, 2}, {3, 4}};
    for (int k = 0; k < 2; ++k)
        CHECK(outputs[0].second.data<float>()[k] == Approx(std::tanh(2 * (x[0] * w[0][k] + x[1] * w[1][k]))).epsilon(1e-5));
}

}  // namespace

TEST_CASE("a model that asks for nothing runs without data, any other does not") {
    const TemporaryFolder folder;
    const auto write = [&](const std::string& name, const std::string& graph) {
        return folder.write(name, emit_model_bytes(*parse_model("<ir_version: 8, opset_import: [\"\" : 13]> " + graph)));
    };
    const auto constant = write("constant.onnx", "g () => (float[2] y) { w = Constant <value = float[2] {1, -2}> () y = Relu (w) }");
    for (const std::string engine : {"reference", "onednn"}) {
        const auto outputs = run_model({.model = constant, .engine = engine});
        REQUIRE(outputs.size() == 1);
        CHECK(outputs[0].second.equals(Tensor::from_values<float>({2}, {1, 0})));
    }
    const auto asking = write("asking.onnx", "g (float[2] x) => (float[2] y) { y = Relu (x) }");
    CHECK_THROWS_WITH(run_model({.model = asking}), contains_text("--data is required"));
}

TEST_CASE("local functions are executed, and what is optimized has none left") {
    const TemporaryFolder folder;
    const auto path = folder.write("model.onnx", model_bytes());
    const auto optimized = folder / "optimized.onnx";
    optimize_model(path, optimized);
    for (const std::string engine : {"reference", "onednn"}) {
        check_outputs(path, engine);
        check_outputs(optimized, engine);
    }
    CHECK(load_model(path)->functions.size() == 2);
    const auto result = load_model(optimized);
    CHECK(result->functions.empty());
    for (const Node* node : result->graph->nodes()) CHECK(node->domain().empty());
}

TEST_CASE("a function whose default of an attribute is no attribute is an invalid model") {
    const TemporaryFolder folder;
    onnx::ModelProto model;
    REQUIRE(model.ParseFromString(model_bytes()));
    // One byte of attribute_proto, into which ONNX before 1.13 does not look; the length of a function (field 25) below 128 takes one byte.
    const std::string function = model.functions(1).SerializeAsString() + "\x5A\x01\xFF";
    REQUIRE(function.size() < 128);
    model.mutable_functions()->RemoveLast();
    const auto path = folder.write("model.onnx", model.SerializeAsString() + "\xCA\x01" + static_cast<char>(function.size()) + function);
    try {
        optimize_model(path, folder / "optimized.onnx");
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Model);
    }
}
