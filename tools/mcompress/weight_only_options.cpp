#include "weight_only_options.h"

#include "support/error.h"

namespace mcompress {
namespace {

constexpr WeightRounding kRoundings[] = {WeightRounding::Nearest, WeightRounding::Hqq, WeightRounding::Gptq};
constexpr ZeroPoints kZeroPoints[] = {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real};
constexpr WeightForm kForms[] = {WeightForm::MatMulNBits, WeightForm::DequantizeLinear};

/// What is taken when nothing is said. Without samples hqq is best, but its zero points in float keep ONNX Runtime from its kernels for 4 bits: one token of a decoder
/// took it 17 times as long (docs/performance.md). They are given to who names hqq.
WeightRounding default_rounding(const WeightOnlyFlags& flags, const WeightOnlyScheme& scheme, Samples samples) {
    if (scheme.bits == 8) return WeightRounding::Nearest;
    if (samples == Samples::Given) return WeightRounding::Gptq;
    return flags.zero_points == name_of(ZeroPoints::None) ? WeightRounding::Nearest : WeightRounding::Hqq;
}

ZeroPoints default_zero_points(const WeightOnlyFlags& flags, const WeightOnlyScheme& scheme) {
    if (scheme.rounding == WeightRounding::Nearest) return ZeroPoints::None;
    const bool are_asked_for = scheme.rounding == WeightRounding::Hqq && !flags.rounding.empty();
    return are_asked_for && scheme.form == WeightForm::MatMulNBits ? ZeroPoints::Real : ZeroPoints::Integer;
}

/// The row of that name; CLI11 has checked that there is one.
template <typename Row, std::size_t kCount> Row named(const Row (&rows)[kCount], const std::string& name) {
    for (const Row row : rows)
        if (name_of(row) == name) return row;
    fail(codes::kUsage, "there is no '{}'", name);
}

template <typename Row, std::size_t kCount> std::vector<std::string> names_of(const Row (&rows)[kCount]) {
    std::vector<std::string> names;
    for (const Row row : rows) names.emplace_back(name_of(row));
    return names;
}

}  // namespace

void add_weight_only_flags(CLI::App& app, WeightOnlyFlags& flags) {
    std::vector<std::string> blocks{"column"};
    for (const std::int64_t size : kBlockSizes) blocks.push_back(std::to_string(size));
    auto* dtype = app.add_option("--weight-only", flags.dtype, "Store weights as int4 or int8; activations stay float")
                      ->check(CLI::IsMember({"int4", "int8"}));
    app.add_option("--block", flags.block, "With --weight-only: inputs that share a scale (default: 32 for int4, the column for int8)")
        ->check(CLI::IsMember(blocks))
        ->needs(dtype);
    app.add_option("--rounding", flags.rounding,
                   "With --weight-only: nearest, half-quadratic or on samples of --data (default: the best there is)")
        ->check(CLI::IsMember(names_of(kRoundings)))
        ->needs(dtype);
    app.add_option("--zero-points", flags.zero_points,
                   "With --weight-only: what 0 is in codes (default: int; none for rtn, float for an hqq that is asked for)")
        ->check(CLI::IsMember(names_of(kZeroPoints)))
        ->needs(dtype);
    app.add_option("--weight-form", flags.form, "With --weight-only: ONNX Runtime's operator or DequantizeLinear of opset 21")
        ->check(CLI::IsMember(names_of(kForms)))
        ->needs(dtype);
}

WeightOnlyScheme weight_only_scheme(const WeightOnlyFlags& flags, Samples samples) {
    WeightOnlyScheme scheme;
    scheme.bits = flags.dtype == "int4" ? 4 : 8;
    if (flags.block.empty()) scheme.block = scheme.bits == 4 ? 32 : 0;
    else scheme.block = flags.block == "column" ? 0 : std::stoll(flags.block);
    scheme.rounding = flags.rounding.empty() ? default_rounding(flags, scheme, samples) : named(kRoundings, flags.rounding);
    if (!flags.form.empty()) scheme.form = named(kForms, flags.form);
    scheme.zero_points = flags.zero_points.empty() ? default_zero_points(flags, scheme) : named(kZeroPoints, flags.zero_points);
    check_weight_only(scheme);
    return scheme;
}

void apply_weight_only(const WeightOnlyFlags& flags, Samples samples, QuantizationScheme& scheme) {
    if (!flags.is_asked_for()) return;
    scheme.activations = ActivationMode::Float;
    scheme.weight_only = weight_only_scheme(flags, samples);
}

}  // namespace mcompress
