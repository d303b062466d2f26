#include "passes/registry.h"

#include <array>

#include "passes/clean/eliminate_dead_nodes.h"
#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

using enum PassFamily;

// clang-format off
constexpr auto kPasses = std::to_array<PassRow>({
    {"eliminate-dead-nodes", Clean, "Removes nodes and constants that no output needs.",
     [](const PassInputs&) { return make_eliminate_dead_nodes(); }},
});
// clang-format on

}  // namespace

std::span<const PassRow> all_passes() { return kPasses; }

const PassRow& find_pass(std::string_view name) {
    std::vector<std::string> names;
    for (const PassRow& row : kPasses) {
        if (row.name == name) return row;
        names.emplace_back(row.name);
    }
    const std::string nearest = nearest_word(name, names);
    throw Error(codes::kUsage, format("there is no pass '{}'", name),
                nearest.empty() ? "mcompress passes lists them" : format("did you mean '{}'?", nearest));
}

std::string_view family_name(PassFamily family) {
    switch (family) {
        case Clean: return "clean";
        case Fuse: return "fuse";
        case Quantize: return "quantize";
    }
    return "";
}

}  // namespace mcompress
