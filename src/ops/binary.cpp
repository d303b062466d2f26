// Arithmetic, comparison, logic and bit operations of two and more inputs.
#include "ops/elementwise.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_where(InferContext& context) {
    const DType dtype = merge_dtypes(context, 1, 2);
    const auto dims = broadcast_inputs(context, 0, 3);
    context.set_output(0, {ValueType::Kind::Tensor, dtype, dims, nullptr, {}});
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Add", 1, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Add", 6, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Add", 7, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Add", 13, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Add", 14, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "And", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "And", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "BitShift", 11, 2, 2, 1, 1, infer_broadcast, check_attrs<BitShiftAttrs>, nullptr, DataFlow::Elementwise},
    {"", "BitwiseAnd", 18, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "BitwiseOr", 18, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "BitwiseXor", 18, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Div", 1, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Div", 6, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Div", 7, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Div", 13, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Div", 14, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Equal", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Equal", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Equal", 11, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Equal", 13, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Equal", 19, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Greater", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Greater", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Greater", 9, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Greater", 13, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "GreaterOrEqual", 12, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "GreaterOrEqual", 16, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Less", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Less", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Less", 9, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Less", 13, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "LessOrEqual", 12, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "LessOrEqual", 16, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Max", 1, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Max", 6, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Max", 8, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Max", 12, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Max", 13, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mean", 1, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mean", 6, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mean", 8, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mean", 13, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Min", 1, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Min", 6, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Min", 8, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Min", 12, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Min", 13, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mod", 10, 2, 2, 1, 1, infer_broadcast, check_attrs<ModAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Mod", 13, 2, 2, 1, 1, infer_broadcast, check_attrs<ModAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Mul", 1, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Mul", 6, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Mul", 7, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mul", 13, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mul", 14, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Or", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Or", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Pow", 1, 2, 2, 1, 1, infer_broadcast_mixed, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Pow", 7, 2, 2, 1, 1, infer_broadcast_mixed, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Pow", 12, 2, 2, 1, 1, infer_broadcast_mixed, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Pow", 13, 2, 2, 1, 1, infer_broadcast_mixed, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Pow", 15, 2, 2, 1, 1, infer_broadcast_mixed, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sub", 1, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Sub", 6, 2, 2, 1, 1, infer_broadcast, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Sub", 7, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sub", 13, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sub", 14, 2, 2, 1, 1, infer_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sum", 1, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sum", 6, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sum", 8, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sum", 13, 1, kVariadic, 1, 1, infer_variadic_broadcast, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Where", 9, 3, 3, 1, 1, infer_where, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Where", 16, 3, 3, 1, 1, infer_where, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Xor", 1, 2, 2, 1, 1, infer_broadcast_bool, check_attrs<BroadcastAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Xor", 7, 2, 2, 1, 1, infer_broadcast_bool, nullptr, nullptr, DataFlow::Elementwise},
};
// clang-format on

}  // namespace

std::span<const OpInfo> binary_rows() { return kRows; }

}  // namespace mcompress
