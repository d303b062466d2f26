// How weights are stored when activations stay float.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mcompress {

/// How a weight's code is found. Nearest: the closest one on a grid from the block's range. Hqq: on a grid that fits the bulk of the block (half-quadratic
/// quantization, Badri and Shaji 2023). Gptq: errors made so far are made good by the weights that follow, from products of calibration samples
/// (Frantar et al. 2022).
enum class WeightRounding { Nearest, Hqq, Gptq };
/// What real 0 is in codes. None: the middle code, which is not stored. Integer: a code. Real: any number, which costs as much as a scale.
enum class ZeroPoints { None, Integer, Real };
/// MatMulNBits: an operator of ONNX Runtime (com.microsoft). DequantizeLinear: the standard operator in blocks, of opset 21.
enum class WeightForm { MatMulNBits, DequantizeLinear };

struct WeightOnlyScheme {
    int bits = 8;            // 4 or 8
    std::int64_t block = 0;  // inputs of a column that share a scale; 0: all of them, as quantize-weights does it (8 bits only)
    WeightRounding rounding = WeightRounding::Nearest;
    ZeroPoints zero_points = ZeroPoints::None;
    WeightForm form = WeightForm::MatMulNBits;
};

inline constexpr std::int64_t kBlockSizes[] = {16, 32, 64, 128, 256};

/// Throws kUsage when no pass can carry it out.
void check_weight_only(const WeightOnlyScheme& scheme);

std::string_view name_of(WeightRounding rounding);  // "rtn", "hqq", "gptq"
std::string_view name_of(ZeroPoints zero_points);   // "none", "int", "float"
std::string_view name_of(WeightForm form);          // "matmulnbits", "dequantize"

}  // namespace mcompress
