#include "prune/pattern.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "support/error.h"

namespace mcompress {
namespace {

constexpr int kMostExtent = 64;

// clang-format off
constexpr std::array<PatternRow, 3> kPatterns{{
    {PatternKind::Unstructured, "unstructured", "any weight",
     "nothing in ONNX Runtime, OpenVINO's convolutions or TensorRT, which multiply by zeros as by other numbers; the file is as large as before, but compresses"},
    {PatternKind::NOfM, "N:M", "N of each M consecutive input channels stay (2:4, 4:8)",
     "2:4: NVIDIA GPUs from Ampere on (TensorRT, sparsity enabled), by up to 15 % of a convolutional network; nothing on processors"},
    {PatternKind::Blocks, "RxC", "blocks of R output by C input channels (1x4, 4x1)",
     "engines with block-sparse kernels (MNN and XNNPACK: blocks along the output channels); nothing in ONNX Runtime"},
}};
// clang-format on

/// Two numbers around a separator; false when that is not what the text is.
bool read_pair(std::string_view text, char separator, int& first, int& second) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return false;
    const auto read = [](std::string_view part, int& number) {
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
        return error == std::errc{} && end == part.data() + part.size() && number >= 1 && number <= kMostExtent;
    };
    return read(text.substr(0, at), first) && read(text.substr(at + 1), second);
}

}  // namespace

std::span<const PatternRow> all_patterns() { return kPatterns; }

Pattern parse_pattern(std::string_view text) {
    Pattern pattern;
    if (text == "unstructured") return pattern;
    if (read_pair(text, ':', pattern.kept, pattern.of) && pattern.kept < pattern.of) {
        pattern.kind = PatternKind::NOfM;
        return pattern;
    }
    Pattern block{.kind = PatternKind::Blocks};
    if (read_pair(text, 'x', block.outputs, block.channels) && block.outputs * block.channels > 1) return block;
    throw Error(codes::kUsage, format("there is no pattern '{}'", text),
                "known are unstructured, N:M with N < M (2:4) and blocks RxC (1x4, 4x1), with numbers up to 64");
}

std::string pattern_name(const Pattern& pattern) {
    if (pattern.kind == PatternKind::NOfM) return format("{}:{}", pattern.kept, pattern.of);
    if (pattern.kind == PatternKind::Blocks) return format("{}x{}", pattern.outputs, pattern.channels);
    return "unstructured";
}

const PatternRow& pattern_row(const Pattern& pattern) {
    return *std::find_if(kPatterns.begin(), kPatterns.end(), [&](const PatternRow& row) { return row.kind == pattern.kind; });
}

std::string why_not(const Pattern& pattern, const WeightGrid& grid) {
    if (pattern.kind == PatternKind::NOfM && grid.channels % pattern.of != 0)
        return format("its {} input channel{} do not divide into groups of {}", grid.channels, grid.channels == 1 ? "" : "s", pattern.of);
    if (pattern.kind == PatternKind::Blocks && (grid.channels < pattern.channels || grid.outputs / grid.groups < pattern.outputs))
        return format("it has no {} output by {} input channels in a group", pattern.outputs, pattern.channels);
    return {};
}

}  // namespace mcompress
