#include "quant/fake_quantize.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.h"
#include "quant/affine.h"

using namespace mcompress;

TEST_CASE("fake quantization is quantize and dequantize", "[quant][trap16]") {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0f, 2.0f);
    for (const QuantParams& params :
         {QuantParams{0.05f, 131, DType::UInt8}, {0.3f, 0, DType::Int8}, {1e-3f, 0, DType::UInt8}, {1e-4f, 32000, DType::UInt16}}) {
        std::vector<float> values(1000);
        for (float& value : values) value = normal(random);
        for (int half = -20; half < 20; ++half) values.push_back(params.scale * (static_cast<float>(half) + 0.5f));  // ties
        for (const float extreme : {0.0f, -0.0f, 1e30f, -1e30f, std::numeric_limits<float>::infinity(),
                                    -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
            values.push_back(extreme);
        std::vector<float> found = values;
        fake_quantize(found, params);
        for (std::size_t at = 0; at < values.size(); ++at) {
            const std::int32_t code = quantize_value(values[at], params.scale, params.zero_point, integer_range(params.dtype));
            CHECK(found[at] == dequantize_value(code, params.scale, params.zero_point));
        }
    }
}
