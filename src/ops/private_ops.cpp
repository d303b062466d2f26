// Operators of the private domain. They never leave mcompress: emit refuses them.
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

constexpr OpInfo kRows[] = {
    // Hands its input on; marks a value whose statistics calibration collects.
    {"mcompress", "Observe", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
};

}  // namespace

std::span<const OpInfo> private_rows() { return kRows; }

}  // namespace mcompress
