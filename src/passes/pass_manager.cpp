#include "passes/pass_manager.h"

#include <chrono>
#include <map>

#include "ir/verify.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "support/error.h"

namespace mcompress {

namespace {

std::string text_of(const Finding& finding) { return finding.object + ": " + finding.problem(); }

/// Tells what a pass broke from what the model came with.
class Verifier {
public:
    Verifier(const PassManagerOptions& options, const Graph& graph) : options_(options) {
        if (options_.verification == PassManagerOptions::Verification::Off) return;
        throw_if_any(verify(graph));
        for (const Finding& finding : verify_ops(graph)) ++given_[finding.problem()];
    }

    void check_structure(std::string_view pass, const Graph& graph) const {
        if (options_.verification == PassManagerOptions::Verification::Off) return;
        report(pass, verify(graph));
    }

    void check_operators(std::string_view pass, const Graph& graph) const {
        if (options_.verification == PassManagerOptions::Verification::Off) return;
        report(pass, verify_ops(graph));
    }

private:
    /// Counted by what is wrong, not where: a node without a name is called by its output, which may take another's name.
    void report(std::string_view pass, const std::vector<Finding>& findings) const {
        std::string faults;
        auto given = given_;
        for (const Finding& finding : findings)
            if (given[finding.problem()]-- <= 0) faults += "\n  " + text_of(finding);
        if (!faults.empty()) fail(codes::kInternal, "pass {} left the graph invalid:{}", pass, faults);
    }

    const PassManagerOptions& options_;
    std::map<std::string, int> given_;
};

/// New values get their types, and old ones may be known better: well enough to show a contradiction that was in the model all along. What a
/// pass did wrong is reported as its fault, not as the model's.
void settle(Graph& graph, const Pass& pass, const Verifier& verifier) {
    verifier.check_structure(pass.name(), graph);
    try {
        // What was stored before the pass is true, unless the pass found out more about the model.
        infer_types(graph, pass.evaluates() ? DeclaredTypes::ShapesMayBeOld : DeclaredTypes::MustAgree);
    } catch (const Error&) {
        if (!pass.evaluates()) verifier.check_operators(pass.name(), graph);
        throw;
    }
    verifier.check_operators(pass.name(), graph);
}

std::vector<PassRun> run_round(Graph& graph, std::span<const std::unique_ptr<Pass>> passes, const PassManagerOptions& options,
                               const Verifier& verifier, const std::string& stage) {
    std::vector<PassRun> runs;
    StageCounter counter(options.progress, stage, passes.size());
    for (const auto& pass : passes) {
        const auto begin = std::chrono::steady_clock::now();
        PassRun run{std::string(pass->name()), {}, 0.0};
        with_context([&] { return "in pass " + run.name; },
                     [&] {
                         run.result = pass->run(graph);
                         run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
                         if (run.result.rewrites > 0) settle(graph, *pass, verifier);
                     });
        if (options.after_each) options.after_each(run.name, graph);
        runs.push_back(std::move(run));
        counter.advance();
    }
    return runs;
}

int total_rewrites(std::span<const PassRun> runs) {
    int total = 0;
    for (const PassRun& run : runs) total += run.result.rewrites;
    return total;
}

[[noreturn]] void report_no_fixed_point(int rounds, std::span<const PassRun> last_round) {
    std::string busy;
    for (const PassRun& run : last_round)
        if (run.result.rewrites > 0) busy += format("{}{} ({} rewrites)", busy.empty() ? "" : ", ", run.name, run.result.rewrites);
    fail(codes::kInternal, "passes still rewrite after {} rounds: {}", rounds, busy);
}

}  // namespace

std::vector<PassRun> PassManager::run_once(Graph& graph) {
    infer_types(graph);
    const Verifier verifier(options_, graph);
    return run_round(graph, passes_, options_, verifier, options_.stage);
}

std::vector<PassRun> PassManager::run_to_fixed_point(Graph& graph) {
    infer_types(graph);
    const Verifier verifier(options_, graph);
    std::vector<PassRun> all;
    for (int round = 0; round < options_.max_rounds; ++round) {
        std::vector<PassRun> runs =
            run_round(graph, passes_, options_, verifier, round == 0 ? options_.stage : format("{}, round {}", options_.stage, round + 1));
        const bool is_done = total_rewrites(runs) == 0;
        if (!is_done && round + 1 == options_.max_rounds) report_no_fixed_point(options_.max_rounds, runs);
        all.insert(all.end(), std::make_move_iterator(runs.begin()), std::make_move_iterator(runs.end()));
        if (is_done) break;
    }
    return all;
}

}  // namespace mcompress
