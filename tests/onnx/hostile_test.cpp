// Files that are no model, or no longer one.
#include <random>

#include "catch.h"
#include "ir/verify.h"
#include "models.h"
#include "onnx/text.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

Refused refused(const std::string& bytes) {
    return refusal_of([&] { load_bytes(bytes); });
}

onnx::GraphProto nested(int depth) {
    onnx::GraphProto graph;
    graph.set_name("g");
    if (depth == 0) {
        add_node(&graph, "Neg", {"x"}, {"inner"});
        describe(graph.add_output(), "inner");
        return graph;
    }
    const std::string output = "y" + std::to_string(depth);
    auto* node = add_node(&graph, "If", {"c"}, {});
    node->add_output(output);
    auto* branch = node->add_attribute();
    branch->set_name("then_branch");
    branch->set_type(onnx::AttributeProto::GRAPH);
    *branch->mutable_g() = nested(depth - 1);
    describe(graph.add_output(), output);
    return graph;
}

}  // namespace

TEST_CASE("other formats are named") {
    struct Row {
        std::string bytes;
        const char* named;
    };
    const Row rows[] = {{"", "empty"},
                        {"<!DOCTYPE html><html><body>404</body></html>", "HTML"},
                        {"  \n<html>", "HTML"},
                        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git-lfs"},
                        {std::string("PK\x03\x04\x14\0\0\0", 8), "zip"},
                        {"\x1f\x8b\x08", "gzip"},
                        {std::string("GGUF\x03\0\0\0", 8), "GGUF"},
                        {std::string("\x1c\0\0\0TFL3", 8), "TensorFlow Lite"},
                        {std::string("\x40\0\0\0\0\0\0\0{\"__metadata__\"", 22), "safetensors"},
                        {std::string("\x20\0\0\0ORTM", 8), ".ort"},
                        {"{\"a\": 1}", "JSON"},
                        {"\x89PNG\r\n", "PNG"}};
    for (const Row& row : rows) {
        INFO(row.named);
        const Refused found = refused(row.bytes);
        CHECK(found.code == "E3001");
        CHECK(found.mentions(row.named));
    }
}

TEST_CASE("a missing file, a folder and a device are no models") {
    const TemporaryFolder folder;
    CHECK(refusal_of([&] { load_model(folder / "none.onnx"); }).code == "E4001");
    CHECK(refusal_of([&] { load_model(folder.path()); }).code == "E4004");
    CHECK(refusal_of([&] { load_model("/dev/zero"); }).code == "E4004");
}

TEST_CASE("random bytes never load and never crash") {
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string bytes(random() % 300 + 1, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        const Refused found = refused(bytes);
        INFO(found.message);
        CHECK((found.code == "E3001" || found.code == "E3002" || found.code == "E3003"));
    }
}

TEST_CASE("a model cut off anywhere is refused, or complete but for what follows the graph") {
    auto proto = small_model();
    auto* entry = proto.add_metadata_props();
    entry->set_key("k");
    entry->set_value("v");
    const std::string bytes = proto.SerializeAsString();
    int loaded = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        INFO(size);
        const Refused found = refused(bytes.substr(0, size));
        if (found.code.empty()) ++loaded;
        else CHECK(found.code.substr(0, 2) == "E3");
    }
    CHECK(loaded == 1);  // exactly before the metadata
}

TEST_CASE("a model with any byte changed loads or is refused") {
    const std::string bytes = small_model().SerializeAsString();
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const int flip : {0x01, 0x80, 0xff, 0x08, 0x7f}) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            const Refused found = refused(changed);
            if (!found.code.empty()) CHECK(found.code.substr(0, 2) == "E3");
        }
}

TEST_CASE("nesting is accepted to protobuf's limit and refused beyond it") {
    const auto model_of = [](int depth) {
        auto model = small_model();
        *model.mutable_graph() = nested(depth);
        describe(model.mutable_graph()->add_input(), "x");
        describe(model.mutable_graph()->add_input(), "c", onnx::TensorProto::BOOL);
        return model.SerializeAsString();
    };
    CHECK(refused(model_of(30)).code == "");
    CHECK(refused(model_of(60)).code == "E3013");
    CHECK(refused(model_of(2000)).code == "E3013");
}

TEST_CASE("a declared length never leads to an allocation") {
    // graph → initializer → raw_data of 2^62 bytes
    CHECK(refused(std::string("\x08\x08\x3a\x0d\x2a\x0b\x4a\x80\x80\x80\x80\x80\x80\x80\x80\x40", 16)).code == "E3002");
    CHECK(refused(std::string("\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13)).code == "E3002");
}

TEST_CASE("all structural faults are reported at once") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    add_node(graph, "Neg", {"nowhere"}, {"a"});
    add_node(graph, "Neg", {"x"}, {"a"});
    add_node(graph, "Neg", {"loop2"}, {"loop1"});
    add_node(graph, "Neg", {"loop1"}, {"loop2"});
    add_node(graph, "Foo", {"x"}, {"f"})->set_domain("unknown.domain");
    add_floats(graph->add_initializer(), "w", {3.0f});
    add_floats(graph->add_initializer(), "", {3.0f});
    describe(graph->add_input(), "x");
    describe(graph->add_output(), "missing");
    const Refused found = refused(model.SerializeAsString());
    CHECK(found.code == "E3003");
    for (const char* part :
         {"'nowhere'", "computes 'a'", "cycle", "unknown.domain", "initializer 'w'", "has no name", "graph input 'x'", "'missing'"}) {
        INFO(part << " in " << found.message);
        CHECK(found.mentions(part));
    }
}

TEST_CASE("opset imports and IR versions are checked") {
    auto none = small_model();
    none.clear_opset_import();
    CHECK(refused(none.SerializeAsString()).mentions("imports no operator set"));
    auto twice = small_model();
    twice.add_opset_import()->set_version(11);
    CHECK(refused(twice.SerializeAsString()).mentions("at versions 13 and 11"));
    auto huge = small_model();
    huge.mutable_opset_import(0)->set_version(std::int64_t{1} << 40);
    CHECK(refused(huge.SerializeAsString()).code == "E3003");
    auto no_ir = small_model();
    no_ir.clear_ir_version();
    CHECK(refused(no_ir.SerializeAsString()).mentions("IR version 0"));
    auto today = small_model();
    today.set_ir_version(13);
    today.mutable_opset_import(0)->set_version(24);
    CHECK(refused(today.SerializeAsString()).code == "");
}

TEST_CASE("attributes that contradict themselves are refused") {
    auto model = small_model();
    auto* attribute = model.mutable_graph()->mutable_node(0)->add_attribute();
    attribute->set_name("axis");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_f(1.0f);
    CHECK(refused(model.SerializeAsString()).mentions("'axis' is declared as INT but holds FLOAT"));
    attribute->set_i(1);
    CHECK(refused(model.SerializeAsString()).code == "E3003");
}

TEST_CASE("bad text is refused") {
    const std::string good =
        R"(<ir_version: 8, opset_import: ["" : 13]> g (float[2] x) => (float[2] y) { y = LeakyRelu <alpha = 0.5> (x) })";
    CHECK(parse_model(good)->graph->node_count() == 1);
    for (std::size_t size = 0; size < good.size(); ++size) {
        INFO(good.substr(0, size));
        CHECK_FALSE(refusal_of([&] { parse_model(std::string_view(good).substr(0, size)); }).code.empty());
    }
    CHECK(refusal_of([] { parse_model(std::string(1000, '(')); }).code == "E3013");
    CHECK(refusal_of([] { parse_model(std::string("a\0b", 3)); }).code == "E3003");
    CHECK(refusal_of([&] { parse_model(good + " more"); }).code == "E3003");
}
