// ONNX's published models on both engines: what passes, what is waived and why, what cannot be run yet.
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "catch.h"
#include "engine/engine.h"
#include "engine/input_types.h"
#include "engine/reference/kernel.h"
#include "fixtures/onnx_case.h"
#include "fixtures/published_models.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "support/error.h"

using namespace mcompress;

namespace {

// Of ONNX's backend test runner, which has no others for these sets.
constexpr double kRelativeTolerance = 1e-3;
constexpr double kAbsoluteTolerance = 1e-7;

struct Waiver {
    std::string kind, reason;
};
using Waivers = std::map<std::string, Waiver>;

Waivers read_waivers() {
    Waivers waivers;
    std::ifstream file(std::string(MCOMPRESS_TESTS_DIR) + "/conformance/waivers.txt");
    for (std::string line, name; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        Waiver waiver;
        words >> name >> waiver.kind;
        std::getline(words >> std::ws, waiver.reason);
        waivers[name] = waiver;
    }
    return waivers;
}

enum class State { Passed, Failed, Waived, Missing };
constexpr const char* kStateNames[] = {"passed", "failed", "waived", "missing"};

struct Outcome {
    State state;
    std::string reason;  // nothing when passed
};
using Outcomes = std::map<std::string, Outcome>;  // by model

bool can_be_carried(ValueType::Kind kind) {
    return kind != ValueType::Kind::SparseTensor && kind != ValueType::Kind::Map && kind != ValueType::Kind::Opaque;
}

/// The first thing that the engines cannot run at all, or nothing.
std::string missing_support(Graph& graph) {
    std::string missing;
    for_each_graph(graph, [&](Graph& current) {
        for (const Node* node : current.nodes())
            if (missing.empty() && !find_reference_kernel(*node)) missing = format("no kernel: {}::{}", node->domain(), node->op_type());
    });
    for (const auto values : {graph.inputs(), graph.outputs()})
        for (const Value* value : values)
            if (missing.empty() && !can_be_carried(value->type().kind)) missing = "cannot be carried: " + value->type().to_string();
    return missing;
}

/// Infers with the declared types of the outputs taken away, so that only inference can give them back. What contradicts them, or nothing.
std::string infer_and_compare(Graph& graph) {
    std::vector<ValueType> declared;
    for (Value* output : graph.outputs()) {
        declared.push_back(output->type());
        if (output->producer()) graph.set_type(output, {});
    }
    infer_types(graph);
    for (std::size_t i = 0; i < declared.size(); ++i)
        if (!merge_types(graph.outputs()[i]->type(), declared[i]))
            return format("output {}: inferred {}, declared {}", i, graph.outputs()[i]->type().to_string(), declared[i].to_string());
    return {};
}

/// What is wrong with a model's results, or nothing.
std::string run_and_compare(const PublishedModel& published, const Graph& graph, const Engine& engine) {
    const auto plan = engine.compile(graph, {});
    for (const auto& folder : data_set_folders(published.folder)) {
        const OnnxValueSet set = load_value_set(folder, graph);
        const std::vector<RuntimeValue> outputs = plan->run_values(set.inputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const std::string problem = value_difference(outputs[i], set.outputs[i], kRelativeTolerance, kAbsoluteTolerance);
            if (!problem.empty()) return format("output {}: {}", i, problem);
            const ValueType& inferred = graph.outputs()[i]->type();
            if (!is_of_type(outputs[i], inferred))
                return format("output {}: is {}, inferred {}", i, outputs[i].to_string(), inferred.to_string());
        }
    }
    return {};
}

Outcome judge(const PublishedModel& published, const Engine& engine, const Waivers& waivers) {
    std::string problem;
    try {
        const auto model = load_model(published.file());
        inline_functions(*model);
        problem = infer_and_compare(*model->graph);
        const std::string missing = missing_support(*model->graph);
        if (problem.empty() && !missing.empty()) {
            if (!waivers.contains(published.name)) return {State::Missing, missing};
            problem = missing;
        }
        if (problem.empty()) problem = run_and_compare(published, *model->graph, engine);
    } catch (const Error& error) {
        problem = error.what();
        if (std::string_view(error.code().id) == codes::kOperatorUnsupported.id && !waivers.contains(published.name))
            return {State::Missing, error.message()};
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (problem.empty()) return {State::Passed, {}};
    const auto waiver = waivers.find(published.name);
    if (waiver == waivers.end()) return {State::Failed, problem};
    return {State::Waived, waiver->second.kind + ": " + waiver->second.reason};
}

void print_counts(std::string_view title, std::string_view engine, const std::array<int, 4>& counts) {
    std::string text = format("  {:18} {:10}", title, engine);
    for (std::size_t state = 0; state < counts.size(); ++state) text += format(" {:5} {}", counts[state], kStateNames[state]);
    std::cout << text << "\n";
}

Outcomes judge_all(const std::vector<PublishedModel>& models, const Engine& engine, const Waivers& waivers) {
    Outcomes outcomes;
    std::map<std::string, std::array<int, 4>> counts;
    std::array<int, 4> sum{};
    for (const PublishedModel& published : models) {
        const Outcome& outcome = outcomes[published.name] = judge(published, engine, waivers);
        ++counts[published.set][static_cast<std::size_t>(outcome.state)];
        ++sum[static_cast<std::size_t>(outcome.state)];
    }
    for (const auto& [set, states] : counts) print_counts(set, engine.name(), states);
    print_counts("all", engine.name(), sum);
    return outcomes;
}

void check_outcomes(const Outcomes& outcomes, const Waivers& waivers) {
    for (const auto& [name, outcome] : outcomes) {
        if (outcome.state == State::Failed || outcome.state == State::Missing) FAIL_CHECK(name << ": " << outcome.reason);
        if (outcome.state == State::Passed && waivers.contains(name) && waivers.at(name).kind != "some")
            FAIL_CHECK(name << " passes: take its waiver out");
    }
}

/// Models by reason, most first: what to do next.
void print_reasons(const Outcomes& outcomes, State state) {
    std::map<std::string, int> count;
    for (const auto& [name, outcome] : outcomes)
        if (outcome.state == state) ++count[outcome.reason];
    for (const auto& [reason, models] : count) std::cout << format("  {:5} {}: {}\n", models, kStateNames[static_cast<int>(state)], reason);
}

}  // namespace

TEST_CASE("published models: both engines pass them all but the waived ones, and the same ones") {
    const auto models = published_models();
    INFO("the package libonnx-testdata is needed");
    REQUIRE(!models.empty());
    const Waivers waivers = read_waivers();
    std::cout << models.size() << " published models:\n";
    const Outcomes reference = judge_all(models, *make_reference_engine(), waivers);
    const Outcomes onednn = judge_all(models, *make_onednn_engine(), waivers);
    check_outcomes(reference, waivers);
    check_outcomes(onednn, waivers);
    for (const auto& [name, outcome] : reference)
        if ((outcome.state == State::Passed) != (onednn.at(name).state == State::Passed)) FAIL_CHECK(name << ": the engines disagree");
    print_reasons(reference, State::Missing);
    print_reasons(reference, State::Waived);
}

TEST_CASE("waivers have a kind and a reason") {
    for (const auto& [name, waiver] : read_waivers()) {
        INFO(name);
        CHECK(std::set<std::string>{"training", "undefined", "data", "some", "missing"}.contains(waiver.kind));
        CHECK(!waiver.reason.empty());
    }
}
