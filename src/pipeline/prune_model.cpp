#include "pipeline/prune_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/content_order.h"
#include "ir/clone.h"
#include "ops/cost.h"
#include "pack/archive.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/prepare.h"
#include "pipeline/prune_channels.h"
#include "pipeline/summarize.h"
#include "support/error.h"
#include "support/saturating.h"

namespace mcompress {
namespace {

constexpr double kTolerance = 0.001;  // of a share of zeros that the pattern fixes
constexpr int kPackLevel = 19;        // of zstd, as `mcompress pack` packs
constexpr int kEstimateLevel = 3;

/// Goals that single weights cannot have.
struct RefusedGoal {
    bool (*is_asked)(const PruneRequest& request);
    std::string_view option;
    std::string_view reason;  // what the pattern does
    std::string_view remedy;
};
// clang-format off
constexpr std::array<RefusedGoal, 3> kRefusedGoals{{
    {[](const PruneRequest& request) { return request.macs.has_value(); }, "--macs", "leaves shapes as they are, and kernels multiply by its zeros",
     "give --sparsity for a share of zeros or --size for packed bytes; --pattern channels takes multiply-accumulates away"},
    {[](const PruneRequest& request) { return request.latency.has_value(); }, "--latency", "makes nothing faster in the engine that would be timed",
     "--pattern channels makes models faster; for smaller downloads give --size or --sparsity"},
    {[](const PruneRequest& request) { return request.round_to > 0; }, "--round-to", "leaves all widths as they are",
     "leave it out, or take --pattern channels"},
}};
// clang-format on

void refuse_other_goals(const PruneRequest& request, const Pattern& pattern) {
    for (const RefusedGoal& goal : kRefusedGoals)
        if (goal.is_asked(request))
            throw Error(codes::kUsage, format("{}: the pattern {} {}", goal.option, pattern_name(pattern), goal.reason),
                        std::string(goal.remedy));
    if (!request.size) return;
    if (pattern.kind == PatternKind::NOfM)
        throw Error(codes::kUsage, format("--size: the pattern {} has its own share of zeros, and with it a size", pattern_name(pattern)),
                    "leave --size out, or take --pattern unstructured or blocks");
    if (request.options.sparsity > 0.0) throw Error(codes::kUsage, "--sparsity and --size both say how much is to go", "give one of them");
}

/// What `share` of the constants' bytes is, and how bytes are packed.
PackedGoal packed_goal(const Graph& graph, double share) {
    return {std::llround(share * static_cast<double>(measure_cost(graph).parameter_bytes)),
            [](std::span<const std::byte> elements, std::size_t width, PackedCare care) {
                const int level = care == PackedCare::Exact ? kPackLevel : kEstimateLevel;
                return static_cast<std::int64_t>(std::min<std::uint64_t>(elements.size(), packed_tensor_size(elements, width, level)));
            }};
}

/// The share of zeros that N:M has.
double fitting_sparsity(const Pattern& pattern, double asked) {
    if (pattern.kind != PatternKind::NOfM) return asked;
    const double fixed = 1.0 - static_cast<double>(pattern.kept) / static_cast<double>(pattern.of);
    if (asked > 0.0 && std::abs(asked - fixed) > kTolerance)
        throw Error(codes::kUsage,
                    format("the pattern {} has {:.1f} % zeros, not {:.1f} %", pattern_name(pattern), 100.0 * fixed, 100.0 * asked),
                    "leave --sparsity out, or take another pattern");
    return fixed;
}

std::vector<std::string> warnings_of(const PruneReport& report, const PruneOptions& options) {
    std::vector<std::string> warnings;
    if (!options.data)
        warnings.emplace_back("pruned without data: what the zeros cost was not measured, and --data would repair most of it");
    const auto& outcome = report.outcome;
    if (outcome.packed_bytes && *outcome.packed_bytes > *report.packed_goal)
        warnings.push_back(
            format("the constants pack into {} bytes instead of {}: ask for a little less", *outcome.packed_bytes, *report.packed_goal));
    if (outcome.prunable_weights > 0 && options.choice.pattern.kind != PatternKind::NOfM) {
        const double share = static_cast<double>(outcome.zeros - outcome.wanted_zeros) / static_cast<double>(outcome.prunable_weights);
        if (std::abs(share) > kTolerance)
            warnings.push_back(format("{:.2f} % of the weights are zero instead of {:.2f} %: {}",
                                      100.0 * static_cast<double>(outcome.zeros) / static_cast<double>(outcome.prunable_weights),
                                      100.0 * static_cast<double>(outcome.wanted_zeros) / static_cast<double>(outcome.prunable_weights),
                                      share > 0.0 ? "more were zero before" : "whole blocks come no nearer"));
    }
    return warnings;
}

PruneReport prune_weights(const PruneRequest& request) {
    PruneOptions options = request.options;
    options.choice.pattern = parse_pattern(request.pattern);
    refuse_other_goals(request, options.choice.pattern);
    options.sparsity = fitting_sparsity(options.choice.pattern, options.sparsity);
    PruneReport report;
    report.pattern = pattern_name(options.choice.pattern);
    report.faster_on = pattern_row(options.choice.pattern).faster_on;
    report.criterion = criterion_row(options.criterion).name;
    report.scope = options.choice.pattern.kind == PatternKind::NOfM ? "fixed by the pattern" : scope_row(options.scope).name;
    report.repair = repair_name(options.repair);
    report.sparsity = options.sparsity;
    report.data = request.data_name;
    report.samples = options.data ? options.data->size() : 0;
    auto model = load_prepared(request.model, report.passes);
    if (options.data) options.data = in_batches(*model->graph, ordered_by_content(options.data, options.threads));
    report.before = summarize(*model, request.model);
    const std::unique_ptr<Graph> dense = clone(*model->graph);
    if (request.size) options.packed = packed_goal(*dense, *request.size);
    report.packed_goal = options.packed ? std::optional(options.packed->bytes) : std::nullopt;
    report.outcome = prune_graph(*dense, *model->graph, options);
    for (const LayerOutcome& layer : report.outcome.layers)
        if (layer.weights > 0)
            report.macs_with_zeros = saturating_add(report.macs_with_zeros,
                                                    saturating_integer(static_cast<double>(layer.macs) * static_cast<double>(layer.zeros) /
                                                                       static_cast<double>(layer.weights)));
    report.warnings = warnings_of(report, options);
    WrittenModel written = emit_as(*model, request.output, request.sparse_format, request.stamp, request.planned);
    report.after = std::move(written.summary);
    report.sparse = written.sparse;
    return report;
}

// clang-format off
constexpr std::array<PrunePatternRow, 2> kPrunePatterns{{
    {"channels", "whole channels, heads and hidden units go and shapes shrink, for a share of the multiply-accumulates",
     [](std::string_view pattern) { return pattern == "channels"; }, prune_channels},
    {"unstructured, N:M (2:4), RxC (1x4, 4x1)", "single weights, or small groups of them, become zero; shapes stay",
     [](std::string_view) { return true; }, prune_weights},
}};
// clang-format on

}  // namespace

std::span<const PrunePatternRow> all_prune_patterns() { return kPrunePatterns; }

PruneReport prune_model(const PruneRequest& request) {
    const auto row = std::find_if(kPrunePatterns.begin(), kPrunePatterns.end(),
                                  [&](const PrunePatternRow& each) { return each.is_named(request.pattern); });
    return row->prune(request);
}

}  // namespace mcompress
