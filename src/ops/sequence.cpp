// Sequences and optionals.
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_length(InferContext& context) { context.set_output(0, ValueType::tensor(DType::Int64, Dims{})); }

void infer_has_element(InferContext& context) { context.set_output(0, ValueType::tensor(DType::Bool, Dims{})); }

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "ConcatFromSequence", 11, 1, 1, 1, 1, infer_nothing},
    {"", "Optional", 15, 0, 1, 1, 1, infer_nothing},
    {"", "OptionalGetElement", 15, 1, 1, 1, 1, infer_nothing},
    {"", "OptionalGetElement", 18, 1, 1, 1, 1, infer_nothing},
    {"", "OptionalHasElement", 15, 1, 1, 1, 1, infer_has_element},
    {"", "OptionalHasElement", 18, 0, 1, 1, 1, infer_has_element},
    {"", "SequenceAt", 11, 2, 2, 1, 1, infer_nothing},
    {"", "SequenceConstruct", 11, 1, kVariadic, 1, 1, infer_nothing},
    {"", "SequenceEmpty", 11, 0, 0, 1, 1, infer_nothing},
    {"", "SequenceErase", 11, 1, 2, 1, 1, infer_nothing},
    {"", "SequenceInsert", 11, 2, 3, 1, 1, infer_nothing},
    {"", "SequenceLength", 11, 1, 1, 1, 1, infer_length},
    {"", "SequenceMap", 17, 1, kVariadic, 1, kVariadic, infer_nothing},
    {"", "SplitToSequence", 11, 1, 2, 1, 1, infer_nothing},
    {"", "SplitToSequence", 24, 1, 2, 1, 1, infer_nothing},
};
// clang-format on

}  // namespace

std::span<const OpInfo> sequence_rows() { return kRows; }

}  // namespace mcompress
