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

/// As loading and inference judge, so do the findings of `mcompress check`. Whether the model is sound.
bool check_findings(const std::string& bytes) {
    const auto owner = std::make_shared<const std::string>(bytes);
    LoadedModel loaded;
    if (!is_accepted([&] { loaded = examine_model_bytes(std::as_bytes(std::span(*owner)), owner, {}); })) {
        require(!is_accepted([&] { (void)load(bytes); }), "a model that cannot be taken apart loads");
        return false;
    }
    (void)find_oddities(*loaded.model);
    const bool is_sound = !has_errors(loaded.findings);
    const bool is_typed = !has_errors(verify_types(*loaded.model->graph, loaded.unread));
    std::unique_ptr<Model> model;
    require(is_accepted([&] { model = load(bytes); }) == is_sound, "findings and loading disagree");
    if (model && !is_accepted([&] { infer_types(*model->graph); })) require(!is_typed, "findings and inference disagree");
    return is_sound;
}

/// Inferred types of values that the file does not declare are not written.
enum class Types { AsDeclared, Inferred };

/// What was emitted loads as the same model and emits the same bytes.
void check_round_trip(const Model& model, Types types) {
    std::string bytes;
    if (!is_accepted([&] { bytes = emit_model_bytes(model); })) return;  // operators of our own domain
    must("a model that was emitted", [&] {
        const auto again = load(bytes);
        require(emit_model_bytes(*again) == bytes, "a model that was read again is written in other bytes");
        if (types == Types::Inferred) infer_types(*again->graph);
        // Annotations of tensors that the model has not are left out when it is written.
        if (again->graph->extra() != model.graph->extra()) return 0;
        require_same(model, *again, "by being written and read");
        return 0;
    });
}

/// Types, once found, fit the model that is written with them.
void check_inference(Model& model) {
    if (!is_accepted([&] {
            infer_types(*model.graph);
            throw_if_any(verify_ops(*model.graph));
            (void)measure_cost(*model.graph);
        }))
        return;
    must("types that were inferred", [&] {
        infer_types(*model.graph);
        return 0;
    });
    check_round_trip(model, Types::Inferred);
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
    check_inference(*model);
}

void check_upgrade(const std::string& bytes) {
    const auto model = load(bytes);
    if (!is_accepted([&] { infer_types(*model->graph); })) return;
    if (!is_accepted([&] { upgrade_opset(*model, 21); })) return;
    require_valid(*model, "after the upgrade to opset 21");
    check_inference(*model);
}

void try_loader(std::span<const std::byte> input) {
    const std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
    if (!check_findings(bytes)) return;
    const auto model = load(bytes);
    require_valid(*model, "after loading");
    (void)verify_ops(*model->graph);
    check_round_trip(*model, Types::AsDeclared);
    check_functions(bytes);
    check_upgrade(bytes);
    check_inference(*model);
}

std::size_t mutate_model_bytes(const Mutation& mutation) { return mutate_serialized_model(mutation); }

}  // namespace

const Target loader_target{"loader", try_loader, mutate_model_bytes};

}  // namespace mcompress::fuzzing
