// Measured effects of noise sources as a file, so that an interrupted measurement goes on where it ended.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "search/sensitivity.h"

namespace mcompress {

/// What effects belong to; any difference makes them worthless.
struct SensitivityKey {
    std::string quantized;  // fingerprint of the quantized graph, which holds the scheme's decisions
    std::string data;       // digest of the samples
};

/// Of names, types, shapes and elements of all samples, in order.
std::string digest_of(const Dataset& data);

std::string effects_to_json(const SensitivityKey& key, const std::vector<SourceEffect>& effects);

/// `what` is how messages call it. Throws kTableInvalid when it cannot be read, kTableMismatch when it belongs to something else.
std::vector<SourceEffect> effects_from_json(std::string_view text, const SensitivityKey& key, std::string_view what);

void save_effects(const std::filesystem::path& path, const SensitivityKey& key, const std::vector<SourceEffect>& effects);

/// Nothing when there is no such file.
std::vector<SourceEffect> load_effects(const std::filesystem::path& path, const SensitivityKey& key);

}  // namespace mcompress
