// Attributes of operators that work element by element: activations, casts, arithmetic with options, Dropout.
#pragma once

#include <optional>

#include "ops/attributes.h"

namespace mcompress {

/// min(max(x, min), max). Attributes up to opset 6, inputs 1 and 2 from opset 11; an absent bound does not bind.
struct ClipAttrs {
    ScalarSource min;
    ScalarSource max;
    /// Both bounds are absent or known numbers.
    bool is_settled() const { return min.is_settled() && max.is_settled(); }
    static ClipAttrs read(const Node& node);
};

struct LeakyReluAttrs {
    float alpha = 0.01F;
    static LeakyReluAttrs read(const Node& node);
};
struct EluAttrs {
    float alpha = 1.0F;
    static EluAttrs read(const Node& node);
};
struct CeluAttrs {
    float alpha = 1.0F;
    static CeluAttrs read(const Node& node);
};
struct SeluAttrs {
    float alpha = 1.67326319217681884765625F;  // 1.6732 and 1.0507 before opset 6
    float gamma = 1.05070102214813232421875F;
    static SeluAttrs read(const Node& node);
};
/// max(0, min(1, alpha x + beta)).
struct HardSigmoidAttrs {
    float alpha = 0.2F;
    float beta = 0.5F;
    static HardSigmoidAttrs read(const Node& node);
};
struct ThresholdedReluAttrs {
    float alpha = 1.0F;
    static ThresholdedReluAttrs read(const Node& node);
};
struct ShrinkAttrs {
    float bias = 0.0F;
    float lambd = 0.5F;
    static ShrinkAttrs read(const Node& node);
};
struct GeluAttrs {
    enum class Approximation { None, Tanh };
    Approximation approximation = Approximation::None;
    static GeluAttrs read(const Node& node);
};
/// x sigmoid(alpha x).
struct SwishAttrs {
    float alpha = 1.0F;
    static SwishAttrs read(const Node& node);
};

/// Cast, CastLike.
struct CastAttrs {
    DType to = DType::Undefined;  // Undefined for CastLike: the type of input 1
    enum class Overflow { Wraps, Saturates };
    Overflow float8_overflow = Overflow::Saturates;  // of casts to float8 only (attribute saturate, from 19)
    enum class PowerRounding { Up, Down, Nearest };
    PowerRounding power_rounding = PowerRounding::Up;  // of casts to float8e8m0 only (attribute round_mode, from 24)
    static CastAttrs read(const Node& node);
};

struct ModAttrs {
    enum class Sign { OfDivisor, OfDividend };  // Python's % (fmod = 0), C's fmod (fmod = 1)
    Sign sign = Sign::OfDivisor;
    static ModAttrs read(const Node& node);
};

struct BitShiftAttrs {
    enum class Direction { Left, Right };
    Direction direction = Direction::Left;
    static BitShiftAttrs read(const Node& node);
};

struct IsInfAttrs {
    bool detects_negative = true;
    bool detects_positive = true;
    static IsInfAttrs read(const Node& node);
};

/// Ratio and mode of Dropout. In inference mode output 0 is input 0 and the mask is all true.
struct DropoutAttrs {
    enum class Mode { Inference, Training, Unknown };  // Unknown: input training_mode (from 12) is computed at run time
    ScalarSource ratio;                                // absent: 0.5
    Mode mode = Mode::Inference;                       // is_test = 0 of opset <= 6 means Training
    std::optional<std::int64_t> seed;                  // from 12
    static DropoutAttrs read(const Node& node);
};

/// How Add, Sub, Mul, Div, Pow, And, Equal … match shapes.
struct BroadcastAttrs {
    enum class Rule { None, Legacy, NumPy };  // equal shapes only (opset < 7), B placed at `axis` of A (opset < 7, broadcast = 1), from 7
    Rule rule = Rule::NumPy;
    std::optional<std::int64_t> axis;  // Legacy: where B's first axis lies in A; absent: B's axes are A's last ones
    static BroadcastAttrs read(const Node& node);
};

}  // namespace mcompress
