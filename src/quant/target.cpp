#include "quant/target.h"

#include <algorithm>
#include <array>

#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {
namespace {

using Name = std::string_view;

// ONNX Runtime: the selectors of core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc. ConvTranspose, Sub and Div have
// none; DepthToSpace, SpaceToDepth and Pad have no integer implementation. Resize and MaxPool take no 16-bit codes, products and sums neither.
constexpr Name kOrtOps[] = {"Conv", "Gemm", "MatMul", "Add", "Mul", "AveragePool", "GlobalAveragePool", "Concat"};
constexpr Name kOrtMoves[] = {"MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze",
                              "Slice",   "Gather",  "Split",   "Tile",      "Expand",  "Resize"};

// This program's engine on oneDNN: src/engine/fused_groups.cpp.
constexpr Name kOneDnnOps[] = {"Conv", "Gemm", "MatMul", "Add", "Sub", "Mul", "AveragePool", "GlobalAveragePool", "Concat"};
constexpr Name kOneDnnMoves[] = {"MaxPool", "Reshape",  "Flatten",      "Transpose",    "Squeeze", "Unsqueeze", "Slice",
                                 "Tile",    "Identity", "DepthToSpace", "SpaceToDepth", "Expand",  "Resize"};

// OpenVINO: the quantizable and the pass-through operators of NNCF's ONNX back end (docs of OpenVINO's Low Precision Transformations list the same).
constexpr Name kOpenVinoOps[] = {"Conv",        "ConvTranspose",     "Gemm",  "MatMul", "Add", "Sub", "Mul",
                                 "AveragePool", "GlobalAveragePool", "Concat"};
constexpr Name kOpenVinoMoves[] = {"MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze",      "Unsqueeze",    "Slice", "Gather",
                                   "Split",   "Tile",    "Expand",  "Identity",  "DepthToSpace", "SpaceToDepth", "Pad",   "Resize"};

// TensorRT: developer guide, "Working with Quantized Types": symmetric, zero points of 0, convolutions, matrix products, additions and average
// pooling between Q and DQ; Q and DQ commute with what selects or moves.
constexpr Name kTensorRtOps[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "AveragePool", "GlobalAveragePool", "Concat"};
constexpr Name kTensorRtMoves[] = {"MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze",
                                   "Slice",   "Gather",  "Split",   "Expand",    "Resize"};

constexpr Name kClamps[] = {"Relu", "Clip"};

constexpr DType kAllTypes[] = {DType::UInt8, DType::Int8, DType::UInt16, DType::Int16};
constexpr DType kBytes[] = {DType::UInt8, DType::Int8};
constexpr DType kSignedByte[] = {DType::Int8};

constexpr auto kTargets = std::to_array<Target>({
    {.name = "ort-cpu",
     .runtime = "ONNX Runtime on the CPU",
     .activation_dtype = DType::UInt8,
     .activation_symmetry = Symmetry::Asymmetric,
     .weight_dtype = DType::Int8,
     .weight_granularity = Granularity::PerChannel,
     .sum_width = SumWidth::SixteenBitPairs,  // its x86 kernels without VNNI, by default
     .activation_dtypes = kAllTypes,          // 16 bits: QuantizeLinear and DequantizeLinear run, what is between them computes in float
     .takes_zero_points = true,
     .integer_ops = kOrtOps,
     .moving_ops = kOrtMoves,
     .convolution_result = ConvolutionResult::CodesOnly,  // QLinearConv
     .residual_add = ResidualAdd::BothOperands,           // QLinearAdd
     .fused_activations = {},                             // ReluQuantFusion and ClipQuantFusion go by the zero point and the scale
     .bias = DType::Int32,
     .opset = 13},
    {.name = "onednn",
     .runtime = "mcompress's engine on oneDNN",
     .activation_dtype = DType::UInt8,
     .activation_symmetry = Symmetry::Asymmetric,
     .weight_dtype = DType::Int8,
     .weight_granularity = Granularity::PerChannel,
     .sum_width = SumWidth::ThirtyTwoBit,  // the engine is exact on processors with and without VNNI
     .activation_dtypes = kAllTypes,
     .takes_zero_points = true,
     .integer_ops = kOneDnnOps,
     .moving_ops = kOneDnnMoves,
     .convolution_result = ConvolutionResult::CodesOrFloats,
     .residual_add = ResidualAdd::BothOperands,
     .fused_activations = kClamps,  // post-ops of the primitive
     .bias = DType::Int32,
     .opset = 13},
    {.name = "openvino",
     .runtime = "OpenVINO",
     .activation_dtype = DType::UInt8,
     .activation_symmetry = Symmetry::Asymmetric,  // NNCF's preset "mixed"
     .weight_dtype = DType::Int8,
     .weight_granularity = Granularity::PerChannel,
     .sum_width = SumWidth::SixteenBitPairs,  // NNCF's overflow_fix: its CPU kernels saturate where there is no VNNI
     .activation_dtypes = kBytes,
     .takes_zero_points = true,
     .integer_ops = kOpenVinoOps,
     .moving_ops = kOpenVinoMoves,
     .convolution_result = ConvolutionResult::CodesOrFloats,
     .residual_add = ResidualAdd::BothOperands,
     .fused_activations = kClamps,
     .bias = DType::Float32,  // NNCF quantizes none
     .opset = 13},            // below it, NNCF has no scale a channel
    {.name = "tensorrt",
     .runtime = "TensorRT",
     .activation_dtype = DType::Int8,
     .activation_symmetry = Symmetry::Symmetric,
     .weight_dtype = DType::Int8,
     .weight_granularity = Granularity::PerChannel,
     .sum_width = SumWidth::ThirtyTwoBit,
     .activation_dtypes = kSignedByte,
     .takes_zero_points = false,
     .integer_ops = kTensorRtOps,
     .moving_ops = kTensorRtMoves,
     .convolution_result = ConvolutionResult::CodesOrFloats,
     // Developer guide, "Quantize the residual input in skip-connections": the operand from the convolution stays float, or the two do not fuse.
     // ModelOpt's build_non_residual_input_map takes the pair off the same operand.
     .residual_add = ResidualAdd::SkipBranchOnly,
     .fused_activations = kClamps,
     .bias = DType::Float32,  // it imports no int32 DequantizeLinear; ModelOpt sets QuantizeBias to false
     .opset = 13},
    {.name = "avx2",
     .runtime = "x86 kernels without VNNI",
     .activation_dtype = DType::UInt8,
     .activation_symmetry = Symmetry::Asymmetric,
     .weight_dtype = DType::Int8,
     .weight_granularity = Granularity::PerChannel,
     .sum_width = SumWidth::SixteenBitPairs,  // VPMADDUBSW adds two products u8 x s8 in 16 bits, with saturation
     .activation_dtypes = kBytes,
     .takes_zero_points = true,
     .integer_ops = kOrtOps,
     .moving_ops = kOrtMoves,
     .convolution_result = ConvolutionResult::CodesOnly,
     .residual_add = ResidualAdd::BothOperands,
     .fused_activations = {},
     .bias = DType::Int32,
     .opset = 13},
});

template <typename Range, typename Value> bool holds(const Range& range, const Value& value) {
    return std::find(range.begin(), range.end(), value) != range.end();
}

}  // namespace

bool Target::computes(std::string_view op) const { return holds(integer_ops, op); }
bool Target::moves(std::string_view op) const { return holds(moving_ops, op); }
bool Target::fuses(std::string_view activation) const { return holds(fused_activations, activation); }
bool Target::takes(DType activation) const { return holds(activation_dtypes, activation); }

std::span<const Target> all_targets() { return kTargets; }

const Target& find_target(std::string_view name) {
    std::vector<std::string> names;
    std::string known;
    for (const Target& target : kTargets) {
        if (target.name == name) return target;
        names.emplace_back(target.name);
        known += (known.empty() ? "" : ", ") + std::string(target.name);
    }
    const std::string nearest = nearest_word(name, names);
    throw Error(codes::kUsage, format("there is no target '{}'", name),
                nearest.empty() ? "use one of: " + known : format("did you mean '{}'?", nearest));
}

QuantizationScheme scheme_for(const Target& target) {
    QuantizationScheme scheme;
    scheme.target = std::string(target.name);
    scheme.activation_dtype = target.activation_dtype;
    scheme.activation_symmetry = target.activation_symmetry;
    scheme.weight_dtype = target.weight_dtype;
    scheme.weight_granularity = target.weight_granularity;
    scheme.sum_width = target.sum_width;
    return scheme;
}

}  // namespace mcompress
