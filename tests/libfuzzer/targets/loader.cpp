// The loader: a model, or an Error; and what was loaded survives being written, read again, and everything done before a command begins.
#include <algorithm>
#include <memory>

#include "ir/oddities.h"
#include "ir/verify.h"
#include "libfuzzer/model_mutator.h"
#include "libfuzzer/same_model.h"
#include "libfuzzer/targets/targets.h"
#include "onnx/emit.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "onnx/sparse_constants.h"
#include "onnx/upgrade.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"

namespace mcompress::fuzzing {

namespace {

constexpr int kNewest = 21;  // opset

bool has_errors(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.severity == Severity::Error; });
}

std::unique_ptr<Model> load(const std::string& bytes) {
    const auto owner = std::make_shared<const std::string>(bytes);
    return load_model_bytes(std::as_bytes(std::span(*owner)), owner, {});
}

void require_valid(const Model& model, std::string_view when) {
    const auto findings = verify(model);
    if (has_errors(findings)) report_broken(format("{}: {} {}", when, findings[0].object, findings[0].problem()));
}

struct Found {
    std::unique_ptr<Model> model;  // null: it was refused
    bool types_fit;
};

/// As loading judges (which is taking apart and throwing what was found), so do the findings of `mcompress check`.
Found find(const std::string& bytes) {
    const auto owner = std::make_shared<const std::string>(bytes);
    LoadedModel loaded;
    if (!is_accepted([&] { loaded = examine_model_bytes(std::as_bytes(std::span(*owner)), owner, {}); })) {
        require(!is_accepted([&] { (void)load(bytes); }), "a model that cannot be taken apart loads");
        return {};
    }
    (void)find_oddities(*loaded.model);
    const bool types_fit = !has_errors(verify_types(*loaded.model->graph, loaded.unread));
    const bool is_sound = is_accepted([&] { throw_if_any(loaded.findings); });
    require(is_sound != has_errors(loaded.findings), "findings and loading disagree");
    return {is_sound ? std::move(loaded.model) : nullptr, types_fit};
}

/// Inferred types of values that the file does not declare are not written.
enum class Types { AsDeclared, Inferred };

/// What the graphs of a model carry along, bodies included.
std::vector<std::string> carried(const Model& model) {
    std::vector<std::string> extras;
    for_each_graph(*model.graph, [&](const Graph& graph) { extras.push_back(graph.extra()); });
    return extras;
}

/// What was emitted loads as the same model and emits the same bytes.
void check_round_trip(const Model& model, Types types) {
    std::string bytes;
    if (!is_accepted([&] { bytes = emit_model_bytes(model); })) return;  // operators of our own domain
    must("a model that was emitted", [&] {
        const auto again = load(bytes);
        require(emit_model_bytes(*again) == bytes, "a model that was read again is written in other bytes");
        if (types == Types::Inferred) infer_types(*again->graph);
        // Annotations of tensors that the model has not are left out when it is written.
        if (carried(*again) != carried(model)) return 0;
        require_same(model, *again, "by being written and read");
        return 0;
    });
}

/// Types, once found, fit the model that is written with them. Whether there are any.
bool check_inference(Model& model) {
    if (!is_accepted([&] { infer_types(*model.graph); })) return false;
    if (!is_accepted([&] {
            throw_if_any(verify_ops(*model.graph));
            (void)measure_cost(*model.graph);
        }))
        return true;
    must("types that were inferred", [&] {
        infer_types(*model.graph);
        return 0;
    });
    check_round_trip(model, Types::Inferred);
    return true;
}

bool has_sparse_constants(const Model& model) {
    bool found = false;
    for_each_graph(*model.graph, [&](Graph& graph) {
        for (const Value* constant : graph.constants()) found = found || !constant->sparse_initializer().empty();
    });
    return found;
}

void check_functions(const std::string& bytes) {
    const auto model = load(bytes);
    for (const Function& function : model->functions) (void)is_accepted([&] { (void)verify_function(function); });
    if (model->functions.size() > 8) return;  // functions that call each other thrice, and so on, are only slow
    if (!is_accepted([&] { inline_functions(*model); })) return;
    require(model->functions.empty(), "functions are left");
    require_valid(*model, "after functions were expanded");
    if (!is_accepted([&] { expand_sparse_constants(*model->graph); })) return;
    require_valid(*model, "after sparse constants were written out");
    (void)check_inference(*model);
}

void check_upgrade(const std::string& bytes) {
    const auto model = load(bytes);
    if (!is_accepted([&] { infer_types(*model->graph); })) return;
    if (!is_accepted([&] { upgrade_opset(*model, kNewest); })) return;
    require_valid(*model, "after the upgrade to opset 21");
    (void)check_inference(*model);
}

void try_loader(std::span<const std::byte> input) {
    const std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
    const auto [model, types_fit] = find(bytes);
    if (!model) return;
    require_valid(*model, "after loading");
    (void)verify_ops(*model->graph);
    check_round_trip(*model, Types::AsDeclared);
    // What would change nothing is not done: the model itself is checked below.
    if (!model->functions.empty() || has_sparse_constants(*model)) check_functions(bytes);
    if (const int version = model->graph->opset_version(""); version > 0 && version < kNewest) check_upgrade(bytes);
    if (!check_inference(*model)) require(!types_fit, "findings and inference disagree");
}

std::size_t mutate_model_bytes(const Mutation& mutation) { return mutate_serialized_model(mutation); }

}  // namespace

const Target loader_target{"loader", try_loader, mutate_model_bytes};

}  // namespace mcompress::fuzzing
