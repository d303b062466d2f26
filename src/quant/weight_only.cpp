#include "quant/weight_only.h"

#include <algorithm>

#include "support/error.h"

namespace mcompress {

void check_weight_only(const WeightOnlyScheme& scheme) {
    const auto refuse = [](std::string message, std::string hint) { throw Error(codes::kUsage, std::move(message), std::move(hint)); };
    if (scheme.bits != 4 && scheme.bits != 8) refuse(format("weights of {} bits are not made", scheme.bits), "take 4 or 8");
    if (scheme.block == 0) {
        if (scheme.bits == 4) refuse("4 bits need blocks: one scale for a whole column loses too much", "take a block of 32");
        if (scheme.rounding != WeightRounding::Nearest || scheme.zero_points != ZeroPoints::None)
            refuse("one scale a channel is rounded to nearest, without zero points", "give a block size");
        return;
    }
    if (std::find(std::begin(kBlockSizes), std::end(kBlockSizes), scheme.block) == std::end(kBlockSizes))
        refuse(format("a block of {} is not made", scheme.block), "take 16, 32, 64, 128 or 256");
    if (scheme.rounding == WeightRounding::Hqq && scheme.zero_points == ZeroPoints::None)
        refuse("hqq is a search for zero points", "let it store them, or take rtn");
    if (scheme.form == WeightForm::DequantizeLinear && scheme.zero_points == ZeroPoints::Real)
        refuse("DequantizeLinear takes integer zero points only", "take int or none, or the form matmulnbits");
}

std::string_view name_of(WeightRounding rounding) {
    constexpr std::string_view kNames[] = {"rtn", "hqq", "gptq"};
    return kNames[static_cast<std::size_t>(rounding)];
}

std::string_view name_of(ZeroPoints zero_points) {
    constexpr std::string_view kNames[] = {"none", "int", "float"};
    return kNames[static_cast<std::size_t>(zero_points)];
}

std::string_view name_of(WeightForm form) { return form == WeightForm::MatMulNBits ? "matmulnbits" : "dequantize"; }

}  // namespace mcompress
