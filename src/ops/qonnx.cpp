// Quantizers of QONNX (Brevitas): they carry a tensor on at reduced precision.
#include "ops/qonnx.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// clang-format off
constexpr OpInfo kRows[] = {
    {"onnx.brevitas", "BipolarQuant", 1, 2, 2, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"onnx.brevitas", "Quant", 1, 4, 4, 1, 1, infer_same, check_attrs<QonnxQuantAttrs>, nullptr, DataFlow::Elementwise},
    {"onnx.brevitas", "Trunc", 1, 5, 5, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"qonnx.custom_op.general", "BipolarQuant", 1, 2, 2, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"qonnx.custom_op.general", "Quant", 1, 4, 4, 1, 1, infer_same, check_attrs<QonnxQuantAttrs>, nullptr, DataFlow::Elementwise},
    {"qonnx.custom_op.general", "Trunc", 1, 4, 6, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
};
// clang-format on

}  // namespace

std::span<const OpInfo> qonnx_rows() { return kRows; }

}  // namespace mcompress
