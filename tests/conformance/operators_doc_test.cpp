// docs/operators.md follows from the tables: operators, kernels of both engines, quantization rules; and from what the suites run.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "catch.h"
#include "engine/engine.h"
#include "engine/onednn/operator_table.h"
#include "engine/reference/kernel.h"
#include "fixtures/onnx_case.h"
#include "fixtures/published_models.h"
#include "fixtures/text_case.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "passes/quantize/op_rules.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

using Key = std::pair<std::string, std::string>;  // domain, operator

std::string joined(const auto& parts, std::string_view separator) {
    std::string text;
    for (const auto& part : parts) text += (text.empty() ? "" : std::string(separator)) + std::string(part);
    return text;
}

/// Element types of the first tensor with which an operator runs: in the suites, and in their single nodes with other types put in.
class TypesThatRun {
public:
    void add_published() {
        for (const PublishedModel& published : published_models()) {
            try {
                const auto model = load_model(published.file());
                for (const auto& folder : data_set_folders(published.folder))
                    add(*model->graph, load_data_set(folder, *model->graph).inputs);
            } catch (const Error&) {
                continue;  // the conformance tests say which are waived
            }
        }
    }
    void add_text_cases() {
        for (const TextCase& text_case : read_text_cases()) {
            if (!text_case.refusal.empty()) continue;
            std::vector<Tensor> inputs;
            for (const NamedTensor& each : text_case.inputs) inputs.push_back(each.tensor);
            add(*make_model(text_case, Inputs::AsInputs)->graph, inputs);
        }
    }
    std::string of(const Key& key) const {
        std::vector<std::string_view> names;
        if (const auto found = types_.find(key); found != types_.end())
            for (const DType dtype : found->second) names.push_back(dtype_name(dtype));
        return joined(names, ", ");
    }
    /// Types that ended in an internal error in place of a refusal.
    const std::set<std::string>& broken() const { return broken_; }

private:
    template <typename Values> void add(Graph& graph, const std::vector<Values>& inputs) {
        run(graph, std::vector<RuntimeValue>(inputs.begin(), inputs.end()));
        for_each_graph(graph, [&](Graph& current) {
            for (const Node* node : current.nodes()) add_node(*node);
        });
        if (graph.nodes().size() == 1 && graph.nodes()[0]->subgraphs().empty()) try_types(graph, inputs);
    }
    static void run(Graph& graph, const std::vector<RuntimeValue>& inputs) {
        infer_types(graph);
        (void)make_reference_engine()->compile(graph, {})->run_values(inputs);
    }
    void add_node(const Node& node) {
        for (const auto values : {node.inputs(), node.outputs()})
            for (const Value* value : values)
                if (value && value->type().is_tensor() && value->type().dtype != DType::Undefined) {
                    types_[{node.domain(), node.op_type()}].insert(value->type().dtype);
                    return;
                }
    }

    /// In the opset that was published, and in the newest, which may take more types.
    template <typename Values> void try_types(Graph& graph, const std::vector<Values>& inputs) {
        try_types_of(graph, inputs, inputs.size());
        if (!graph.nodes()[0]->domain().empty()) return;
        try_types_of(graph, inputs, 1);
        (*graph.opset_imports())[""] = kNewestOpset;
        try_types_of(graph, inputs, inputs.size());
        try_types_of(graph, inputs, 1);
    }

    /// In place of the type of the first input, of all among the first `most` that have it.
    template <typename Values> void try_types_of(Graph& graph, const std::vector<Values>& inputs, std::size_t most) {
        constexpr int kMostTries = 12;
        const Node& node = *graph.nodes()[0];
        const Key key{node.domain(), node.op_type()};
        if (inputs.empty() || !is_tensor(inputs[0])) return;
        const DType own = tensor_of(inputs[0]).dtype();
        for (int number = 1; is_known_dtype(number); ++number) {
            const auto dtype = static_cast<DType>(number);
            if (types_[key].contains(dtype) || ++tries_[{key, dtype}] > kMostTries) continue;
            try {
                std::vector<RuntimeValue> others;
                for (std::size_t i = 0; i < inputs.size(); ++i) {
                    const bool changes = i < most && is_tensor(inputs[i]) && tensor_of(inputs[i]).dtype() == own;
                    others.push_back(changes ? RuntimeValue(cast(tensor_of(inputs[i]), dtype)) : RuntimeValue(inputs[i]));
                    if (is_tensor(inputs[i]))
                        graph.set_type(graph.inputs()[i],
                                       ValueType::tensor(changes ? dtype : tensor_of(inputs[i]).dtype(), tensor_of(inputs[i]).shape()));
                }
                for (Value* output : graph.outputs()) graph.set_type(output, {});
                run(graph, others);
                types_[key].insert(dtype);
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Internal)
                    broken_.insert(format("{} of {}: {}", node.op_type(), dtype_name(dtype), error.what()));
            }
        }
    }
    static bool is_tensor(const RuntimeValue& value) { return value.is_tensor() && value.defined(); }
    static Tensor tensor_of(const RuntimeValue& value) { return value.tensor(); }
    static Tensor cast(const Tensor& tensor, DType dtype) {
        Model model;
        (*model.opset_imports)[""] = kNewestOpset;
        Value* input = model.graph->add_input("x", ValueType::tensor(tensor.dtype(), tensor.shape()));
        const Node* node =
            model.graph->add_node({.op_type = "Cast", .inputs = {input}, .attributes = {{"to", static_cast<std::int64_t>(dtype), {}}}});
        model.graph->add_output(node->output(0));
        infer_types(*model.graph);
        return make_reference_engine()->compile(*model.graph, {})->run(std::span(&tensor, 1))[0];
    }

    std::map<Key, std::set<DType>> types_;
    std::map<std::pair<Key, DType>, int> tries_;
    std::set<std::string> broken_;
};

/// Everything the tables say of one operator.
struct Entry {
    std::vector<std::string> versions;
    bool has_kernel = false;
    std::string primitive, quantized, notes;
};

constexpr const char* kRoleNames[] = {
    "weights and activations", "two activations", "activation", "activations together", "goes through", "with what is before it", ""};

std::map<Key, Entry> gather() {
    std::map<Key, Entry> entries;
    for (const OpInfo& row : all_ops()) {
        if (row.domain == "mcompress") continue;
        Entry& entry = entries[{std::string(row.domain), std::string(row.type)}];
        entry.versions.push_back(std::to_string(row.since_version));
        if (row.determinism == Determinism::Random) entry.notes = "random numbers";
    }
    for (const KernelRow& row : all_reference_kernels())
        if (const auto found = entries.find({std::string(row.domain), std::string(row.type)}); found != entries.end())
            found->second.has_kernel = true;
    for (const auto& [type, by, domain] : onednn::accelerated_operators()) entries[{std::string(domain), std::string(type)}].primitive = by;
    for (const OpRule& rule : all_op_rules()) {
        Entry& entry = entries[{"", std::string(rule.op)}];
        entry.quantized = kRoleNames[static_cast<int>(rule.role)];
        if (!rule.reason.empty()) entry.notes = "float: " + std::string(rule.reason);
    }
    return entries;
}

constexpr std::string_view kHead = R"(# Operators

Generated from the op table, the kernel tables and the quantization rules by `MCOMPRESS_UPDATE_GOLDEN=1 test_conformance "*docs/operators.md*"`; a test checks
that it is up to date. Operators that are not listed are carried through unchanged, but cannot be executed.

- **versions**: those that differ, by the opset they came with.
- **element types**: of the first tensor, with which the reference engine runs the published models and text cases, or single nodes of them with that
  type in place of the published one.
- **engines**: `reference` has a plain kernel, which the oneDNN engine uses too where it has nothing better; what it has is named after the plus: a primitive,
  loops of its own, or no work at all. `–`: it is loaded, checked and inferred, and cannot be executed.
- **quantized**: how it takes part in an int8 graph. Empty: it stays float.
)";

std::string render(const TypesThatRun& types) {
    std::string text(kHead), domain = "none";
    for (const auto& [key, entry] : gather()) {
        if (key.first != domain) {
            domain = key.first;
            text += "\n## " + (domain.empty() ? "ai.onnx" : domain) +
                    "\n\n| operator | versions | element types | engines | quantized | notes |\n|---|---|---|---|---|---|\n";
        }
        std::string engines = entry.has_kernel ? "reference" : "–";
        if (!entry.primitive.empty()) engines += " + " + entry.primitive;
        const std::string cells[] = {key.second, joined(entry.versions, ", "), types.of(key), engines, entry.quantized, entry.notes};
        text += "| " + joined(cells, " | ") + " |\n";
    }
    return text;
}

}  // namespace

TEST_CASE("docs/operators.md is what the tables say") {
    constexpr std::size_t kModelsOfDebian12 = 1072;
    if (published_models().size() != kModelsOfDebian12) {
        WARN("another libonnx-testdata than Debian 12's: other element types may have run, the file is not compared");
        return;
    }
    TypesThatRun types;
    types.add_published();
    types.add_text_cases();
    for (const std::string& text : types.broken()) FAIL_CHECK(text);
    const std::string wanted = render(types), path = std::string(MCOMPRESS_SOURCE_DIR) + "/docs/operators.md";
    if (std::getenv("MCOMPRESS_UPDATE_GOLDEN")) std::ofstream(path) << wanted;
    std::ifstream file(path);
    std::ostringstream found;
    found << file.rdbuf();
    INFO("run it with MCOMPRESS_UPDATE_GOLDEN=1 and commit docs/operators.md");
    CHECK((found.str() == wanted));
}
