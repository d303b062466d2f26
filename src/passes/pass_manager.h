// Runs passes: times, verifies, dumps; repeats a list until nothing changes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "passes/pass.h"
#include "support/stage_progress.h"

namespace mcompress {

struct PassRun {
    std::string name;
    PassResult result;
    double seconds = 0.0;
};

struct PassManagerOptions {
    enum class Verification { Off, AfterEach };
    Verification verification = Verification::AfterEach;
    /// Called with the pass name after each pass, for dumps.
    std::function<void(std::string_view pass, const Graph& graph)> after_each = {};
    int max_rounds = 32;
    /// Told after each pass. Rounds are stages of their own, since nobody knows how many there will be: "optimizing", "optimizing, round 2".
    std::string stage = {};
    StageProgress progress = {};
};

class PassManager {
public:
    explicit PassManager(PassManagerOptions options = {}) : options_(std::move(options)) {}
    void add(std::unique_ptr<Pass> pass) { passes_.push_back(std::move(pass)); }

    /// Runs every pass once, in order. Throws kInternal naming the pass when verification fails.
    std::vector<PassRun> run_once(Graph& graph);
    /// Repeats the list until a round makes no rewrite. Throws kInternal naming the busy passes when max_rounds do not suffice.
    std::vector<PassRun> run_to_fixed_point(Graph& graph);

private:
    PassManagerOptions options_;
    std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace mcompress
