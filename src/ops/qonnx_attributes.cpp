#include "ops/qonnx.h"

namespace mcompress {

QonnxQuantAttrs QonnxQuantAttrs::read(const Node& node) {
    static constexpr std::string_view kRoundings[] = {"ROUND", "CEIL", "FLOOR"};
    return {flag_attribute(node, "signed", 1), flag_attribute(node, "narrow", 0),
            enum_attribute(node, "rounding_mode", Rounding::HalfToEven, kRoundings)};
}

}  // namespace mcompress
