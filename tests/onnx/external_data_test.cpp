// Tensor contents in files beside the model: found where they may be, refused where they may not.
#include <sys/stat.h>

#include "catch.h"
#include "ir/fingerprint.h"
#include "models.h"
#include "onnx/sha1.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

onnx::ModelProto model_with_external(const std::string& location, const std::string& offset = "", const std::string& length = "") {
    auto model = small_model();
    auto* tensor = model.mutable_graph()->mutable_initializer(0);
    tensor->clear_raw_data();
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
        auto* entry = tensor->add_external_data();
        entry->set_key(key);
        entry->set_value(value);
    };
    add("location", location);
    if (!offset.empty()) add("offset", offset);
    if (!length.empty()) add("length", length);
    return model;
}

const std::string kData = [] {
    const float values[] = {9.0f, 1.0f, 2.0f};
    return std::string(reinterpret_cast<const char*>(values), sizeof values);
}();

struct Layout {
    TemporaryFolder folder;
    fs::path models = folder / "models";

    Layout() {
        fs::create_directories(models / "sub");
        fs::create_directories(folder / "outside");
        write_bytes(models / "w.bin", kData);
        write_bytes(models / "sub" / "w.bin", kData);
        write_bytes(folder / "outside/w.bin", kData);
    }
    std::unique_ptr<Model> load(const onnx::ModelProto& proto) const {
        write_bytes(models / "m.onnx", proto.SerializeAsString());
        return load_model(models / "m.onnx");
    }
    Refused refused(const onnx::ModelProto& proto) const {
        return refusal_of([&] { load(proto); });
    }
};

bool holds_one_and_two(const Model& model) {
    const Tensor& w = *model.graph->find_value("w")->constant();
    return w.data<float>()[0] == 1.0f && w.data<float>()[1] == 2.0f;
}

}  // namespace

TEST_CASE("external data is read from the model's folder") {
    const Layout layout;
    const auto model = layout.load(model_with_external("w.bin", "4", "8"));
    CHECK(holds_one_and_two(*model));
    CHECK(model->external_files == std::vector<fs::path>{fs::canonical(layout.models / "w.bin")});
    CHECK(holds_one_and_two(*layout.load(model_with_external("w.bin", "4"))));
    CHECK(holds_one_and_two(*layout.load(model_with_external("sub/w.bin", "4"))));
    CHECK(holds_one_and_two(*layout.load(model_with_external("sub/../w.bin", "4"))));
    CHECK(holds_one_and_two(*layout.load(model_with_external("./w.bin", "4"))));
}

TEST_CASE("paths that leave the model's folder are refused") {
    const Layout layout;
    for (const char* location : {"../outside/w.bin", "sub/../../outside/w.bin", "/etc/passwd", "", "..", ".", "C:\\w.bin", "c:w.bin",
                                 "sub\\w.bin", "\\\\host\\share\\w.bin", "../../../../../../etc/passwd"}) {
        INFO(location);
        CHECK(layout.refused(model_with_external(location, "4")).code == "E3005");
    }
    CHECK(layout.refused(model_with_external(std::string("w.bin\0x", 7), "4")).code == "E3005");
    CHECK(layout.refused(model_with_external("missing.bin")).mentions("does not exist"));
    CHECK_FALSE(layout.refused(model_with_external("a\x1b[31m.bin")).mentions("\x1b"));
}

TEST_CASE("links count by where they lead") {
    const Layout layout;
    fs::create_symlink("../outside/w.bin", layout.models / "out.bin");
    fs::create_symlink("sub/w.bin", layout.models / "in.bin");
    fs::create_directory_symlink("../outside", layout.models / "folder");
    fs::create_hard_link(layout.models / "w.bin", layout.models / "hard.bin");
    fs::create_symlink("/dev/zero", layout.models / "zero.bin");
    CHECK(layout.refused(model_with_external("out.bin", "4")).mentions("leaves the model's folder"));
    CHECK(layout.refused(model_with_external("folder/w.bin", "4")).code == "E3005");
    CHECK(layout.refused(model_with_external("zero.bin", "4")).code == "E3005");
    CHECK(holds_one_and_two(*layout.load(model_with_external("in.bin", "4"))));
    CHECK(holds_one_and_two(*layout.load(model_with_external("hard.bin", "4"))));
}

TEST_CASE("a cache of links to blobs works") {
    const TemporaryFolder folder;
    fs::create_directories(folder / "blobs");
    fs::create_directories(folder / "snapshots/abc");
    write_bytes(folder / "blobs/1111", model_with_external("w.bin", "4").SerializeAsString());
    write_bytes(folder / "blobs/2222", kData);
    fs::create_symlink("../../blobs/1111", folder / "snapshots/abc/m.onnx");
    fs::create_symlink("../../blobs/2222", folder / "snapshots/abc/w.bin");
    CHECK(holds_one_and_two(*load_model(folder / "snapshots/abc/m.onnx")));
}

TEST_CASE("what is no regular file is refused without being opened") {
    const Layout layout;
    REQUIRE(::mkfifo((layout.models / "fifo").c_str(), 0600) == 0);
    CHECK(layout.refused(model_with_external("fifo")).mentions("not a regular file"));
    CHECK(layout.refused(model_with_external("sub")).code == "E3005");
}

TEST_CASE("offsets and lengths are checked before anything is read") {
    const Layout layout;
    for (const char* offset : {"-4", "x", "4 ", "0x4", "99999999999999999999999", "5", "18446744073709551615", "1.5"}) {
        INFO(offset);
        CHECK(layout.refused(model_with_external("w.bin", offset)).code == "E3005");
    }
    for (const char* length : {"-8", "7", "9", "1125899906842624", "eight"}) {
        INFO(length);
        CHECK(layout.refused(model_with_external("w.bin", "0", length)).code == "E3005");
    }
    write_bytes(layout.models / "w.bin", "");
    CHECK(layout.refused(model_with_external("w.bin")).mentions("beyond the end"));
}

TEST_CASE("a checksum is compared when there is one") {
    const Layout layout;
    write_bytes(layout.models / "w.bin", "abcdefgh");
    auto model = model_with_external("w.bin");
    auto* entry = model.mutable_graph()->mutable_initializer(0)->add_external_data();
    entry->set_key("checksum");
    entry->set_value("425af12a0743502b322e93a015bcf868e324d56a");
    CHECK(layout.refused(model).message == "");
    entry->set_value("425AF12A0743502B322E93A015BCF868E324D56A");
    CHECK(layout.refused(model).message == "");
    entry->set_value("425af12a0743502b322e93a015bcf868e324d56b");
    CHECK(layout.refused(model).mentions("has the SHA-1 425af12a"));
}

TEST_CASE("SHA-1 of the standard's examples") {
    const auto sum = [](std::string_view text) { return sha1_hex(std::as_bytes(std::span(text))); };
    CHECK(sum("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(sum("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(sum(std::string(1000000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("external data in a node's attribute and in a body is found too") {
    const Layout layout;
    auto model = small_model();
    auto* graph = model.mutable_graph();
    auto tensor = model_with_external("w.bin", "4").graph().initializer(0);
    graph->clear_initializer();
    auto* constant = add_node(graph, "Constant", {}, {"w"});
    auto* value = constant->add_attribute();
    value->set_name("value");
    value->set_type(onnx::AttributeProto::TENSOR);
    *value->mutable_t() = tensor;
    const auto loaded = layout.load(model);
    const Attribute* attribute = loaded->graph->find_value("w")->producer()->attribute("value");
    CHECK(std::get<Tensor>(attribute->value).data<float>()[1] == 2.0f);
}

TEST_CASE("a model from memory without a folder has no external data") {
    const Layout layout;
    const auto proto = model_with_external("w.bin", "4");
    CHECK(refusal_of([&] { load_proto(proto); }).mentions("has no folder"));
    CHECK(holds_one_and_two(*load_proto(proto, layout.models)));
}

TEST_CASE("what is carried as bytes does not depend on files any more") {
    const Layout layout;
    auto model = small_model();
    const auto tensor = model_with_external("w.bin", "4").graph().initializer(0);
    auto* sparse = model.mutable_graph()->add_sparse_initializer();
    *sparse->mutable_values() = tensor;
    sparse->mutable_values()->set_name("s");
    sparse->mutable_indices()->set_data_type(onnx::TensorProto::INT64);
    sparse->mutable_indices()->add_dims(2);
    for (const std::int64_t index : {1, 3}) sparse->mutable_indices()->add_int64_data(index);
    sparse->add_dims(4);
    auto* function = model.add_functions();
    function->set_name("f");
    auto* value = function->add_node()->add_attribute();
    value->set_type(onnx::AttributeProto::TENSOR);
    *value->mutable_t() = tensor;
    const auto out = emit_proto(*layout.load(model));
    CHECK(out.graph().sparse_initializer(0).values().raw_data() == kData.substr(4));
    CHECK(out.graph().sparse_initializer(0).values().external_data_size() == 0);
    CHECK(out.functions(0).node(0).attribute(0).t().raw_data() == kData.substr(4));
}

TEST_CASE("models beyond the limit of one file get a data file") {
    auto proto = small_model();
    auto* graph = proto.mutable_graph();
    for (int i = 0; i < 3; ++i) {
        auto* tensor = graph->add_initializer();
        tensor->set_name("big" + std::to_string(i));
        tensor->set_data_type(onnx::TensorProto::UINT8);
        tensor->add_dims(5000 + i);
        tensor->set_raw_data(std::string(static_cast<std::size_t>(5000 + i), static_cast<char>('a' + i)));
    }
    const auto model = load_proto(proto);
    const TemporaryFolder folder;
    const EmitResult one = emit_model(*model, folder / "one.onnx");
    CHECK(one.data_file.empty());
    CHECK(one.bytes == fs::file_size(folder / "one.onnx"));
    const EmitResult two = emit_model(*model, folder / "two.onnx", {.single_file_limit = 10000});
    REQUIRE_FALSE(two.data_file.empty());
    CHECK(two.data_file.filename().string().substr(0, 4) == "two-");
    CHECK(two.bytes == fs::file_size(folder / "two.onnx") + fs::file_size(two.data_file));
    const auto again = load_model(folder / "two.onnx");
    CHECK(again->external_files.size() == 1);
    CHECK(fingerprint(*again) == fingerprint(*model));
    // Over its own input: the data file in use is replaced, not overwritten.
    emit_model(*again, folder / "two.onnx", {.external_data = ExternalData::Always});
    CHECK(fingerprint(*load_model(folder / "two.onnx")) == fingerprint(*model));
    CHECK(fingerprint(*again) == fingerprint(*model));
    CHECK(refusal_of([&] { emit_model(*model, folder / "three.onnx", {.single_file_limit = 50}); }).code == "E5001");
    CHECK_FALSE(fs::exists(folder / "three.onnx"));
}
