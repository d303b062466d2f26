// The table of half precision: which operators compute in float16 and bfloat16, from which version on, and which of their tensors stay float32.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/node.h"
#include "tensor/dtype.h"

namespace mcompress {

enum class HalfUse {
    Computes,  // on half tensors
    Stores     // computes in float32, on constants that are stored in half precision and widened in front of it
};

/// One row an operator. The floats of an operator share one type, except those that the row names.
struct HalfRule {
    static constexpr int kNever = 1 << 30;

    std::string_view domain;
    std::string_view op;
    int float16_since;                // the first version whose type constraint lists it
    int bfloat16_since;               // as above
    std::uint32_t float_inputs = 0;   // bit i: input i is float32 whatever the others are (the scales of Resize)
    std::uint32_t free_inputs = 0;    // bit i: input i may have any type, whatever the others have (what Cast reads)
    std::uint32_t float_outputs = 0;  // bit i: output i is float32 whatever the others are
    HalfUse use = HalfUse::Computes;

    bool is_float_input(int index) const { return index < 32 && (float_inputs >> index & 1u) != 0; }
    bool is_free_input(int index) const { return index < 32 && (free_inputs >> index & 1u) != 0; }
    bool is_float_output(int index) const { return index < 32 && (float_outputs >> index & 1u) != 0; }
    /// The first version of the operator that takes `half`; kNever when none does.
    int since(DType half) const { return half == DType::BFloat16 ? bfloat16_since : float16_since; }
};

/// Null for operators whose floats are not converted: unknown ones, random ones, and those that ONNX gives no half type.
const HalfRule* find_half_rule(const Node& node);
std::span<const HalfRule> all_half_rules();

}  // namespace mcompress
