// Operators of the private domain. They never leave mcompress: emit refuses them.
#include "ops/conv.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/standard_op.h"

namespace mcompress {

namespace {

constexpr OpInfo kRows[] = {
    // Hands its input on; marks a value whose statistics calibration collects.
    {"mcompress", "Observe", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    // What sums of two products in 16 bits change in the sums of ConvInteger (x, w, x_zero_point) and MatMulInteger (a, b).
    {"mcompress", "ConvSaturation", 1, 3, 3, 1, 1, infer_as<"ConvInteger">, check_attrs<ConvAttrs>},
    {"mcompress", "MatMulSaturation", 1, 2, 2, 1, 1, infer_as<"MatMulInteger">},
};

}  // namespace

std::span<const OpInfo> private_rows() { return kRows; }

}  // namespace mcompress
