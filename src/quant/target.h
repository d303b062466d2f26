// What a runtime computes on integers, and the form in which it wants a model: one row a target.
#pragma once

#include <span>
#include <string_view>

#include "quant/scheme.h"

namespace mcompress {

/// Which operands of an addition of two branches are quantized.
enum class ResidualAdd {
    BothOperands,  // the addition is an operator of its own, on two tensors of codes
    SkipBranchOnly  // the addition is part of the product in front of it, whose accumulator is never written: only the other operand is codes
};

/// What the kernels of Conv and ConvTranspose can write. Those of Gemm and MatMul can write floats everywhere.
enum class ConvolutionResult { CodesOnly, CodesOrFloats };

struct Target {
    using Names = std::span<const std::string_view>;

    std::string_view name;     // "ort-cpu"
    std::string_view runtime;  // "ONNX Runtime on the CPU", as reasons name it
    // what `mcompress quantize --target` does without further options
    DType activation_dtype;
    Symmetry activation_symmetry;
    DType weight_dtype;
    Granularity weight_granularity;
    SumWidth sum_width;
    // what it allows
    std::span<const DType> activation_dtypes;
    bool takes_zero_points;  // false: activations are symmetric, whatever is asked
    // what the passes do for it
    Names integer_ops;  // computed on codes, by roles of op_rules; what is not here stays float
    Names moving_ops;   // move or select codes as they are
    ConvolutionResult convolution_result;
    ResidualAdd residual_add;
    Names
        fused_activations;  // part of the product in front whatever its bounds; others only where the quantizer saturates at the same codes
    DType bias;             // Int32: codes at the scale of the accumulator; Float32: left as it is
    int opset;              // the oldest in which the model can be written

    bool computes(std::string_view op) const;  // on integers
    bool moves(std::string_view op) const;
    bool fuses(std::string_view activation) const;
    bool takes(DType activation) const;
};

inline constexpr std::string_view kDefaultTarget = "ort-cpu";

std::span<const Target> all_targets();
/// Throws kUsage naming the nearest target, or all of them.
const Target& find_target(std::string_view name);

/// The scheme of the target's row.
QuantizationScheme scheme_for(const Target& target);

}  // namespace mcompress
