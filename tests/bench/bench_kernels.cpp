// bench_kernels [--threads N] [--kind pointwise|window|depthwise|first] [--caches memory|cold|warm]
// Times every generated implementation that oneDNN has of a convolution, in float32 and on codes, over a grid of channels and pictures: what
// engine/onednn/faster_kernels.cpp chooses by. A row has the first implementation's microseconds and the others' times over it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <dnnl.hpp>
#include <omp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "bench/bench_main.h"

using namespace mcompress;

namespace {

using dnnl::memory;

struct Shape {
    std::int64_t inputs, outputs, extent, kernel, stride, groups;
};

memory::desc channels_last(std::int64_t channels, std::int64_t extent, memory::data_type type) {
    return {{1, channels, extent, extent}, type, memory::format_tag::nhwc};
}

memory::desc weights_of(const Shape& s, memory::data_type type) {
    if (s.groups == 1) return {{s.outputs, s.inputs, s.kernel, s.kernel}, type, memory::format_tag::any};
    return {{s.groups, s.outputs / s.groups, s.inputs / s.groups, s.kernel, s.kernel}, type, memory::format_tag::any};
}

#if DNNL_VERSION_MAJOR >= 3
using Description = dnnl::convolution_forward::primitive_desc;
/// The descriptor and what it points to.
struct Described {
    Described(const dnnl::engine& engine, const Shape& s, bool codes)
        : description(engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                      channels_last(s.inputs, s.extent, codes ? memory::data_type::u8 : memory::data_type::f32),
                      weights_of(s, codes ? memory::data_type::s8 : memory::data_type::f32),
                      channels_last(s.outputs, (s.extent - 1) / s.stride + 1, codes ? memory::data_type::u8 : memory::data_type::f32),
                      {s.stride, s.stride}, {s.kernel / 2, s.kernel / 2}, {s.kernel / 2, s.kernel / 2}) {}
    Description description;
};
#else
struct Described {
    Described(const dnnl::engine& engine, const Shape& s, bool codes)
        : operation(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                    channels_last(s.inputs, s.extent, codes ? memory::data_type::u8 : memory::data_type::f32),
                    weights_of(s, codes ? memory::data_type::s8 : memory::data_type::f32),
                    channels_last(s.outputs, (s.extent - 1) / s.stride + 1, codes ? memory::data_type::u8 : memory::data_type::f32),
                    {s.stride, s.stride}, {s.kernel / 2, s.kernel / 2}, {s.kernel / 2, s.kernel / 2}),
          description(operation, attributes(s, codes), engine) {}
    static dnnl::primitive_attr attributes(const Shape& s, bool codes) {
        dnnl::primitive_attr made;
        if (codes) made.set_output_scales(2, std::vector<float>(static_cast<std::size_t>(s.outputs), 0.001F));
        return made;
    }
    dnnl::convolution_forward::desc operation;
    dnnl::convolution_forward::primitive_desc description;
};
#endif

/// Cold, as in a network: other layers have run since the last time, and only the source is at hand. Memory: of a network that is larger than what
/// all cores share, so that weights come from memory each time.
enum class Caches { Memory, Cold, Warm };

void flush(const memory& weights) {
#if defined(__x86_64__)
    const auto* bytes = static_cast<const char*>(weights.get_data_handle());
    for (std::size_t at = 0; at < weights.get_desc().get_size(); at += 64) _mm_clflush(bytes + at);
    _mm_mfence();
#else
    (void)weights;
#endif
}

/// Fills every core's own caches with something else, then reads the source.
void cool(const memory& source) {
    constexpr std::size_t kLine = 64, kBytes = 3 << 20;  // beyond the second level
#pragma omp parallel
    {
        static thread_local std::vector<char> other(kBytes, 1);
        for (std::size_t at = 0; at < kBytes; at += kLine) ++other[at];
    }
    const auto* bytes = static_cast<const volatile char*>(source.get_data_handle());
    for (std::size_t at = 0; at < source.get_desc().get_size(); at += kLine) (void)bytes[at];
}

/// Microseconds: the least of twelve series of a tenth of a millisecond and more; cold, the median of 31 runs.
template <typename Description> double time_of(const dnnl::engine& engine, const Description& description, Caches caches) {
    using Clock = std::chrono::steady_clock;
    dnnl::stream stream(engine);
    const dnnl::convolution_forward convolution(description);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, memory(description.src_desc(), engine)},
                                              {DNNL_ARG_WEIGHTS, memory(description.weights_desc(), engine)},
                                              {DNNL_ARG_DST, memory(description.dst_desc(), engine)}};
    for (auto& [argument, held] : arguments) std::fill_n(static_cast<char*>(held.get_data_handle()), held.get_desc().get_size(), char{1});
    const auto run = [&](int count) {
        const auto start = Clock::now();
        for (int at = 0; at < count; ++at) convolution.execute(stream, arguments);
        return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / count;
    };
    run(3);
    if (caches != Caches::Warm) {
        std::vector<double> times;
        for (int repeat = 0; repeat < 31; ++repeat) {
            cool(arguments.at(DNNL_ARG_SRC));
            if (caches == Caches::Memory) flush(arguments.at(DNNL_ARG_WEIGHTS));
            times.push_back(run(1));
        }
        std::nth_element(times.begin(), times.begin() + 15, times.end());
        return times[15];
    }
    const int series = std::max(1, static_cast<int>(100.0 / run(5)));
    double least = run(series);
    for (int repeat = 1; repeat < 12; ++repeat) least = std::min(least, run(series));
    return least;
}

void print_row(const dnnl::engine& engine, const Shape& shape, bool codes, Caches caches) {
    Described described(engine, shape, codes);
    std::printf("%s %4lld -> %4lld over %3lld, kernel %lld, stride %lld:", codes ? "u8 " : "f32", static_cast<long long>(shape.inputs),
                static_cast<long long>(shape.outputs), static_cast<long long>(shape.extent), static_cast<long long>(shape.kernel),
                static_cast<long long>(shape.stride));
    double first = 0.0;
    do {
        const std::string name = described.description.impl_info_str();
        if (name.find("avx512") == std::string::npos && first > 0.0) break;  // those for older machines
        const double time = time_of(engine, described.description, caches);
        if (first > 0.0) std::printf("  %s %.2f", name.c_str(), time / first);
        else std::printf("  %s %.1f us", name.c_str(), first = time);
    } while (described.description.next_impl());
    std::printf("\n");
    std::fflush(stdout);
}

std::vector<Shape> grid(const std::string& kind) {
    std::vector<Shape> shapes;
    const auto add = [&](const Shape& s) {
        const std::int64_t macs = s.extent * s.extent * s.inputs / s.groups * s.outputs * s.kernel * s.kernel / s.stride / s.stride;
        if (macs > 100'000 && macs < 250'000'000) shapes.push_back(s);
    };
    for (const std::int64_t extent : {7, 10, 14, 20, 28, 56, 112})
        for (const std::int64_t channels : {16, 24, 32, 64, 96, 144, 256, 512, 960})
            for (const std::int64_t stride : {1, 2}) {
                if (kind == "depthwise")
                    for (const std::int64_t kernel : {3, 5}) add({channels, channels, extent, kernel, stride, channels});
                if (kind == "window") add({channels, channels, extent, 3, stride, 1});
                if (kind == "pointwise" && stride == 1)
                    for (const std::int64_t outputs : {16, 24, 32, 64, 96, 160, 256, 512, 1024})
                        add({channels, outputs, extent, 1, stride, 1});
            }
    if (kind == "first")
        for (const std::int64_t extent : {96, 128, 224})
            for (const std::int64_t outputs : {16, 32, 64})
                for (const std::int64_t kernel : {3, 7}) add({3, outputs, extent, kernel, 2, 1});
    return shapes;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] {
        std::string kind;
        Caches caches = Caches::Cold;
        for (int at = 1; at + 1 < argc; at += 2) {
            const std::string option = argv[at];
            if (option == "--threads") omp_set_num_threads(std::stoi(argv[at + 1]));
            if (option == "--kind") kind = argv[at + 1];
            if (option == "--caches") {
                const std::string word = argv[at + 1];
                caches = word == "warm" ? Caches::Warm : word == "memory" ? Caches::Memory : Caches::Cold;
            }
        }
        const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
        for (const char* one : {"pointwise", "window", "depthwise", "first"})
            if (kind.empty() || kind == one)
                for (const bool codes : {true, false})
                    for (const Shape& shape : grid(one)) print_row(engine, shape, codes, caches);
        return 0;
    });
}
