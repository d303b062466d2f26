// Where another implementation than oneDNN's first is taken, it is the one that was wanted, and it computes the same.
#include "catch.h"
#include "engine_pair.h"

#include <dnnl.hpp>

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;

struct Case {
    std::int64_t inputs, outputs, groups, kernel, stride, extent;
    const char* in_codes;  // how the kernel's name begins in oneDNN 2 with AVX512-VNNI
    const char* in_float;
};

constexpr Case kCases[] = {
    {3, 32, 1, 3, 2, 33, "jit_int8:", "brgconv:"},            // the first layer
    {24, 24, 1, 3, 1, 14, "jit_int8:", "jit:"},               // few outputs
    {32, 32, 1, 3, 1, 14, "jit_int8:", "brgconv:"},           // few weights
    {256, 256, 1, 3, 1, 14, "brgconv:", "brgconv:"},          // many
    {96, 24, 1, 1, 1, 28, "jit_int8_1x1:", "brgconv_1x1:"},   // a last block of outputs that is not whole
    {24, 144, 1, 1, 1, 28, "jit_int8_1x1:", "brgconv_1x1:"},  // short sums
    {64, 128, 1, 1, 2, 28, "jit_int8_1x1:", "brgconv_1x1:"},  // skips points
    {192, 64, 1, 1, 1, 14, "brgconv_1x1:", "brgconv_1x1:"},   // long sums
    {96, 96, 96, 3, 1, 28, "jit_int8:", "jit_dw:"},           // depthwise
    {32, 32, 32, 5, 1, 14, "jit_int8:", "jit_dw:"},           //
    {40, 40, 40, 5, 1, 14, "brdgmm_dw:", "jit_dw:"},          // a last block of channels that is not whole
    {576, 576, 576, 3, 2, 14, "brdgmm_dw:", "brdgmm_dw:"},    // many channels over few points
};

void make(GraphMaker& maker, const Case& c, bool codes) {
    Value* x = maker.input("x", Shape{1, c.inputs, c.extent, c.extent});
    if (codes) x = maker.dequantize(maker.quantize(x, 0.05F, 0), 0.05F, 0);
    const Shape shape{c.outputs, c.inputs / c.groups, c.kernel, c.kernel};
    Value* w = codes ? maker.quantized_weights(shape) : maker.weights(shape);
    const std::int64_t pad = c.kernel / 2;
    Value* y = maker.add("Conv", {x, w},
                         {{"group", c.groups, {}}, {"strides", Ints{c.stride, c.stride}, {}}, {"pads", Ints{pad, pad, pad, pad}, {}}});
    y = maker.add("Relu", {y});
    maker.output(codes ? maker.quantize(y, 0.3F, 0) : y);
}

std::string kernel_of_convolution(GraphMaker& maker) {
    for (const StepInfo& step : steps_of(maker))
        if (step.op.starts_with("Conv")) return step.kernel;
    return "";
}

bool knows_the_names() {
#if DNNL_VERSION_MAJOR >= 3
    return false;
#else
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
    return (isa & wanted) == wanted;
#endif
}

}  // namespace

TEST_CASE("the faster of oneDNN's implementations runs, and computes the same", "[onednn][int8]") {
    for (const Case& c : kCases)
        for (const bool codes : {false, true}) {
            CAPTURE(c.inputs, c.outputs, c.groups, c.kernel, c.stride, c.extent, codes);
            GraphMaker maker;
            make(maker, c, codes);
            if (codes) CHECK(code_difference(maker) <= 1);
            else CHECK(relative_difference(maker) < 1e-5);
            const std::string kernel = kernel_of_convolution(maker);
            CAPTURE(kernel);
            if (knows_the_names()) CHECK(kernel.starts_with(codes ? c.in_codes : c.in_float));
        }
}
