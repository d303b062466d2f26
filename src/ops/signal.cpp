// Fourier transforms and windows.
#include "ops/signal.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// What is known of a size that input `index` holds.
Dim size_of(const InferContext& context, int index) {
    const auto value = context.constant_integers(index);
    if (!value || value->size() != 1) return {};
    if (value->front() < 0) context.reject(format("input {} is {}, expected a size", index, value->front()));
    return value->front();
}

// The number of different coefficients of a real signal.
Dim half_spectrum(const Dim& points) { return points.is_known() ? Dim(points.extent() / 2 + 1) : Dim(); }

// A window of input 0 elements.
void infer_window(InferContext& context) {
    context.set_output(0, ValueType::tensor(SignalWindowAttrs::read(context.node()).dtype, Dims{size_of(context, 0)}));
}

// [spectrogram bins, mel bins] for a transform of input 1 points and input 0 mel bins.
void infer_mel_matrix(InferContext& context) {
    Dims output{half_spectrum(size_of(context, 1)), size_of(context, 0)};
    context.set_output(0, ValueType::tensor(SignalWindowAttrs::read(context.node()).dtype, std::move(output)));
}

// The transformed axis, nothing when it is not known before execution. The last axis holds real and imaginary parts.
std::optional<int> dft_axis(const InferContext& context, const DftAttrs& attrs, int rank) {
    std::int64_t axis = attrs.axis.value_or(-2);
    if (!attrs.axis && context.has_input(2)) {
        const auto given = context.constant_integers(2);
        if (!given || given->size() != 1) return std::nullopt;
        axis = given->front();
    }
    const int result = checked_axis(context, axis, rank);
    if (result == rank - 1) context.reject(format("axis {} holds real and imaginary parts", axis));
    return result;
}

void infer_dft(InferContext& context) {
    using Transform = DftAttrs::Transform;
    const DftAttrs attrs = DftAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    if (input.rank() < 2) context.reject(format("the input has rank {}, expected a signal of real or complex numbers", input.rank()));
    const auto axis = dft_axis(context, attrs, input.rank());
    Dims output = axis ? *input.dims : unknown_dims(input.rank());
    output.back() = attrs.transform == Transform::HalfToReal ? 1 : 2;
    if (axis) {
        Dim& points = output[static_cast<std::size_t>(*axis)];
        if (context.has_input(1)) points = size_of(context, 1);
        else if (attrs.transform == Transform::HalfToReal)
            points = points.is_known() && points.extent() > 0 ? multiply(context, Dim(points.extent() - 1), 2) : Dim();
        if (attrs.transform == Transform::RealToHalf) points = half_spectrum(points);
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// Points of a frame: input 3, or the length of the window, or the whole signal.
Dim frame_length(const InferContext& context) {
    if (context.has_input(3)) return size_of(context, 3);
    const ValueType& source = context.input(context.has_input(2) ? 2 : 0);
    const int rank = context.has_input(2) ? 1 : 3;
    return source.has_rank() && source.rank() == rank ? (*source.dims)[static_cast<std::size_t>(rank / 2)] : Dim();
}

void infer_stft(InferContext& context) {
    const StftAttrs attrs = StftAttrs::read(context.node());
    const Dim frame = frame_length(context), step = size_of(context, 1);
    Dims output{Dim(), Dim(), attrs.spectrum == StftAttrs::Spectrum::Half ? half_spectrum(frame) : frame, 2};
    // PyTorch writes signals of real numbers without their last axis of 1, and ONNX Runtime reads them.
    const bool is_bare = context.input(0).has_rank() && context.input(0).rank() == 2;
    if (const Dims* signal = dims_of_rank(context, 0, is_bare ? 2 : 3)) {
        output[0] = (*signal)[0];
        const Dim& length = (*signal)[1];
        if (step.is_known() && step.extent() > 0 && length.is_known() && frame.is_known())
            output[1] = length.extent() < frame.extent() ? 0 : (length.extent() - frame.extent()) / step.extent() + 1;
    }
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "BlackmanWindow", 17, 1, 1, 1, 1, infer_window, check_attrs<SignalWindowAttrs>},
    {"", "DFT", 17, 1, 2, 1, 1, infer_dft, check_attrs<DftAttrs>},
    {"", "DFT", 20, 1, 3, 1, 1, infer_dft, check_attrs<DftAttrs>},
    {"", "HammingWindow", 17, 1, 1, 1, 1, infer_window, check_attrs<SignalWindowAttrs>},
    {"", "HannWindow", 17, 1, 1, 1, 1, infer_window, check_attrs<SignalWindowAttrs>},
    {"", "MelWeightMatrix", 17, 5, 5, 1, 1, infer_mel_matrix, check_attrs<SignalWindowAttrs>},
    {"", "STFT", 17, 2, 4, 1, 1, infer_stft, check_attrs<StftAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> signal_rows() { return kRows; }

}  // namespace mcompress
