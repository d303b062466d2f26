#include "quant/fake_quantize.h"

#include <algorithm>
#include <cstddef>

#include "support/check.h"

namespace mcompress {

namespace {

// Added to and taken from a number below 2^22 in magnitude it leaves the nearest integer, ties to even, as quantize_value() rounds.
constexpr float kRounder = 12582912.0f;  // 1.5·2^23

struct Codes {
    float scale, lowest, highest;

    float round_trip(float x) const {
        const float code = x / scale;
        const float clipped = code > lowest ? (code < highest ? code : highest) : lowest;
        const float finite = code == code ? clipped : 0.0f;
        return (finite + kRounder - kRounder) * scale;
    }
};

}  // namespace

void fake_quantize(std::span<float> values, const QuantParams& params) {
    const QuantRange range = integer_range(params.dtype);
    MCOMPRESS_CHECK(dtype_bits(params.dtype) <= 16);
    const Codes codes{params.scale, static_cast<float>(range.min - params.zero_point), static_cast<float>(range.max - params.zero_point)};
    constexpr std::size_t kBlock = 64;  // a known length, which compilers turn into vectors
    std::size_t at = 0;
    for (; at + kBlock <= values.size(); at += kBlock) {
        float* const block = &values[at];
        for (std::size_t lane = 0; lane < kBlock; ++lane) block[lane] = codes.round_trip(block[lane]);
    }
    for (; at < values.size(); ++at) values[at] = codes.round_trip(values[at]);
}

}  // namespace mcompress
