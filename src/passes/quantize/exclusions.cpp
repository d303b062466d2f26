#include "passes/quantize/exclusions.h"

#include <algorithm>

namespace mcompress {

std::string exclusion_of(const Node& node, const QuantizationScheme& scheme) {
    const std::string name = node.display_name();
    if (const auto kept = scheme.keep_float.find(name); kept != scheme.keep_float.end()) return kept->second;
    const bool is_excluded = std::find(scheme.exclude.begin(), scheme.exclude.end(), name) != scheme.exclude.end();
    return is_excluded ? "excluded by name" : std::string();
}

}  // namespace mcompress
