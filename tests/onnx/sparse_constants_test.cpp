// Sparse initializers: written only where smaller, read back to the same elements, and refused when they break the format.
#include "onnx/sparse_constants.h"

#include <onnx/onnx_pb.h>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

/// One constant of each kind, `nonzero` of 1000 elements other than 0.
std::unique_ptr<Model> model_with(int nonzero) {
    auto model = std::make_unique<Model>();
    (*model->opset_imports)[""] = 13;
    const auto add = [&]<typename T>(const char* name, T one) {
        std::vector<T> values(1000);
        for (int index = 0; index < nonzero; ++index) values[static_cast<std::size_t>(index * 7919 % 1000)] = one;
        Value* value = model->graph->add_constant(name, Tensor::from_values(Shape{10, 100}, values));
        Node* node = model->graph->add_node({.op_type = "Identity", .inputs = {value}, .outputs = {std::string(name) + "_out"}});
        model->graph->set_type(node->output(0), value->type());
        model->graph->add_output(node->output(0));
    };
    add("single", 1.5F);
    add("half", to_float16(1.5F));
    add("code", std::int8_t{-3});
    return model;
}

std::vector<std::string> sparse_names(const Graph& graph) {
    std::vector<std::string> names;
    for (const Value* value : graph.constants())
        if (!value->sparse_initializer().empty()) names.push_back(value->name());
    return names;
}

/// What loading and expanding a model with this sparse constant ends in.
std::string code_of(const onnx::SparseTensorProto& sparse) {
    Model model;
    (*model.opset_imports)[""] = 13;
    std::string bytes;
    sparse.SerializeToString(&bytes);
    Value* value = model.graph->add_sparse_constant("w", bytes, ValueType::tensor(DType::Float32));
    model.graph->add_node({.op_type = "Identity", .inputs = {value}, .outputs = {"y"}});
    try {
        expand_sparse_constants(*model.graph);
    } catch (const Error& error) {
        return std::string(error.code().id);
    }
    return "";
}

onnx::SparseTensorProto sparse_of(std::vector<std::int64_t> dims, std::vector<std::int64_t> places, std::vector<std::int64_t> place_dims) {
    onnx::SparseTensorProto proto;
    for (const std::int64_t extent : dims) proto.add_dims(extent);
    proto.mutable_values()->set_name("w");
    proto.mutable_values()->set_data_type(onnx::TensorProto::FLOAT);
    proto.mutable_values()->add_dims(static_cast<std::int64_t>(place_dims[0]));
    for (std::int64_t index = 0; index < place_dims[0]; ++index) proto.mutable_values()->add_float_data(static_cast<float>(index + 1));
    proto.mutable_indices()->set_data_type(onnx::TensorProto::INT64);
    for (const std::int64_t extent : place_dims) proto.mutable_indices()->add_dims(extent);
    for (const std::int64_t place : places) proto.mutable_indices()->add_int64_data(place);
    return proto;
}

}  // namespace

TEST_CASE("constants become sparse only where that is smaller") {
    // values and int64 places: 12 bytes an element of 4, 10 of 2, 9 of 1
    const auto stored = [](int nonzero) {
        auto model = model_with(nonzero);
        store_sparse_constants(*model->graph);
        return sparse_names(*model->graph);
    };
    CHECK(stored(60) == std::vector<std::string>{"single", "half", "code"});
    CHECK(stored(150) == std::vector<std::string>{"single", "half"});
    CHECK(stored(250) == std::vector<std::string>{"single"});
    CHECK(stored(334).empty());
}

TEST_CASE("sparse constants come back through a file") {
    const TemporaryFolder folder;
    const auto original = model_with(60);
    auto sparse = model_with(60);
    const SparseCounts counts = store_sparse_constants(*sparse->graph);
    CHECK(counts.constants == 3);
    CHECK(counts.sparse < counts.dense);
    emit_model(*original, folder / "dense.onnx");
    emit_model(*sparse, folder / "sparse.onnx");
    CHECK(std::filesystem::file_size(folder / "sparse.onnx") < std::filesystem::file_size(folder / "dense.onnx"));
    const auto loaded = load_model(folder / "sparse.onnx");
    CHECK(sparse_names(*loaded->graph).size() == 3);
    CHECK(expand_sparse_constants(*loaded->graph).constants == 3);
    for (const char* name : {"single", "half", "code"}) {
        REQUIRE(loaded->graph->find_value(name)->constant());
        CHECK(loaded->graph->find_value(name)->constant()->equals(*original->graph->find_value(name)->constant()));
    }
}

TEST_CASE("places may be coordinates") {
    Model model;
    (*model.opset_imports)[""] = 13;
    std::string bytes;
    sparse_of({2, 3}, {0, 1, 1, 2}, {2, 2}).SerializeToString(&bytes);
    Value* value = model.graph->add_sparse_constant("w", bytes, ValueType::tensor(DType::Float32, Shape{2, 3}));
    model.graph->add_node({.op_type = "Identity", .inputs = {value}, .outputs = {"y"}});
    expand_sparse_constants(*model.graph);
    CHECK(model.graph->find_value("w")->constant()->equals(Tensor::from_values<float>({2, 3}, {0, 1, 0, 0, 0, 2})));
}

TEST_CASE("sparse constants that break the format are refused") {
    CHECK(code_of(sparse_of({2, 3}, {0, 5}, {2})) == "");
    CHECK(code_of(sparse_of({2, 3}, {0, 6}, {2})) == codes::kTensorInvalid.id);
    CHECK(code_of(sparse_of({2, 3}, {0, -1}, {2})) == codes::kTensorInvalid.id);
    CHECK(code_of(sparse_of({2, 3}, {0, 1, 2, 0}, {2, 2})) == codes::kTensorInvalid.id);
    CHECK(code_of(sparse_of({-2, 3}, {0, 1}, {2})) == codes::kTensorInvalid.id);
    CHECK(code_of(sparse_of({1 << 20, 1 << 20}, {0, 1}, {2})) == codes::kTooLarge.id);
    auto wrong_type = sparse_of({2, 3}, {0, 1}, {2});
    wrong_type.mutable_indices()->clear_int64_data();
    wrong_type.mutable_indices()->set_data_type(onnx::TensorProto::INT32);
    wrong_type.mutable_indices()->add_int32_data(0);
    wrong_type.mutable_indices()->add_int32_data(1);
    CHECK(code_of(wrong_type) == codes::kTensorInvalid.id);
}
