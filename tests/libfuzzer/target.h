// Fuzz targets: what is done with one input, and what has to hold then. The same functions run under libFuzzer and in the replay of the corpora.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/error.h"

namespace mcompress::fuzzing {

/// Changes some of data[0, size), at most to `most` bytes; the new size. LLVMFuzzerMutate has this form.
using ByteMutator = std::size_t (*)(std::uint8_t* data, std::size_t size, std::size_t most);

/// What is known about an input besides its bytes.
struct Mutation {
    std::uint8_t* data;
    std::size_t size;
    std::size_t most;
    unsigned seed;  // everything that is drawn follows from it
    ByteMutator bytes;
};

struct Target {
    std::string_view name;  // also of its folders in corpus/ and regressions/
    /// Throws Broken when an invariant does not hold; other exceptions are findings too.
    void (*try_input)(std::span<const std::byte> input);
    /// The new size; null: bytes are changed without knowing what they mean.
    std::size_t (*mutate)(const Mutation& mutation);
    void (*prepare)() = nullptr;  // once, before the first input
};

/// An invariant does not hold for an input.
class Broken : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

[[noreturn]] void report_broken(const std::string& what);
inline void require(bool holds, const std::string& what) {
    if (!holds) report_broken(what);
}

/// Whether the body ended without an Error. What is wrong with an input is a proper answer; an internal Error is a finding.
template <typename Body> bool is_accepted(Body&& body) {
    try {
        body();
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Internal) report_broken(error.what());
        return false;
    }
}

/// Runs what must not fail any more: an Error of any kind is a finding.
template <typename Body> decltype(auto) must(std::string_view what, Body&& body) {
    try {
        return body();
    } catch (const Error& error) {
        report_broken(std::string(what) + ": " + error.what());
    }
}

/// A folder of this process in memory (or among temporary files), removed at exit.
const std::filesystem::path& scratch_folder();
/// An input as a file: one of a few names in the scratch folder, overwritten by the next call with it.
std::filesystem::path scratch_file(const std::string& name, std::span<const std::byte> content);

/// Settings all targets share: no log, one thread, limits that keep every input fast.
void prepare_process();

}  // namespace mcompress::fuzzing
