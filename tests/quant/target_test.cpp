// The table of targets: what its rows must agree on, and what find_target() refuses.
#include "quant/target.h"

#include <set>

#include "catch.h"
#include "support/error.h"

using namespace mcompress;

TEST_CASE("a scheme without options is that of the default target", "[quant]") {
    const QuantizationScheme scheme, row = scheme_for(find_target(kDefaultTarget));
    CHECK(scheme.target == kDefaultTarget);
    CHECK(row.target == scheme.target);
    CHECK(row.activation_dtype == scheme.activation_dtype);
    CHECK(row.activation_symmetry == scheme.activation_symmetry);
    CHECK(row.weight_dtype == scheme.weight_dtype);
    CHECK(row.weight_granularity == scheme.weight_granularity);
    CHECK(row.sum_width == scheme.sum_width);
}

TEST_CASE("every target is a scheme that the passes carry out", "[quant]") {
    std::set<std::string_view> names;
    for (const Target& target : all_targets()) {
        INFO(target.name);
        CHECK(names.insert(target.name).second);
        CHECK(target.takes(target.activation_dtype));
        CHECK((target.takes_zero_points || target.activation_symmetry == Symmetry::Symmetric));
        CHECK((target.weight_granularity == Granularity::PerTensor || target.opset >= 13));
        for (const std::string_view op : {"Conv", "Gemm", "MatMul"}) CHECK(target.computes(op));
        CHECK_NOTHROW(check_scheme(scheme_for(target)));
    }
    CHECK(names.size() == 5);
}

TEST_CASE("trap 26: an unknown target is refused with the nearest one", "[quant]") {
    try {
        find_target("tensorr");
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Usage);
        CHECK(std::string(error.what()).find("did you mean 'tensorrt'?") != std::string::npos);
    }
}

TEST_CASE("what a target does not take is refused", "[quant]") {
    const auto refused = [](const QuantizationScheme& scheme) {
        try {
            check_scheme(scheme);
            return false;
        } catch (const Error& error) {
            return error.kind() == ErrorKind::Usage;
        }
    };
    QuantizationScheme scheme = scheme_for(find_target("tensorrt"));
    CHECK_FALSE(refused(scheme));
    scheme.activation_dtype = DType::UInt8;
    CHECK(refused(scheme));
    scheme = scheme_for(find_target("tensorrt"));
    scheme.activation_symmetry = Symmetry::Asymmetric;
    CHECK(refused(scheme));
    scheme = scheme_for(find_target("openvino"));
    scheme.activation_dtypes["x"] = DType::UInt16;
    CHECK(refused(scheme));
    scheme = {};
    scheme.activation_dtype = DType::Int16;
    CHECK_FALSE(refused(scheme));
    scheme.activation_dtype = DType::Float32;
    CHECK(refused(scheme));
}

TEST_CASE("trap 10: unsigned weights are refused, per channel integer kernels want zero points of 0", "[quant]") {
    QuantizationScheme scheme;
    scheme.weight_dtype = DType::UInt8;
    CHECK_THROWS_AS(check_scheme(scheme), Error);
}
