// What libFuzzer calls; compiled once a target (MCOMPRESS_FUZZ_TARGET).
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "libfuzzer/targets/targets.h"

using namespace mcompress::fuzzing;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

constexpr const Target& target() { return MCOMPRESS_FUZZ_TARGET; }

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    prepare_process();
    if (target().prepare) target().prepare();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        target().try_input(std::as_bytes(std::span(data, size)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fuzz: %s\n", error.what());
        std::abort();  // libFuzzer keeps the input
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
    if (!target().mutate) return LLVMFuzzerMutate(data, size, most);
    return target().mutate({data, size, most, seed, LLVMFuzzerMutate});
}
