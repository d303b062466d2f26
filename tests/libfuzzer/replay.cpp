// Gives the corpora and the inputs of past findings to all targets, with any compiler: what a commit breaks is seen without libFuzzer.
//
//   fuzz_replay FOLDER [TARGET] [--mutations N] [--save DIR] [--seed N]
//
// FOLDER has corpus/ and regressions/; each input is tried as it is and with N mutations. What fails is written to DIR. With --seed only the mutation of
// that seed is tried, and written to DIR in any case.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fixtures/random_tensors.h"
#include "libfuzzer/targets/targets.h"

using namespace mcompress::fuzzing;

namespace {

namespace fs = std::filesystem;
using Input = std::vector<std::uint8_t>;

// clang-format off
constexpr const Target* kTargets[] = {&loader_target, &external_data_target, &npy_target, &npz_target, &image_target, &recipe_target, &calibration_target, &passes_target, &pipeline_target};
// clang-format on

constexpr std::size_t kMostBytes = 16384;
constexpr double kLongestSeconds = 20.0;

std::uint64_t g_seed = 0;
fs::path g_save;           // where inputs that fail go; empty: nowhere
unsigned g_only_seed = 0;  // 0: all

/// The bytes that libFuzzer would change by what it has seen are changed at random here.
std::size_t change_bytes(std::uint8_t* data, std::size_t size, std::size_t most) {
    mcompress::testing::Random random(++g_seed);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random.next() % bound); };
    if (size == 0 || (size < most && random.chance(20))) {
        const std::size_t at = below(size + 1);
        std::memmove(data + at + 1, data + at, size - at);
        data[at] = static_cast<std::uint8_t>(random.next());
        return size + 1;
    }
    const std::size_t at = below(size);
    if (size > 1 && random.chance(20)) {
        std::memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    }
    if (random.chance(50)) data[at] = static_cast<std::uint8_t>(random.next());
    else data[at] = static_cast<std::uint8_t>(data[at] ^ 1U << below(8));
    return size;
}

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    if (fs::is_directory(folder))
        for (const auto& entry : fs::directory_iterator(folder))
            if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

struct Count {
    int inputs = 0;
    int runs = 0;
    int findings = 0;
};

void try_one(const Target& target, const Input& input, const fs::path& file, unsigned seed, Count& count) {
    const auto begin = std::chrono::steady_clock::now();
    std::string problem;
    try {
        target.try_input(std::as_bytes(std::span(input)));
    } catch (const std::exception& error) {
        problem = error.what();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (seconds > kLongestSeconds) problem += " took " + std::to_string(seconds) + " s";
    ++count.runs;
    count.findings += problem.empty() ? 0 : 1;
    if (!g_save.empty() && (!problem.empty() || g_only_seed != 0))
        std::ofstream(g_save / (std::string(target.name) + "_" + file.filename().string() + "_" + std::to_string(seed)), std::ios::binary)
            .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    if (!problem.empty())
        std::printf("%s%s: %s\n", file.c_str(), seed ? (" mutated with seed " + std::to_string(seed)).c_str() : "", problem.c_str());
}

Count replay(const Target& target, const fs::path& folder, unsigned mutations) {
    if (target.prepare) target.prepare();
    Count count;
    for (const char* kind : {"corpus", "regressions"}) {
        for (const fs::path& file : files_in(folder / kind / target.name)) {
            std::ifstream stream(file, std::ios::binary);
            const Input input((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
            ++count.inputs;
            if (g_only_seed == 0) try_one(target, input, file, 0, count);
            for (unsigned seed = std::max(1U, g_only_seed); seed <= std::max(mutations, g_only_seed); ++seed) {
                g_seed = seed;
                Input mutated(kMostBytes + input.size());
                std::copy(input.begin(), input.end(), mutated.begin());
                mutated.resize(target.mutate ? target.mutate({mutated.data(), input.size(), mutated.size(), seed, change_bytes})
                                             : change_bytes(mutated.data(), input.size(), mutated.size()));
                try_one(target, mutated, file, seed, count);
            }
        }
    }
    return count;
}

}  // namespace

int main(int argc, char** argv) {
    fs::path folder;
    std::string only;
    unsigned mutations = 0;
    for (int at = 1; at < argc; ++at) {
        if (std::strcmp(argv[at], "--mutations") == 0 && at + 1 < argc) mutations = static_cast<unsigned>(std::stoul(argv[++at]));
        else if (std::strcmp(argv[at], "--seed") == 0 && at + 1 < argc)
            mutations = g_only_seed = static_cast<unsigned>(std::stoul(argv[++at]));
        else if (std::strcmp(argv[at], "--save") == 0 && at + 1 < argc) g_save = argv[++at];
        else if (folder.empty()) folder = argv[at];
        else only = argv[at];
    }
    if (folder.empty()) {
        std::fprintf(stderr, "usage: fuzz_replay FOLDER [TARGET] [--mutations N] [--save DIR] [--seed N]\n");
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    prepare_process();
    bool is_sound = true;
    for (const Target* each : kTargets) {
        const Target& target = *each;
        if (!only.empty() && target.name != only) continue;
        const Count count = replay(target, folder, mutations);
        std::printf("%-14s %4d inputs, %6d runs, %d findings\n", std::string(target.name).c_str(), count.inputs, count.runs,
                    count.findings);
        is_sound = is_sound && count.inputs > 0 && count.findings == 0;  // a target without inputs tests nothing
    }
    return is_sound ? 0 : 1;
}
