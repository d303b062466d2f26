// What a user says about single values, in a file or in a part of one.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ir/graph.h"
#include "quant/scheme.h"

namespace mcompress {

/// What is not given stays as it would be without the override.
struct ValueOverride {
    std::optional<ValueRange> range;
    std::optional<DType> dtype;
    std::optional<Symmetry> symmetry;
};

using Overrides = std::map<std::string, ValueOverride>;  // by the value's qualified name

/// Reads {"value": {"range": [-1, 1], "dtype": "uint16", "symmetric": true}, "other": {"min": 0, "max": 6}}. Throws kUsage for anything else:
/// unknown keys (with the nearest known one), types that activations do not have, ranges that are empty or not finite.
Overrides overrides_from_json(std::string_view text);
Overrides load_overrides(const std::filesystem::path& path);

/// Writes the overrides into the scheme's decisions.
void apply_overrides(const Overrides& overrides, QuantizationScheme& scheme);

/// Throws kUsage when the prepared graph, quantized by this scheme, has no quantizer on a value of such a name, with the nearest one that has, and when it
/// has one whose range follows from its operands (a Concat's). Names that values have once their channels are rescaled are let through.
void check_overrides(const Graph& graph, const Overrides& overrides, const QuantizationScheme& scheme);

/// Throws kUsage when an override speaks of a rescaled value, but the graph, which is ready to be quantized, has none of that name.
void check_rescaled_overrides(const Graph& graph, const Overrides& overrides);

}  // namespace mcompress
