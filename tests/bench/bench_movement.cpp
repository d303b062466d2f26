// bench_movement [--threads N] [--repeats N] [--only WORD] [--limit RATIO]
// Times the operators that move data on both engines, alternating in one process with memcpy of as many bytes (at these sizes from cache to
// cache), and prints time ÷ memcpy; in brackets time ÷ what the bytes take at the rate of a copy too large for the caches.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "engine/engine.h"
#include "ir/model.h"
#include "ops/infer.h"
#include "support/parallel.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;
constexpr DType kF32 = DType::Float32;

struct Case {
    std::string name, op;
    std::vector<Shape> inputs;  // floats
    std::vector<Attribute> attributes = {};
    std::vector<Tensor> constants = {};  // inputs after those
    bool reads_output_size = false;      // of input 0 only what the output holds is read
    DType first = kF32;
    int gap = 0;  // undefined inputs before the constants
};

Attribute ints(const char* name, Ints values) { return {name, std::move(values), {}}; }
Attribute number(const char* name, std::int64_t value) { return {name, value, {}}; }
Attribute text(const char* name, const char* value) { return {name, std::string(value), {}}; }
Tensor list(Ints values) { return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values); }

Tensor row_numbers(std::int64_t count, std::int64_t rows) {
    Ints indices;
    for (std::int64_t at = 0; at < count; ++at) indices.push_back(at * 7919 % rows);
    return list(std::move(indices));
}

std::vector<Case> elementwise_cases() {
    const Shape image{1, 64, 160, 160}, row{1, 1, 1, 160}, channel{1, 64, 1, 1}, one{1};
    return {{"add same", "Add", {image, image}},
            {"add scalar input", "Add", {image, one}},
            {"add channel", "Add", {image, channel}},
            {"add row", "Add", {image, row}},
            {"add row left", "Sub", {row, image}},
            {"add outer", "Add", {Shape{2048, 1}, Shape{1, 1024}}},
            {"mul column", "Mul", {Shape{2048, 1024}, Shape{2048, 1}}},
            {"div same", "Div", {image, image}},
            {"max same", "Max", {image, image}},
            {"less same", "Less", {image, image}},
            {"relu", "Relu", {image}},
            {"neg", "Neg", {image}},
            {"clip", "Clip", {image}, {}, {Tensor::scalar(0.0F), Tensor::scalar(6.0F)}},
            {"where same", "Where", {image, image, image}, {}, {}, false, DType::Bool},
            {"where mask row", "Where", {Shape{1, 1, 512, 512}, Shape{8, 1, 512, 512}, one}, {}, {}, false, DType::Bool},
            {"expand row", "Expand", {Shape{1, 1024}}, {}, {list({2048, 1024})}},
            {"expand column", "Expand", {Shape{2048, 1}}, {}, {list({2048, 1024})}},
            {"expand heads", "Expand", {Shape{8, 1, 64, 256}}, {}, {list({8, 16, 64, 256})}},
            {"tile", "Tile", {Shape{64, 128}}, {}, {list({16, 16})}}};
}

std::vector<Case> rearrangement_cases() {
    const Shape matrix{2048, 1024}, image{1, 64, 160, 160};
    return {{"transpose 2-D", "Transpose", {matrix}, {ints("perm", {1, 0})}},
            {"transpose nchw-nhwc", "Transpose", {image}, {ints("perm", {0, 2, 3, 1})}},
            {"transpose nhwc-nchw", "Transpose", {Shape{1, 160, 160, 64}}, {ints("perm", {0, 3, 1, 2})}},
            {"transpose rgb-planes", "Transpose", {Shape{1, 640, 640, 3}}, {ints("perm", {0, 3, 1, 2})}},
            {"transpose heads", "Transpose", {Shape{8, 256, 12, 64}}, {ints("perm", {0, 2, 1, 3})}},
            {"transpose keys", "Transpose", {Shape{8, 256, 12, 64}}, {ints("perm", {0, 2, 3, 1})}},
            {"transpose u8 nchw-nhwc", "Transpose", {Shape{4, 64, 160, 160}}, {ints("perm", {0, 2, 3, 1})}, {}, false, DType::UInt8},
            {"transpose i64 2-D", "Transpose", {Shape{1024, 1024}}, {ints("perm", {1, 0})}, {}, false, DType::Int64},
            {"depth to space", "DepthToSpace", {Shape{1, 64, 160, 160}}, {number("blocksize", 2)}},
            {"space to depth", "SpaceToDepth", {Shape{1, 16, 320, 320}}, {number("blocksize", 2)}},
            {"gather rows", "Gather", {Shape{4096, 512}}, {}, {row_numbers(2048, 4096)}, true},
            {"gather columns", "Gather", {Shape{2048, 1024}}, {number("axis", 1)}, {row_numbers(1024, 1024)}, true},
            {"slice rows", "Slice", {Shape{4096, 512}}, {}, {list({1024}), list({3072}), list({0})}, true},
            {"slice columns", "Slice", {matrix}, {}, {list({0}), list({512}), list({1})}, true},
            {"slice step 2 last", "Slice", {matrix}, {}, {list({0}), list({1024}), list({1}), list({2})}},
            {"slice step 2 rows", "Slice", {matrix}, {}, {list({0}), list({2048}), list({0}), list({2})}, true},
            {"slice reversed", "Slice", {matrix}, {}, {list({1023}), list({-9999}), list({1}), list({-1})}},
            {"concat axis 0", "Concat", {Shape{1024, 1024}, Shape{1024, 1024}}, {number("axis", 0)}},
            {"concat axis 1", "Concat", {Shape{4, 32, 80, 80}, Shape{4, 64, 80, 80}}, {number("axis", 1)}},
            {"concat last", "Concat", {Shape{16384, 64}, Shape{16384, 64}}, {number("axis", 1)}},
            {"concat last narrow", "Concat", {Shape{262144, 4}, Shape{262144, 4}}, {number("axis", 1)}},
            {"pad", "Pad", {image}, {}, {list({0, 0, 1, 1, 0, 0, 1, 1})}}};
}

std::vector<Case> reducing_cases() {
    const Shape cube{64, 256, 128}, image{1, 64, 80, 80};
    const std::vector<Tensor> twice{Tensor::from_values(Shape{4}, {1.0F, 1.0F, 2.0F, 2.0F})};
    return {{"reduce sum last", "ReduceSum", {cube}, {}, {list({2})}},
            {"reduce sum first", "ReduceSum", {cube}, {}, {list({0})}},
            {"reduce sum middle", "ReduceSum", {cube}, {}, {list({1})}},
            {"reduce sum all", "ReduceSum", {cube}},
            {"reduce mean space", "ReduceMean", {Shape{4, 64, 80, 80}}, {ints("axes", {2, 3})}},
            {"reduce max last", "ReduceMax", {cube}, {ints("axes", {2})}},
            {"reduce max first", "ReduceMax", {cube}, {ints("axes", {0})}},
            {"reduce l2 last", "ReduceL2", {cube}, {ints("axes", {2})}},
            {"argmax last", "ArgMax", {cube}, {number("axis", 2)}},
            {"argmax middle", "ArgMax", {cube}, {number("axis", 1)}},
            {"softmax last", "Softmax", {Shape{8192, 256}}, {number("axis", 1)}},
            {"softmax channels", "Softmax", {Shape{1, 64, 160, 160}}, {number("axis", 1)}},
            {"layer norm", "LayerNormalization", {Shape{4096, 512}, Shape{512}, Shape{512}}, {number("axis", -1)}},
            {"instance norm", "InstanceNormalization", {Shape{1, 64, 160, 160}, Shape{64}, Shape{64}}},
            {"resize nearest x2",
             "Resize",
             {image},
             {text("mode", "nearest"), text("coordinate_transformation_mode", "asymmetric"), text("nearest_mode", "floor")},
             twice,
             false,
             kF32,
             1},
            {"resize linear x2", "Resize", {image}, {text("mode", "linear")}, twice, false, kF32, 1},
            {"resize linear x2 nhwc",
             "Resize",
             {Shape{1, 80, 80, 64}},
             {text("mode", "linear")},
             {Tensor::from_values(Shape{4}, {1.0F, 2.0F, 2.0F, 1.0F})},
             false,
             kF32,
             1}};
}

struct Options {
    int threads = 0, repeats = 15;
    std::string only;
    double limit = 0.0;
};

double seconds_of(const auto& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Copies `bytes` bytes with all threads.
void copy(std::vector<std::byte>& to, const std::vector<std::byte>& from, std::size_t bytes, int threads) {
    const std::size_t piece = (bytes + static_cast<std::size_t>(threads) - 1) / static_cast<std::size_t>(threads);
    parallel_chunks(bytes, piece, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        std::memcpy(to.data() + begin, from.data() + begin, end - begin);
    });
}

Tensor filled(DType dtype, const Shape& shape) {
    Tensor tensor = Tensor::uninitialized(dtype, shape);
    std::uint32_t state = 12345;
    for (std::size_t at = 0; at < tensor.byte_size(); ++at) {
        state = state * 1664525U + 1013904223U;
        tensor.mutable_bytes()[at] = static_cast<std::byte>(dtype == DType::Bool ? state >> 31 : state >> 24);
    }
    for (std::int64_t at = 0; dtype == kF32 && at < tensor.element_count(); ++at) {
        state = state * 1664525U + 1013904223U;
        tensor.mutable_data<float>()[at] = static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
    }
    return tensor;
}

struct Prepared {
    Model model;
    std::vector<Tensor> inputs;
};

Prepared prepare(const Case& given) {
    Prepared made;
    (*made.model.opset_imports)[""] = 17;
    NodeSpec spec;
    spec.op_type = given.op;
    spec.attributes = given.attributes;
    for (std::size_t at = 0; at < given.inputs.size(); ++at) {
        const DType dtype = at == 0 ? given.first : kF32;
        made.inputs.push_back(filled(dtype, given.inputs[at]));
        spec.inputs.push_back(made.model.graph->add_input("x" + std::to_string(at), ValueType::tensor(dtype, given.inputs[at])));
    }
    for (int at = 0; at < given.gap; ++at) spec.inputs.push_back(nullptr);
    for (const Tensor& constant : given.constants) spec.inputs.push_back(made.model.graph->add_constant("c", constant));
    made.model.graph->add_output(made.model.graph->add_node(std::move(spec))->output(0));
    infer_types(*made.model.graph);
    return made;
}

/// Prints one line; the larger time of the two engines in copies at `memory_rate` (bytes read and written a second).
double measure(const Case& given, int threads, int repeats, double memory_rate) {
    const Prepared prepared = prepare(given);
    const CompileOptions options{.threads = threads};
    const auto reference = make_reference_engine()->compile(*prepared.model.graph, options);
    const auto onednn = make_onednn_engine()->compile(*prepared.model.graph, options);
    std::size_t bytes = reference->run(prepared.inputs)[0].byte_size();
    for (std::size_t at = 0; at < prepared.inputs.size(); ++at)
        bytes += at == 0 && given.reads_output_size ? bytes : prepared.inputs[at].byte_size();
    std::vector<std::byte> from(bytes / 2, std::byte{1}), to(bytes / 2);
    double times[3] = {1e9, 1e9, 1e9};
    for (int repeat = 0; repeat < repeats; ++repeat) {
        times[0] = std::min(times[0], seconds_of([&] { copy(to, from, bytes / 2, threads); }));
        times[1] = std::min(times[1], seconds_of([&] { reference->run(prepared.inputs); }));
        times[2] = std::min(times[2], seconds_of([&] { onednn->run(prepared.inputs); }));
    }
    const StepInfo& step = onednn->steps().back();
    const double at_memory_rate = static_cast<double>(bytes) / memory_rate;
    std::printf("%-24s %5.1f MB %7.3f ms  reference %8.3f ms %6.2f [%5.2f]  onednn %8.3f ms %6.2f [%5.2f]  %s\n", given.name.c_str(),
                static_cast<double>(bytes) / 1e6, times[0] * 1e3, times[1] * 1e3, times[1] / times[0], times[1] / at_memory_rate,
                times[2] * 1e3, times[2] / times[0], times[2] / at_memory_rate, step.kernel.c_str());
    std::fflush(stdout);
    return std::max(times[1], times[2]) / at_memory_rate;
}

/// Bytes read and written a second by a copy that no cache holds.
double measure_memory(int threads) {
    constexpr std::size_t kBytes = std::size_t{48} << 20;
    std::vector<std::byte> from(kBytes, std::byte{1}), to(kBytes);
    double best = 1e9;
    for (int repeat = 0; repeat < 40; ++repeat) best = std::min(best, seconds_of([&] { copy(to, from, kBytes, threads); }));
    return 2.0 * static_cast<double>(kBytes) / best;
}

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at + 1 < argc; at += 2) {
        const std::string word = argv[at], value = argv[at + 1];
        if (word == "--threads") options.threads = std::stoi(value);
        if (word == "--repeats") options.repeats = std::stoi(value);
        if (word == "--only") options.only = value;
        if (word == "--limit") options.limit = std::stod(value);
    }
    return options;
}

int run(const Options& options) {
    int beyond = 0;
    for (const int threads : {1, 2}) {
        if (options.threads > 0 && options.threads != threads) continue;
        const double memory_rate = measure_memory(threads);
        std::printf(
            "%d thread%s, large copies %.1f GB/s (read + written). Each line: bytes, memcpy, then each engine ÷ memcpy [÷ memory]\n",
            threads, threads == 1 ? "" : "s", memory_rate / 1e9);
        for (const auto& cases : {elementwise_cases(), rearrangement_cases(), reducing_cases()})
            for (const Case& given : cases)
                if (given.name.find(options.only) != std::string::npos &&
                    measure(given, threads, options.repeats, memory_rate) > options.limit && options.limit > 0.0)
                    ++beyond;
    }
    if (options.limit > 0.0) std::printf("%d measurements beyond %.2f\n", beyond, options.limit);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] { return run(parse(argc, argv)); });
}
