// The options of weight-only quantization.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "quant/scheme.h"

namespace mcompress {

struct WeightOnlyFlags {
    std::string dtype;  // "int4", "int8"; empty: not asked for
    std::string block;
    std::string rounding;
    std::string zero_points;
    std::string form;

    bool is_asked_for() const { return !dtype.empty(); }
};

void add_weight_only_flags(CLI::App& app, WeightOnlyFlags& flags);

enum class Samples { Given, None };
/// What the flags say, and what follows for the rest: blocks of 32 for 4 bits, whole columns for 8; gptq where there are samples, hqq where not, nearest for
/// 8 bits; zero points where the rounding gains by them. Throws kUsage when they contradict each other.
WeightOnlyScheme weight_only_scheme(const WeightOnlyFlags& flags, Samples samples);
/// Does nothing when they were not asked for.
void apply_weight_only(const WeightOnlyFlags& flags, Samples samples, QuantizationScheme& scheme);

}  // namespace mcompress
