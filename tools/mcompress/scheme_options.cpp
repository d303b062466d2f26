#include "scheme_options.h"

#include <algorithm>
#include <vector>

#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

template <typename Choice> struct Named {
    const char* name;
    Choice choice;
};

constexpr Named<DType> kActivations[] = {
    {"uint8", DType::UInt8}, {"int8", DType::Int8}, {"uint16", DType::UInt16}, {"int16", DType::Int16}};
constexpr Named<Granularity> kGranularities[] = {{"channel", Granularity::PerChannel}, {"tensor", Granularity::PerTensor}};

template <typename Choice, std::size_t N> Choice choose(const char* option, const std::string& word, const Named<Choice> (&choices)[N]) {
    std::vector<std::string> names;
    std::string known;
    for (const auto& [name, choice] : choices) {
        if (word == name) return choice;
        known += (known.empty() ? "" : ", ") + names.emplace_back(name);
    }
    const std::string nearest = nearest_word(word, names);
    throw Error(codes::kUsage, format("{} cannot be '{}'", option, word),
                nearest.empty() ? "use one of: " + known : format("did you mean '{}'?", nearest));
}

std::string target_names() {
    std::string names;
    for (const Target& target : all_targets()) names += (names.empty() ? "" : ", ") + std::string(target.name);
    return names;
}

}  // namespace

void add_target_flag(CLI::App& app, SchemeFlags& flags) {
    app.add_option("--target", flags.target, "What is to run the model (docs/targets.md): " + target_names())->capture_default_str();
}

void add_scheme_flags(CLI::App& app, SchemeFlags& flags) {
    app.add_option("--activations", flags.activations, "Codes of activations: uint8, int8, uint16, int16 (default: the target's)");
    app.add_option("--granularity", flags.granularity, "One weight scale a channel or a tensor (default: the target's)");
    app.add_flag("--symmetric", flags.symmetric, "Activation ranges symmetric around 0");
    app.add_option("--sum-width", flags.sum_width,
                   "Bits in which kernels add products: 16 keeps codes from saturating on x86 without VNNI, 32 leaves them as they are "
                   "(default: the target's)")
        ->check(CLI::IsMember({16, 32}));
    app.add_option("--include", flags.selection.include,
                   "Quantize these nodes only: names (with * and ?), /regular expressions/, type:Conv, from..to between two values");
    app.add_option("--exclude", flags.selection.exclude, "Leave these nodes in float: as --include, and wins over it");
    app.add_option("--overrides", flags.overrides, R"(JSON: {"value": {"range": [min, max], "dtype": "uint16", "symmetric": true}, ...})");
}

QuantizationScheme flagged_scheme(const SchemeFlags& flags) {
    QuantizationScheme scheme = scheme_for(find_target(flags.target));
    if (!flags.activations.empty()) scheme.activation_dtype = choose("--activations", flags.activations, kActivations);
    if (!flags.granularity.empty()) scheme.weight_granularity = choose("--granularity", flags.granularity, kGranularities);
    if (flags.symmetric) scheme.activation_symmetry = Symmetry::Symmetric;
    if (flags.sum_width != 0) scheme.sum_width = flags.sum_width == 16 ? SumWidth::SixteenBitPairs : SumWidth::ThirtyTwoBit;
    check_scheme(scheme);
    return scheme;
}

void apply_control(const SchemeFlags& flags, QuantizeRequest& request) {
    request.selection = flags.selection;
    if (!flags.overrides.empty()) request.overrides = load_overrides(flags.overrides);
}

}  // namespace mcompress
