// Fourier transforms and windows. Shapes are inferred where they are plain.
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

DType output_datatype(const Node& node) {
    const std::int64_t number = int_attribute(node, "output_datatype", 1);
    if (number < 1 || number > 255 || !is_known_dtype(static_cast<int>(number)))
        reject_attribute(node, "output_datatype", format("is {}, which is no element type", number));
    return static_cast<DType>(number);
}

// A window of input 0 elements.
void infer_window(InferContext& context) {
    Dims output = unknown_dims(1);
    if (const auto size = context.constant_integers(0); size && size->size() == 1)
        output[0] = size->front() < 0 ? Dim() : Dim(size->front());
    context.set_output(0, ValueType::tensor(output_datatype(context.node()), std::move(output)));
}

void infer_mel_matrix(InferContext& context) { context.set_output(0, ValueType::tensor(output_datatype(context.node()), unknown_dims(2))); }

void infer_dft(InferContext& context) {
    const ValueType& input = context.input(0);
    context.set_output(0, input.has_rank() ? ValueType::tensor(input.dtype, unknown_dims(input.rank())) : tensor_of(input.dtype));
}

void infer_stft(InferContext& context) { context.set_output(0, ValueType::tensor(context.input(0).dtype, unknown_dims(4))); }

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "BlackmanWindow", 17, 1, 1, 1, 1, infer_window},
    {"", "DFT", 17, 1, 2, 1, 1, infer_dft},
    {"", "DFT", 20, 1, 3, 1, 1, infer_dft},
    {"", "HammingWindow", 17, 1, 1, 1, 1, infer_window},
    {"", "HannWindow", 17, 1, 1, 1, 1, infer_window},
    {"", "MelWeightMatrix", 17, 5, 5, 1, 1, infer_mel_matrix},
    {"", "STFT", 17, 2, 4, 1, 1, infer_stft},
};
// clang-format on

}  // namespace

std::span<const OpInfo> signal_rows() { return kRows; }

}  // namespace mcompress
