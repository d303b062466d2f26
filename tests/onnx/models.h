// Small models as protobuf messages, and how tests load them.
#pragma once

#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "onnx/emit.h"
#include "onnx/load.h"
#include "support/error.h"

namespace mcompress::testing {

/// A folder that is gone when the test ends.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mcompress-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::unique_ptr<Model> load_bytes(std::string bytes, const std::filesystem::path& folder = {}) {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    return load_model_bytes(std::as_bytes(std::span(*owner)), owner, folder);
}
inline std::unique_ptr<Model> load_proto(const onnx::ModelProto& proto, const std::filesystem::path& folder = {}) {
    return load_bytes(proto.SerializeAsString(), folder);
}

inline onnx::ModelProto emit_proto(const Model& model) {
    onnx::ModelProto proto;
    proto.ParseFromString(emit_model_bytes(model));
    return proto;
}

/// The code and message of the Error that loading throws; "" when it does not throw.
struct Refused {
    std::string code;
    std::string message;
    bool mentions(const std::string& part) const { return message.find(part) != std::string::npos; }
};
template <typename Action> Refused refusal_of(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return {error.code().id, error.what()};
    }
    return {};
}

inline onnx::ValueInfoProto* describe(onnx::ValueInfoProto* info, const std::string& name, int dtype = onnx::TensorProto::FLOAT) {
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(dtype);
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(2);
    return info;
}

inline onnx::NodeProto* add_node(onnx::GraphProto* graph, const std::string& op, std::initializer_list<const char*> inputs,
                                 std::initializer_list<const char*> outputs) {
    auto* node = graph->add_node();
    node->set_op_type(op);
    for (const char* name : inputs) node->add_input(name);
    for (const char* name : outputs) node->add_output(name);
    return node;
}

inline onnx::TensorProto* add_floats(onnx::TensorProto* tensor, const std::string& name, std::initializer_list<float> values) {
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    tensor->add_dims(static_cast<std::int64_t>(values.size()));
    tensor->set_raw_data(values.begin(), values.size() * sizeof(float));
    return tensor;
}

/// x, w → Add → y
inline onnx::ModelProto small_model() {
    onnx::ModelProto model;
    model.set_ir_version(8);
    model.add_opset_import()->set_version(13);
    auto* graph = model.mutable_graph();
    graph->set_name("small");
    describe(graph->add_input(), "x");
    describe(graph->add_output(), "y");
    add_floats(graph->add_initializer(), "w", {1.0f, 2.0f});
    add_node(graph, "Add", {"x", "w"}, {"y"});
    return model;
}

}  // namespace mcompress::testing
