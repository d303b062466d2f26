#include "onnx/build_model.h"

#include <climits>

#include "onnx/inline_external.h"
#include "onnx/wire.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// FunctionProto.overload, which protobuf definitions before ONNX 1.16 do not have.
std::string overload_of(const std::string& function) {
    constexpr std::uint32_t kOverloadField = 13;
    const auto bytes = std::as_bytes(std::span(function));
    std::string overload;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto field = read_field(bytes, at, bytes.size());
        if (!field) break;
        if (field->number == kOverloadField && field->type == WireType::Bytes)
            overload = function.substr(field->payload, field->end - field->payload);
        at = field->end;
    }
    return overload;
}

// That of ONNX 1.20. What a newer one adds could change what a model means.
constexpr std::int64_t kNewestIrVersion = 13;
// That of ONNX 1.21. Operators newer than kNewestOpset stay as they are where nothing knows them; a model of an opset nobody has published says nothing for sure.
constexpr int kNewestPublishedOpset = 26;

void take_opset_imports(onnx::ModelProto& proto, OpsetImports& imports, std::vector<Finding>& findings) {
    for (const auto& import : proto.opset_import()) {
        const std::string domain = import.domain() == "ai.onnx" ? std::string() : import.domain();
        if (import.version() < 1 || import.version() > INT_MAX) {
            findings.push_back({codes::kModelInvalid, "model",
                                format("imports version {} of domain '{}'", import.version(), import.domain()), "a version from 1"});
            continue;
        }
        const auto version = static_cast<int>(import.version());
        if (domain.empty() && version > kNewestPublishedOpset)
            findings.push_back({codes::kOpsetUnsupported, "model",
                                format("the model imports opset {}, the newest that is known is {}", version, kNewestPublishedOpset), "",
                                format("export it for opset {} or below, or use a newer mcompress", kNewestPublishedOpset)});
        const auto [at, is_new] = imports.emplace(domain, version);
        if (!is_new && at->second != version)
            findings.push_back({codes::kModelInvalid, "model",
                                format("imports domain '{}' at versions {} and {}", import.domain(), at->second, version),
                                "one version of every domain"});
    }
    proto.clear_opset_import();
}

/// ONNX Runtime knows its own operators without an import, so that files which it wrote or which were made for it may lack one. Where a model uses operators
/// of other domains alone, what passes put in (Cast, QuantizeLinear …) needs one of ONNX.
void add_implied_imports(const Model& model, std::vector<Finding>& findings) {
    constexpr const char* kOnnxRuntime = "com.microsoft";
    constexpr int kOnnxOfPasses = 13;
    OpsetImports& imports = *model.opset_imports;
    if (imports.empty()) return;
    bool uses_onnx = false;
    const Node* first = nullptr;
    for_each_graph(*model.graph, [&](Graph& each) {
        for (const Node* node : each.nodes()) {
            uses_onnx = uses_onnx || node->domain().empty();
            if (!first && node->domain() == kOnnxRuntime) first = node;
        }
    });
    if (!uses_onnx && model.functions.empty()) imports.emplace("", kOnnxOfPasses);
    if (!first || !imports.emplace(kOnnxRuntime, 1).second) return;
    findings.push_back({codes::kModelInvalid, first->label(), format("uses domain '{}', which the model does not import", kOnnxRuntime),
                        "a domain of the model's opset imports",
                        "version 1 is taken, as ONNX Runtime does; mcompress optimize writes it down", Severity::Warning});
}

void take_functions(onnx::ModelProto& proto, const TensorSource& tensors, Model& model, std::vector<Finding>& findings) {
    for (auto& function : *proto.mutable_functions()) {
        collect(findings, [&] {
            with_context([&] { return format("function '{}.{}'", function.domain(), function.name()); },
                         [&] { inline_external_data(function, tensors); });
        });
        Function taken{function.domain(), function.name(), {}, serialize(function)};
        taken.overload = overload_of(taken.bytes);
        model.functions.push_back(std::move(taken));
    }
    proto.clear_functions();
}

void take_header(onnx::ModelProto& proto, Model& model) {
    model.ir_version = proto.ir_version();
    model.producer_name = proto.producer_name();
    model.producer_version = proto.producer_version();
    model.domain = proto.domain();
    model.model_version = proto.model_version();
    model.doc_string = proto.doc_string();
    for (const auto& entry : proto.metadata_props()) model.metadata.emplace_back(entry.key(), entry.value());
    proto.clear_ir_version();
    proto.clear_producer_name();
    proto.clear_producer_version();
    proto.clear_domain();
    proto.clear_model_version();
    proto.clear_doc_string();
    proto.clear_metadata_props();
}

/// What a model is given must have a type. A default tells it as well as a declaration; that both agree on the element type is verify()'s to say.
void check_input_types(Graph& graph, std::vector<Finding>& findings) {
    for (Value* input : graph.inputs()) {
        ValueType type = input->type();
        const auto add = [&](std::string found, std::string expected) {
            findings.push_back({codes::kModelInvalid, format("graph input '{}'", input->name()), std::move(found), std::move(expected)});
        };
        const Tensor* const given = input->default_value();
        const bool may_be_tensor = type.kind == ValueType::Kind::Unknown || type.is_tensor();
        if (given && !may_be_tensor) add(format("is declared as {}, its default is a tensor", type.to_string()), "one type for both");
        if (!may_be_tensor || type.dtype != DType::Undefined) continue;
        if (!given) {
            add("has no element type", "one of the types that ONNX defines");
            continue;
        }
        type.kind = ValueType::Kind::Tensor;
        type.dtype = given->dtype();
        graph.set_type(input, std::move(type));
    }
}

}  // namespace

LoadedModel build_model(onnx::ModelProto& proto, const TensorSource& tensors) {
    LoadedModel loaded{std::make_unique<Model>(), {}, {}};
    Model* const model = loaded.model.get();
    std::vector<Finding>& findings = loaded.findings;
    take_header(proto, *model);
    if (model->ir_version < 1 || model->ir_version > kNewestIrVersion)
        findings.push_back({codes::kModelInvalid, "model", format("has IR version {}", model->ir_version),
                            format("one of those known, 1 to {}", kNewestIrVersion)});
    take_opset_imports(proto, *model->opset_imports, findings);
    take_functions(proto, tensors, *model, findings);
    std::unique_ptr<onnx::GraphProto> graph(proto.has_graph() ? proto.release_graph() : new onnx::GraphProto);
    loaded.unread = build_graph(std::move(graph), *model->graph, {tensors, model->ir_version}, findings);
    check_input_types(*model->graph, findings);
    add_implied_imports(*model, findings);
    collect(findings, [&] { inline_external_data(proto, tensors); });
    if (proto.ByteSizeLong() > 0) model->extra = serialize(proto);
    for (Finding& finding : verify(*model)) findings.push_back(std::move(finding));
    return loaded;
}

}  // namespace mcompress
