// The options that say what for, into which codes, and which parts of a model are quantized.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "pipeline/compress.h"
#include "quant/target.h"

namespace mcompress {

struct SchemeFlags {
    std::string target = std::string(kDefaultTarget);
    std::string activations;  // empty: the target's
    std::string granularity;  // likewise
    int sum_width = 0;        // bits; 0: likewise
    bool symmetric = false;
    NodeSelection selection;
    std::string overrides;  // a file
};

void add_target_flag(CLI::App& app, SchemeFlags& flags);
/// All but --target.
void add_scheme_flags(CLI::App& app, SchemeFlags& flags);

/// The target's scheme with what the flags change. Throws kUsage for what there is not, or the target does not take.
QuantizationScheme flagged_scheme(const SchemeFlags& flags);
/// Selection and overrides.
void apply_control(const SchemeFlags& flags, QuantizeRequest& request);

}  // namespace mcompress
