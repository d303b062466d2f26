// What a model says survives loading and emitting, whether the IR interprets it or not.
#include "catch.h"
#include "ir/fingerprint.h"
#include "ir/verify.h"
#include "models.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

/// Adds a field that no ONNX has.
void add_unknown(google::protobuf::Message* message, const std::string& text) {
    message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(1234, text);
}
bool has_unknown(const google::protobuf::Message& message, const std::string& text) {
    const auto& fields = message.GetReflection()->GetUnknownFields(message);
    for (int i = 0; i < fields.field_count(); ++i)
        if (fields.field(i).number() == 1234 && fields.field(i).length_delimited() == text) return true;
    return false;
}

onnx::ModelProto round_trip(const onnx::ModelProto& proto) {
    const auto model = load_proto(proto);
    const auto result = emit_proto(*model);
    CHECK(fingerprint(*load_proto(result)) == fingerprint(*model));
    return result;
}

}  // namespace

TEST_CASE("fields newer than the installed ONNX survive everywhere") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    auto* alpha = graph->mutable_node(0)->add_attribute();
    alpha->set_name("alpha");
    alpha->set_type(onnx::AttributeProto::FLOAT);
    alpha->set_f(0.5f);
    auto* weight = graph->mutable_node(0)->add_attribute();
    weight->set_name("weight");
    weight->set_type(onnx::AttributeProto::TENSOR);
    add_floats(weight->mutable_t(), "inside", {1.0f});
    describe(graph->add_value_info(), "h");
    add_node(graph, "Neg", {"x"}, {"h"});
    add_unknown(&model, "model");
    add_unknown(graph, "graph");
    add_unknown(graph->mutable_node(0), "node");
    add_unknown(alpha, "attribute");
    add_unknown(weight->mutable_t(), "attribute tensor");
    add_unknown(graph->mutable_initializer(0), "initializer");
    add_unknown(graph->mutable_input(0), "input");
    add_unknown(graph->mutable_output(0), "output");
    add_unknown(graph->mutable_value_info(0), "value info");
    add_unknown(graph->mutable_input(0)->mutable_type(), "type");
    add_unknown(graph->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0), "dim");
    const auto out = round_trip(model);
    CHECK(has_unknown(out, "model"));
    CHECK(has_unknown(out.graph(), "graph"));
    CHECK(has_unknown(out.graph().node(0), "node"));
    CHECK(has_unknown(out.graph().node(0).attribute(0), "attribute"));
    CHECK(has_unknown(out.graph().node(0).attribute(1).t(), "attribute tensor"));
    CHECK(out.graph().node(0).attribute(1).t().name() == "inside");
    CHECK(has_unknown(out.graph().initializer(0), "initializer"));
    CHECK(has_unknown(out.graph().input(0), "input"));
    CHECK(has_unknown(out.graph().output(0), "output"));
    CHECK(has_unknown(out.graph().value_info(0), "value info"));
    CHECK(has_unknown(out.graph().input(0).type(), "type"));
    CHECK(has_unknown(out.graph().input(0).type().tensor_type().shape().dim(0), "dim"));
}

TEST_CASE("documentation, metadata and producer survive") {
    auto model = small_model();
    model.set_producer_name("p");
    model.set_producer_version("1");
    model.set_domain("d");
    model.set_model_version(-3);
    model.set_doc_string("model doc");
    model.mutable_graph()->set_doc_string("graph doc");
    model.mutable_graph()->mutable_node(0)->set_doc_string("node doc");
    model.mutable_graph()->mutable_initializer(0)->set_doc_string("tensor doc");
    model.mutable_graph()->mutable_input(0)->mutable_type()->set_denotation("IMAGE");
    for (const char* key : {"b", "a", "a"}) {
        auto* entry = model.add_metadata_props();
        entry->set_key(key);
        entry->set_value("v");
    }
    model.add_training_info()->mutable_algorithm()->set_name("training");
    const auto out = round_trip(model);
    CHECK(out.producer_name() == "p");
    CHECK(out.producer_version() == "1");
    CHECK(out.domain() == "d");
    CHECK(out.model_version() == -3);
    CHECK(out.doc_string() == "model doc");
    CHECK(out.graph().doc_string() == "graph doc");
    CHECK(out.graph().node(0).doc_string() == "node doc");
    CHECK(out.graph().initializer(0).doc_string() == "tensor doc");
    CHECK(out.graph().input(0).type().denotation() == "IMAGE");
    CHECK(out.metadata_props_size() == 3);
    CHECK(out.metadata_props(0).key() == "b");
    CHECK(out.training_info(0).algorithm().name() == "training");
}

TEST_CASE("attributes of every kind survive") {
    auto model = small_model();
    model.add_opset_import()->set_domain("custom");
    model.mutable_opset_import(1)->set_version(2);
    auto* node = add_node(model.mutable_graph(), "Thing", {"x", "", "w"}, {"", "other"});
    node->set_domain("custom");
    const auto add = [&](const char* name, onnx::AttributeProto::AttributeType type) {
        auto* attribute = node->add_attribute();
        attribute->set_name(name);
        attribute->set_type(type);
        return attribute;
    };
    add("i", onnx::AttributeProto::INT)->set_i(-7);
    add("f", onnx::AttributeProto::FLOAT)->set_f(0.25f);
    add("s", onnx::AttributeProto::STRING)->set_s(std::string("a\0b", 3));
    add("ints", onnx::AttributeProto::INTS);
    add("floats", onnx::AttributeProto::FLOATS)->add_floats(1.0f);
    add("strings", onnx::AttributeProto::STRINGS)->add_strings("x");
    auto* tensors = add("tensors", onnx::AttributeProto::TENSORS);
    add_floats(tensors->add_tensors(), "t0", {1.0f});
    add_floats(tensors->add_tensors(), "", {2.0f});
    auto* sparse = add("sparse", onnx::AttributeProto::SPARSE_TENSOR)->mutable_sparse_tensor();
    add_floats(sparse->mutable_values(), "v", {1.0f});
    add("type", onnx::AttributeProto::TYPE_PROTO)->mutable_tp()->mutable_tensor_type()->set_elem_type(1);
    auto* graphs = add("graphs", onnx::AttributeProto::GRAPHS);
    for (const char* name : {"first", "second"}) {
        auto* body = graphs->add_graphs();
        body->set_name(name);
        add_node(body, "Neg", {"x"}, {"n"});
        describe(body->add_output(), "n");
    }
    const auto out = round_trip(model);
    const auto& written = out.graph().node(1);
    CHECK(written.SerializeAsString() == node->SerializeAsString());
}

TEST_CASE("bodies read values of outer graphs, and a name they hide is told apart") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    describe(graph->add_input(), "c", onnx::TensorProto::BOOL);
    auto* branch = add_node(graph, "If", {"c"}, {"z"});
    for (const char* name : {"then_branch", "else_branch"}) {
        auto* attribute = branch->add_attribute();
        attribute->set_name(name);
        attribute->set_type(onnx::AttributeProto::GRAPH);
        auto* body = attribute->mutable_g();
        body->set_name(name);
        add_floats(body->add_initializer(), "w", {5.0f, 6.0f});  // hides the outer w
        add_node(body, "Add", {"late", "w"}, {"sum"});
        describe(body->add_output(), "sum");
    }
    add_node(graph, "Neg", {"x"}, {"late"});  // listed after its reader
    describe(graph->add_output(), "z");
    const auto loaded = load_proto(model);
    const Node* conditional = loaded->graph->find_value("z")->producer();
    REQUIRE(conditional->subgraphs().size() == 2);
    const Node* sum = conditional->subgraphs()[0]->nodes()[0];
    CHECK(sum->input(0) == loaded->graph->find_value("late"));
    CHECK(sum->input(1)->constant()->data<float>()[0] == 5.0f);
    CHECK(loaded->graph->find_value("late")->uses().size() == 2);
    const auto out = round_trip(model);
    CHECK(out.graph().node(1).output(0) == "late");  // before its reader now
}

TEST_CASE("before IR version 4 initializers among the inputs are constants; later they are defaults") {
    auto model = small_model();
    describe(model.mutable_graph()->add_input(), "w");
    const auto today = load_proto(model);
    CHECK(today->graph->inputs().size() == 2);
    CHECK(today->graph->find_value("w")->default_value() != nullptr);
    CHECK(round_trip(model).graph().input_size() == 2);
    model.set_ir_version(3);
    const auto old = load_proto(model);
    CHECK(old->graph->inputs().size() == 1);
    CHECK(old->graph->find_value("w")->is_constant());
    CHECK(round_trip(model).graph().input_size() == 2);
}

TEST_CASE("functions are carried") {
    auto model = small_model();
    auto* function = model.add_functions();
    function->set_name("f");
    function->set_domain("local");
    function->add_input("a");
    function->add_output("b");
    function->add_opset_import()->set_version(13);
    auto* node = function->add_node();
    node->set_op_type("Neg");
    node->add_input("a");
    node->add_output("b");
    function->GetReflection()->MutableUnknownFields(function)->AddLengthDelimited(13, "variant");
    model.add_opset_import()->set_domain("local");
    model.mutable_opset_import(1)->set_version(1);
    add_node(model.mutable_graph(), "f", {"x"}, {"called"})->set_domain("local");
    const auto loaded = load_proto(model);
    REQUIRE(loaded->functions.size() == 1);
    CHECK(loaded->functions[0].name == "f");
    CHECK(loaded->functions[0].domain == "local");
    CHECK(loaded->functions[0].overload == "variant");
    CHECK(round_trip(model).functions(0).SerializeAsString() == function->SerializeAsString());
}

TEST_CASE("sparse initializers are carried") {
    auto model = small_model();
    auto* sparse = model.mutable_graph()->add_sparse_initializer();
    add_floats(sparse->mutable_values(), "s", {7.0f});
    sparse->mutable_indices()->set_data_type(onnx::TensorProto::INT64);
    sparse->mutable_indices()->add_dims(1);
    sparse->mutable_indices()->add_int64_data(1);
    sparse->add_dims(2);
    add_node(model.mutable_graph(), "Add", {"x", "s"}, {"z"});
    const auto loaded = load_proto(model);
    CHECK(loaded->graph->find_value("s")->type().to_string() == "float[2]");
    CHECK(round_trip(model).graph().sparse_initializer(0).SerializeAsString() == sparse->SerializeAsString());
}

TEST_CASE("quantization annotations live as long as their tensors") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    add_floats(graph->add_initializer(), "scale", {1.0f});
    for (const char* name : {"y", "w"}) {
        auto* annotation = graph->add_quantization_annotation();
        annotation->set_tensor_name(name);
        auto* entry = annotation->add_quant_parameter_tensor_names();
        entry->set_key("SCALE_TENSOR");
        entry->set_value("scale");
    }
    CHECK(round_trip(model).graph().quantization_annotation_size() == 2);
    const auto loaded = load_proto(model);
    loaded->graph->rename(loaded->graph->find_value("w"), "renamed");
    CHECK(emit_proto(*loaded).graph().quantization_annotation_size() == 1);
    loaded->graph->erase(loaded->graph->find_value("scale"));
    CHECK(emit_proto(*loaded).graph().quantization_annotation_size() == 0);
}

TEST_CASE("types of every kind survive, and a description of no value too") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    const auto add = [&](const char* name) {
        auto* info = graph->add_input();
        info->set_name(name);
        return info->mutable_type();
    };
    add("sequence")->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(7);
    auto* map = add("map")->mutable_map_type();
    map->set_key_type(8);
    map->mutable_value_type()->mutable_tensor_type()->set_elem_type(1);
    add("optional")
        ->mutable_optional_type()
        ->mutable_elem_type()
        ->mutable_sequence_type()
        ->mutable_elem_type()
        ->mutable_tensor_type()
        ->set_elem_type(9);
    add("sparse")->mutable_sparse_tensor_type()->set_elem_type(1);
    add("opaque")->mutable_opaque_type()->set_name("thing");
    add("unranked")->mutable_tensor_type()->set_elem_type(1);
    auto* mixed = add("mixed")->mutable_tensor_type();
    mixed->set_elem_type(1);
    mixed->mutable_shape()->add_dim()->set_dim_param("N");
    mixed->mutable_shape()->add_dim();
    mixed->mutable_shape()->add_dim()->set_dim_value(0);
    describe(graph->add_value_info(), "nobody");
    const auto out = round_trip(model);
    REQUIRE(out.graph().input_size() == graph->input_size());
    for (int i = 0; i < graph->input_size(); ++i) {
        INFO(graph->input(i).name());
        CHECK(out.graph().input(i).SerializeAsString() == graph->input(i).SerializeAsString());
    }
    REQUIRE(out.graph().value_info_size() == 1);
    CHECK(out.graph().value_info(0).name() == "nobody");
    CHECK(load_proto(model)->graph->find_value("optional")->type().kind == ValueType::Kind::Optional);
}

TEST_CASE("what a model is given has a type, or a default that tells it") {
    auto model = small_model();
    auto* graph = model.mutable_graph();
    graph->add_input()->set_name("untyped");
    CHECK_THROWS_WITH(load_proto(model), contains_text("graph input 'untyped' has no element type"));
    add_floats(graph->add_initializer(), "untyped", {1.0f});
    CHECK(load_proto(model)->graph->find_value("untyped")->type().dtype == DType::Float32);
    graph->add_input()->set_name("undefined");
    graph->mutable_input(graph->input_size() - 1)->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(2);
    CHECK_THROWS_WITH(load_proto(model), contains_text("graph input 'undefined' has no element type"));
    add_floats(graph->add_initializer(), "undefined", {1.0f, 2.0f});
    CHECK(load_proto(model)->graph->find_value("undefined")->type().to_string() == "float[2]");
    auto* type = graph->mutable_input(graph->input_size() - 1)->mutable_type();
    type->mutable_tensor_type()->set_elem_type(7);
    CHECK_THROWS_WITH(load_proto(model), contains_text("'undefined' is declared as int64 but its initializer is float"));
    type->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
    CHECK_THROWS_WITH(load_proto(model), contains_text("its default is a tensor"));
}

TEST_CASE("the default domain has one name") {
    auto model = small_model();
    model.mutable_opset_import(0)->set_domain("ai.onnx");
    model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
    const auto loaded = load_proto(model);
    CHECK(loaded->graph->nodes()[0]->is("Add"));
    CHECK(loaded->opset_imports->at("") == 13);
}

TEST_CASE("ONNX Runtime's own operators need no import, like there; the import is written") {
    auto model = small_model();
    auto* node = add_node(model.mutable_graph(), "Gelu", {"x"}, {"gelu"});
    node->set_name("mine");
    node->set_domain("com.microsoft");
    const std::string bytes = model.SerializeAsString();
    const LoadedModel loaded = examine_model_bytes(std::as_bytes(std::span(bytes)), nullptr, {});
    REQUIRE(loaded.findings.size() == 1);
    CHECK(loaded.findings[0].severity == Severity::Warning);
    CHECK(loaded.findings[0].object == "node 'mine' (Gelu)");
    CHECK(loaded.model->opset_imports->at("com.microsoft") == 1);
    const auto out = round_trip(model);
    REQUIRE(out.opset_import_size() == 2);
    CHECK(out.opset_import(1).domain() == "com.microsoft");
    node->set_domain("com.example");
    CHECK(refusal_of([&] { load_proto(model); }).mentions("com.example"));
}

TEST_CASE("where only other domains are imported, an opset of ONNX is ready for what passes put in") {
    auto model = small_model();
    for (auto& node : *model.mutable_graph()->mutable_node()) node.set_domain("com.microsoft");
    model.mutable_opset_import(0)->set_domain("com.microsoft");
    CHECK(load_proto(model)->opset_imports->at("") == 13);
    model.mutable_graph()->mutable_node(0)->clear_domain();
    CHECK(refusal_of([&] { load_proto(model); }).mentions("ai.onnx"));
}

namespace {

/// A body whose input and output are called as values outside it are.
onnx::ModelProto model_with_hiding_body(const std::string& domain) {
    auto model = small_model();
    model.add_opset_import()->set_domain("other");
    model.mutable_opset_import(1)->set_version(1);
    auto* search = add_node(model.mutable_graph(), "Search", {"x"}, {"found"});
    search->set_domain(domain);
    auto* attribute = search->add_attribute();
    attribute->set_name("decoder");
    attribute->set_type(onnx::AttributeProto::GRAPH);
    auto* body = attribute->mutable_g();
    body->set_name("decoder");
    describe(body->add_input(), "x");
    add_node(body, "Neg", {"x"}, {"y"});
    describe(body->add_output(), "y");
    describe(body->add_value_info(), "w");
    return model;
}

}  // namespace

TEST_CASE("operators of other domains keep the names that go into and come out of their bodies, also where they hide others") {
    const auto out = round_trip(model_with_hiding_body("other"));
    const auto& body = out.graph().node(out.graph().node_size() - 1).attribute(0).g();
    CHECK(body.input(0).name() == "x");
    CHECK(body.node(0).input(0) == "x");
    CHECK(body.node(0).output(0) == "y");
    CHECK(body.output(0).name() == "y");
}

TEST_CASE("a body does not describe values outside it, which may be something else by now") {
    const auto out = round_trip(model_with_hiding_body("other"));
    CHECK(out.graph().node(out.graph().node_size() - 1).attribute(0).g().value_info_size() == 0);
}

TEST_CASE("operators of the private domain are not written") {
    const auto model = load_proto(small_model());
    Value* x = model->graph->inputs()[0];
    model->graph->add_node({.op_type = "Observe", .inputs = {x}, .name = "watch", .domain = "mcompress"});
    const Refused found = refusal_of([&] { emit_model_bytes(*model); });
    CHECK(found.code == "E3011");
    CHECK(found.mentions("'watch' (Observe)"));
}

TEST_CASE("emitting is deterministic and leaves nothing behind when it fails") {
    const auto model = load_proto(small_model());
    const TemporaryFolder folder;
    emit_model(*model, folder / "a.onnx");
    emit_model(*model, folder / "b.onnx");
    CHECK(read_bytes(folder / "a.onnx") == read_bytes(folder / "b.onnx"));
    CHECK(read_bytes(folder / "a.onnx") == emit_model_bytes(*model));
    CHECK(refusal_of([&] { emit_model(*model, folder / "nowhere/c.onnx"); }).code == "E4003");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}
