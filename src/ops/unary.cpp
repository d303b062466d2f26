// Operators of one input that work element by element without attributes, and casts.
#include "ops/elementwise.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_cast(InferContext& context) {
    context.set_output(0, {ValueType::Kind::Tensor, CastAttrs::read(context.node()).to, context.input(0).dims, nullptr, {}});
}

void infer_cast_like(InferContext& context) {
    context.set_output(0, {ValueType::Kind::Tensor, context.input(1).dtype, context.input(0).dims, nullptr, {}});
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Abs", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Abs", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Abs", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Acos", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Acos", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Acosh", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Acosh", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Asin", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Asin", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Asinh", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Asinh", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Atan", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Atan", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Atanh", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Atanh", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "BitwiseNot", 18, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Cast", 1, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 6, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 9, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 13, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 19, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 21, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 23, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Cast", 24, 1, 1, 1, 1, infer_cast, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "CastLike", 15, 2, 2, 1, 1, infer_cast_like, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "CastLike", 19, 2, 2, 1, 1, infer_cast_like, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "CastLike", 21, 2, 2, 1, 1, infer_cast_like, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "CastLike", 23, 2, 2, 1, 1, infer_cast_like, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "CastLike", 24, 2, 2, 1, 1, infer_cast_like, check_attrs<CastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Ceil", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Ceil", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Ceil", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Cos", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Cos", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Cosh", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Cosh", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Erf", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Erf", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Exp", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Exp", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Exp", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Floor", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Floor", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Floor", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "IsInf", 10, 1, 1, 1, 1, infer_same_bool, check_attrs<IsInfAttrs>, nullptr, DataFlow::Elementwise},
    {"", "IsInf", 20, 1, 1, 1, 1, infer_same_bool, check_attrs<IsInfAttrs>, nullptr, DataFlow::Elementwise},
    {"", "IsNaN", 9, 1, 1, 1, 1, infer_same_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "IsNaN", 13, 1, 1, 1, 1, infer_same_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "IsNaN", 20, 1, 1, 1, 1, infer_same_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Log", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Log", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Log", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Neg", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Neg", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Neg", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Not", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Reciprocal", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Reciprocal", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Reciprocal", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Round", 11, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Round", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sign", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sign", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sin", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sin", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sinh", 9, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sinh", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sqrt", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sqrt", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sqrt", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Tan", 7, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Tan", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
};
// clang-format on

}  // namespace

std::span<const OpInfo> unary_rows() { return kRows; }

}  // namespace mcompress
