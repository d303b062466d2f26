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

// [spectrogram bins, mel bins] for a transform of input 1 points and input 0 mel bins.
void infer_mel_matrix(InferContext& context) {
    Dims output = unknown_dims(2);
    const auto bins = context.constant_integers(0);
    const auto points = context.constant_integers(1);
    if (points && points->size() == 1 && points->front() >= 0) output[0] = points->front() / 2 + 1;
    if (bins && bins->size() == 1 && bins->front() >= 0) output[1] = bins->front();
    context.set_output(0, ValueType::tensor(output_datatype(context.node()), std::move(output)));
}

// Input [batch, signal …, 1 or 2] (real or complex); along `axis` the transform's length, all or half of it.
void infer_dft(InferContext& context) {
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const Node& node = context.node();
    Dims output = *input.dims;
    const auto axis_input = context.constant_integers(2);
    const std::int64_t named = node.opset_version() < 20               ? int_attribute(node, "axis", 1)
                               : axis_input && axis_input->size() == 1 ? axis_input->front()
                                                                       : -2;
    const bool is_axis_known = node.opset_version() < 20 || axis_input || !context.has_input(2);
    if (!is_axis_known) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
    const auto axis = static_cast<std::size_t>(checked_axis(context, named, input.rank()));
    const auto length = context.constant_integers(1);
    if (context.has_input(1)) output[axis] = length && length->size() == 1 && length->front() >= 0 ? Dim(length->front()) : Dim();
    if (flag_attribute(node, "onesided", 0)) output[axis] = output[axis].is_known() ? Dim(output[axis].extent() / 2 + 1) : Dim();
    output.back() = 2;
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
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
