#include "passes/verify_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "ops/op_info.h"
#include "passes/quantize/op_rules.h"
#include "support/parallel.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

struct ValueCounts {
    std::int64_t elements = 0, nan = 0, infinite = 0, subnormal = 0, huge = 0, zero = 0, negative = 0;
};

// Two such numbers multiplied pass what float32 holds.
constexpr double kHuge = 1e30;

template <typename T> double number_of(T value) {
    if constexpr (requires { to_float(value); }) return to_float(value);
    else return static_cast<double>(value);
}

/// Elements [begin, end) of a tensor of type T, read where they lie: a view need not be aligned.
template <typename T> void count_range(const Tensor& tensor, std::int64_t begin, std::int64_t end, ValueCounts& counts) {
    constexpr std::int64_t kPiece = 4096;
    // Numbers below the smallest normal one are what float16 is made of; in the other types they are an accident.
    constexpr bool has_accidents = !std::is_same_v<T, Float16>;
    constexpr double kSmallestNormal =
        std::is_same_v<T, double> ? std::numeric_limits<double>::min() : double{std::numeric_limits<float>::min()};
    std::array<T, kPiece> piece;
    for (std::int64_t at = begin; at < end; at += kPiece) {
        const std::int64_t count = std::min(kPiece, end - at);
        std::memcpy(piece.data(), tensor.stored_bytes() + static_cast<std::size_t>(at) * sizeof(T),
                    static_cast<std::size_t>(count) * sizeof(T));
        for (std::int64_t index = 0; index < count; ++index) {
            const double value = number_of(piece[static_cast<std::size_t>(index)]), size = std::abs(value);
            counts.nan += std::isnan(value);
            counts.infinite += std::isinf(value);
            counts.zero += value == 0.0;
            counts.negative += value < 0.0;
            counts.subnormal += has_accidents && size > 0.0 && size < kSmallestNormal;
            counts.huge += has_accidents && size >= kHuge && !std::isinf(value);
        }
    }
    counts.elements += end - begin;
}

using Counter = void (*)(const Tensor&, std::int64_t, std::int64_t, ValueCounts&);

/// Null for types whose elements are all numbers to compute with.
Counter counter_of(DType dtype) {
    switch (dtype) {
        case DType::Float32: return count_range<float>;
        case DType::Float64: return count_range<double>;
        case DType::Float16: return count_range<Float16>;
        case DType::BFloat16: return count_range<BFloat16>;
        default: return nullptr;
    }
}

/// A constant and what is done with it.
struct Constant {
    std::string object;
    const Tensor* tensor;
    const Value* value;  // that it is, or that the Constant node gives
};

bool is_weight(const Use& use) {
    const OpInfo* row = op_info(*use.node);
    return row && row->macs && use.index > 0;
}

bool is_scale(const Use& use) { return use.index == 1 && (use.node->is("DequantizeLinear") || use.node->is("QuantizeLinear")); }

class ConstantJudge {
public:
    explicit ConstantJudge(const Constant& constant) : constant_(constant) {}

    std::vector<Finding> run() {
        const Tensor& tensor = *constant_.tensor;
        const Counter count = counter_of(tensor.dtype());
        if (!count) return {};
        count(tensor, 0, tensor.element_count(), counts_);
        judge_numbers();
        for (const Use& use : constant_.value->uses()) {
            if (is_scale(use)) judge_scale(use);
            if (is_weight(use)) judge_channels(use, count);
        }
        tensor.release_pages();
        return std::move(findings_);
    }

private:
    void add(const ErrorCode& code, Severity severity, std::string found, std::string expected, std::string remedy = {}) {
        findings_.push_back({code, constant_.object, std::move(found), std::move(expected), std::move(remedy), severity});
    }

    std::string of_all(std::int64_t count, const char* what) const { return format("{} of {} values {}", count, counts_.elements, what); }

    void judge_numbers() {
        const auto uses = constant_.value->uses();
        const bool is_any_weight = std::any_of(uses.begin(), uses.end(), is_weight);
        const Severity severity = is_any_weight ? Severity::Error : Severity::Warning;
        if (counts_.nan > 0) add(codes::kNotFinite, severity, of_all(counts_.nan, "are NaN"), "finite numbers");
        // A single infinity is what a limit or a mask is meant to be.
        if (counts_.infinite > 0 && (is_any_weight || counts_.elements > 1))
            add(codes::kNotFinite, severity, of_all(counts_.infinite, "are infinite"), "finite numbers");
        if (counts_.subnormal > 0)
            add(codes::kDegenerateValues, Severity::Warning,
                of_all(counts_.subnormal, "lie below the smallest normal number: slow to compute with, or taken for 0"),
                format("0 or at least {:.3g}", constant_.tensor->dtype() == DType::Float64 ? std::numeric_limits<double>::min()
                                                                                           : double{std::numeric_limits<float>::min()}));
        if (counts_.huge > 0 && is_any_weight)
            add(codes::kDegenerateValues, Severity::Warning, of_all(counts_.huge, "are so large that products overflow"),
                format("weights below {:g}", kHuge));
    }

    void judge_scale(const Use& use) {
        if (!use.node->is("DequantizeLinear")) return;  // type inference refuses such scales where something is divided by them
        const std::string reader = "of " + use.node->label();
        if (counts_.zero > 0)
            add(codes::kDegenerateValues, Severity::Warning, of_all(counts_.zero, "are 0: every code means 0 in this scale ") + reader,
                "positive scales");
        if (counts_.negative > 0)
            add(codes::kDegenerateValues, Severity::Warning, of_all(counts_.negative, "are negative in this scale ") + reader,
                "positive scales, which is what kernels are written for");
    }

    void judge_channels(const Use& use, Counter count) {
        const OpRule& rule = find_op_rule(*use.node);
        const Shape& shape = constant_.tensor->shape();
        if (counts_.zero == 0 || counts_.zero == counts_.elements || rule.weight_input != use.index || !rule.channel_axis) return;
        const auto axis = rule.channel_axis(*use.node, shape);
        if (!axis) return;
        const std::int64_t channels = shape[*axis], inner = shape.product(*axis + 1, shape.rank());
        std::vector<std::int64_t> zeros(static_cast<std::size_t>(channels));
        for (std::int64_t at = 0; at < counts_.elements; at += inner) {
            ValueCounts run;
            count(*constant_.tensor, at, at + inner, run);
            zeros[static_cast<std::size_t>(at / inner % channels)] += run.zero;
        }
        const auto dead = std::count(zeros.begin(), zeros.end(), counts_.elements / channels);
        if (dead > 0)
            add(codes::kNoEffect, Severity::Warning,
                format("{} of {} output channels of {} are 0 throughout", dead, channels, use.node->label()), "channels that matter",
                "mcompress compact removes them");
    }

    const Constant& constant_;
    ValueCounts counts_;
    std::vector<Finding> findings_;
};

std::vector<Constant> constants_of(const Graph& graph) {
    std::vector<Constant> constants;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Value* value : each.constants())
            if (const Tensor* tensor = value->constant()) constants.push_back({format("initializer '{}'", value->name()), tensor, value});
        for (const Node* node : each.nodes()) {
            const Attribute* attribute = node->is("Constant") ? node->attribute("value") : nullptr;
            const Tensor* tensor = attribute ? std::get_if<Tensor>(&attribute->value) : nullptr;
            if (tensor && node->output(0)) constants.push_back({format("constant '{}'", node->output(0)->name()), tensor, node->output(0)});
        }
    });
    return constants;
}

}  // namespace

std::vector<Finding> verify_values(const Graph& graph, int threads) {
    const std::vector<Constant> constants = constants_of(graph);
    std::vector<std::vector<Finding>> found(constants.size());
    parallel_for(constants.size(), threads, [&](int, std::size_t index) { found[index] = ConstantJudge(constants[index]).run(); });
    std::vector<Finding> findings;
    for (auto& each : found)
        for (Finding& finding : each) findings.push_back(std::move(finding));
    return findings;
}

}  // namespace mcompress
