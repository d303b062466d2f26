// How a model is to be quantized, as plain data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quant/choose_params.h"
#include "quant/range_method.h"
#include "quant/weight_only.h"

namespace mcompress {

/// What the name of a value ends with whose channels equalization multiplied by factors.
inline constexpr std::string_view kRescaledSuffix = "_equalized";

enum class Granularity { PerTensor, PerChannel };
/// How wide the sums are that integer kernels form. x86 kernels without VNNI (AVX2, AVX-512 before it) add two products u8 x s8 in 16 bits with
/// saturation: SixteenBitPairs keeps every such pair in range, for a little less resolution; ThirtyTwoBit assumes VNNI, ARM or AMX.
enum class SumWidth { ThirtyTwoBit, SixteenBitPairs };
/// Static: ranges come from calibration; Dynamic: they are found while the model runs; Float: weights only.
enum class ActivationMode { Static, Dynamic, Float };

/// How much time may go into accuracy. Fast: ranges from statistics, weights rounded to nearest. Balanced: whatever helps on samples that were not
/// used to fit it, within seconds. Max: minutes.
enum class Effort { Fast, Balanced, Max };

struct QuantizationScheme {
    std::string target = "ort-cpu";  // a row of quant/target.h
    Effort effort = Effort::Balanced;
    ActivationMode activations = ActivationMode::Static;
    DType activation_dtype = DType::UInt8;
    Symmetry activation_symmetry = Symmetry::Asymmetric;
    std::string range_method = std::string(kDefaultRangeMethod);
    DType weight_dtype = DType::Int8;
    Granularity weight_granularity = Granularity::PerChannel;
    SumWidth sum_width = SumWidth::SixteenBitPairs;  // of the slowest kernels the model is to run right on
    std::vector<std::string> exclude = {};           // node names left in float
    WeightOnlyScheme weight_only = {};               // when activations stay float

    // Decisions about single values and nodes; they win over what is said for all. Made by hand, or by the stages of src/tune and src/search.
    std::map<std::string, ValueRange> ranges = {};               // by the value's qualified name
    std::map<std::string, DType> activation_dtypes = {};         // by the value's qualified name
    std::map<std::string, Symmetry> activation_symmetries = {};  // by the value's qualified name
    std::map<std::string, std::string> keep_float = {};          // node display name → why it stays in float (a complete clause)

    DType dtype_of(const std::string& value) const;  // of a value's codes
    Symmetry symmetry_of(const std::string& value) const;
};

/// Throws kUsage when no pass can carry the scheme out: an unknown range method, or a type that is not supported.
void check_scheme(const QuantizationScheme& scheme);

}  // namespace mcompress
