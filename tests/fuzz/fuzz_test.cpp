// Mutated models: loading, inference and verification end in a result or in an Error, quickly, whatever they are given.
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include "catch.h"
#include "fixtures/published_models.h"
#include "fixtures/random_tensors.h"
#include "fuzz/mutator.h"
#include "ir/oddities.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "ops/op_info.h"
#include "ops/verify_ops.h"
#include "support/error.h"
#include "support/parallel.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

using namespace mcompress;
using namespace mcompress::testing;

namespace {

constexpr double kLongestSeconds = 1.0;
constexpr std::size_t kLargestModel = 100'000;  // bytes: what is larger is weights, which mutate no better
constexpr int kMostWorkers = 64;

/// The seed each worker is at, for whoever has to say why the process died.
std::array<std::atomic<std::uint64_t>, kMostWorkers> g_current_seed;

void print_current_seeds() {
    for (const auto& seed : g_current_seed)
        if (const std::uint64_t value = seed; value != 0)
            std::fprintf(stderr, "fuzz: was at seed %llu: MCOMPRESS_FUZZ_SEED=%llu repeats it\n", static_cast<unsigned long long>(value),
                         static_cast<unsigned long long>(value));
}

extern "C" void say_seed_and_die(int signal) {
    print_current_seeds();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void watch_for_death() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(print_current_seeds);
#else
    for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL}) std::signal(signal, say_seed_and_die);
#endif
}

struct Corpus {
    std::vector<onnx::ModelProto> models;
    Vocabulary vocabulary;

    Corpus() {
        for (const PublishedModel& published : published_models()) {
            std::ifstream file(published.file(), std::ios::binary);
            onnx::ModelProto model;
            if (!model.ParseFromIstream(&file) || model.ByteSizeLong() > kLargestModel) continue;
            vocabulary.add(model.graph());
            models.push_back(std::move(model));
        }
        for (const OpInfo& row : all_ops()) {
            vocabulary.operators.emplace_back(row.type);
            vocabulary.domains.emplace_back(row.domain);
        }
        vocabulary.finish();
    }

    std::string mutated(std::uint64_t seed) const {
        Random random(seed);
        onnx::ModelProto model = models[random.next() % models.size()];
        mutate(model, vocabulary, random.next());
        std::string bytes = model.SerializeAsString();
        if (random.chance(2) && !bytes.empty()) bytes[random.next() % bytes.size()] = static_cast<char>(random.next());
        return bytes;
    }
};

enum class Result { Inferred, Refused };

bool has_errors(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.severity == Severity::Error; });
}

/// What mcompress check does with a model, sound or not: it has to end in findings, and in an error among them exactly where loading or inference throws.
void check_findings(const std::shared_ptr<const std::string>& owner) {
    const auto bytes = std::as_bytes(std::span(*owner));
    LoadedModel loaded;
    try {
        loaded = examine_model_bytes(bytes, owner, {});
    } catch (const Error&) {
        return;  // not taken apart at all
    }
    (void)find_oddities(*loaded.model);
    const bool is_sound = !has_errors(loaded.findings);
    const bool is_typed = !has_errors(verify_types(*loaded.model->graph, loaded.unread));
    const auto is_refused = [](auto&& body) {
        try {
            body();
            return false;
        } catch (const Error&) {
            return true;
        }
    };
    std::unique_ptr<Model> model;
    if (is_refused([&] { model = load_model_bytes(bytes, owner, {}); }) == is_sound)
        fail(codes::kInternal, "findings and loading disagree");
    // Findings also name operators of another opset, which inference passes over.
    if (model && is_refused([&] { infer_types(*model->graph); }) && is_typed) fail(codes::kInternal, "findings and inference disagree");
}

Result try_model(std::string bytes, bool is_emitted) {
    const auto owner = std::make_shared<const std::string>(std::move(bytes));
    try {
        if (is_emitted) check_findings(owner);
        const auto model = load_model_bytes(std::as_bytes(std::span(*owner)), owner, {});
        throw_if_any(verify(*model));
        (void)verify_ops(*model->graph);
        if (is_emitted) (void)emit_model_bytes(*model);
        infer_types(*model->graph);
        throw_if_any(verify_ops(*model->graph));
        (void)measure_cost(*model->graph);
        return Result::Inferred;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Internal) throw;
        return Result::Refused;
    }
}

double thread_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Outcome {
    std::atomic<std::uint64_t> inferred{0}, refused{0};
    double slowest = 0.0;
    std::uint64_t slowest_seed = 0;
    std::vector<std::string> problems;
    std::mutex mutex;

    void add(std::uint64_t seed, double seconds, std::string problem) {
        if (seconds > kLongestSeconds) problem += format(" took {:.2f} s", seconds);
        const std::lock_guard lock(mutex);
        if (seconds > slowest) slowest = seconds, slowest_seed = seed;
        if (!problem.empty()) problems.push_back(format("MCOMPRESS_FUZZ_SEED={}: {}", seed, problem));
    }
};

void run_seed(const Corpus& corpus, std::uint64_t seed, Outcome& outcome) {
    std::string problem;
    const double start = thread_seconds();
    try {
        ++(try_model(corpus.mutated(seed), seed % 8 == 0) == Result::Inferred ? outcome.inferred : outcome.refused);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    const double seconds = thread_seconds() - start;
    outcome.add(seed, seconds, problem);
}

/// Ends the process when a worker stays at one seed: a hang never comes back to be measured.
void guard_against_hangs(const std::atomic<bool>& done) {
    std::array<std::uint64_t, kMostWorkers> last{};
    std::array<int, kMostWorkers> rounds{};
    while (!done) {
        for (int tenth = 0; tenth < 50 && !done; ++tenth) std::this_thread::sleep_for(std::chrono::milliseconds(100));
        for (std::size_t worker = 0; worker < last.size(); ++worker) {
            const std::uint64_t seed = g_current_seed[worker];
            rounds[worker] = seed != 0 && seed == last[worker] ? rounds[worker] + 1 : 0;
            last[worker] = seed;
            if (rounds[worker] < 12) continue;  // a minute
            std::fprintf(stderr, "fuzz: seed %llu hangs\n", static_cast<unsigned long long>(seed));
            std::abort();
        }
    }
}

void run(std::uint64_t first, std::uint64_t count) {
    const Corpus corpus;
    REQUIRE(!corpus.models.empty());  // the package libonnx-testdata is needed
    watch_for_death();
    Outcome outcome;
    std::atomic<bool> done{false};
    std::thread guard(guard_against_hangs, std::cref(done));
    const int threads = std::min(default_thread_count(), kMostWorkers);
    parallel_for(count, threads, [&](int worker, std::size_t index) {
        g_current_seed[static_cast<std::size_t>(worker)] = first + index;
        run_seed(corpus, first + index, outcome);
        g_current_seed[static_cast<std::size_t>(worker)] = 0;
    });
    done = true;
    guard.join();
    std::cout << format("fuzz: {} models, seeds {} to {}: {} inferred, {} refused, {} problems, slowest {:.3f} s (seed {})\n",
                        corpus.models.size(), first, first + count - 1, outcome.inferred.load(), outcome.refused.load(),
                        outcome.problems.size(), outcome.slowest, outcome.slowest_seed);
    for (std::size_t i = 0; i < std::min<std::size_t>(outcome.problems.size(), 50); ++i) FAIL_CHECK(outcome.problems[i]);
    CHECK(outcome.inferred * 10 > count);  // mutations that are all refused at the door test nothing
}

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("mutated published models: a result or an Error, within a second") {
    if (const std::uint64_t seed = number_of("MCOMPRESS_FUZZ_SEED", 0)) {
        const std::string file = format("fuzz-{}.onnx", seed);
        std::ofstream(file, std::ios::binary) << Corpus().mutated(seed);
        std::cout << "fuzz: the model is " << file << "\n";
        Outcome outcome;
        watch_for_death();
        g_current_seed[0] = seed;
        run_seed(Corpus(), seed, outcome);
        for (const std::string& problem : outcome.problems) FAIL_CHECK(problem);
    } else {
        run(1, 20'000);
    }
}

TEST_CASE("mutated published models, at length", "[fuzz]") {
    run(number_of("MCOMPRESS_FUZZ_FIRST", 1'000'000), number_of("MCOMPRESS_FUZZ_COUNT", 2'000'000));
}
