#include "passes/quantize/qoperator_forms.h"

#include <algorithm>

#include "ops/matmul.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/shape.h"

namespace mcompress {
namespace {

constexpr std::string_view kMicrosoft = "com.microsoft";
constexpr int kMaxPoolOfCodes = 12;   // the opset that lets MaxPool read 8-bit integers
constexpr int kReduceAxesInput = 18;  // … and that made an input of the axes
constexpr int kDilatedAverages = 19;  // … and that gave AveragePool dilations

std::optional<int> rows_of_filters(const Node&, const Shape&) { return 0; }
std::optional<int> columns(const Node&, const Shape& weight) { return weight.rank() == 2 ? std::optional<int>(1) : std::nullopt; }
std::optional<int> gemm_columns(const Node& node, const Shape&) { return attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? 0 : 1; }

std::string_view refuse_gemm(const Node& node, const QuantParams&) {
    const auto gemm = attrs<GemmAttrs>(node);
    if (gemm.alpha != 1.0F) return "its alpha is not 1";
    return node.input(2) && gemm.beta != 1.0F ? "its beta is not 1" : std::string_view{};
}

// The kernel multiplies by the largest integer below 1 / scale.
std::string_view refuse_softmax(const Node&, const QuantParams& result) {
    return result.scale == 1.0F / 256.0F ? std::string_view{} : "the scale of its result is not 1/256";
}

std::string_view refuse_average(const Node& node, const QuantParams&) {
    return node.opset_version() >= kDilatedAverages && node.attribute("dilations") ? "it is dilated" : std::string_view{};
}

std::string_view refuse_mean(const Node& node, const QuantParams&) {
    return node.opset_version() >= kReduceAxesInput ? "its axes are an input" : std::string_view{};
}

constexpr int kAny = QOperatorForm::kAnyNumber, kNone = QOperatorForm::kNone;
constexpr auto kByTensor = QOperatorForm::Layout::TensorByTensor, kByKind = QOperatorForm::Layout::KindByKind;

// A float operator with two forms has the one that writes codes first.
// clang-format off
constexpr QOperatorForm kForms[] = {
    //                                               operands, first, result, bias, plain
    {"Conv", "", "QLinearConv",                             2, 0, 6, 8, 0, kByTensor, rows_of_filters},
    {"MatMul", "", "QLinearMatMul",                         2, 0, 6, kNone, 0, kByTensor, columns},
    {"MatMul", kMicrosoft, "MatMulIntegerToFloat",          2, 0, kNone, kNone, 0, kByKind, columns},
    {"Gemm", kMicrosoft, "QGemm",                           2, 0, 7, 6, 0, kByTensor, gemm_columns, refuse_gemm},
    {"Gemm", kMicrosoft, "QGemm",                           2, 0, kNone, 6, 0, kByTensor, gemm_columns, refuse_gemm},
    {"Add", kMicrosoft, "QLinearAdd",                       2, 0, 6},
    {"Mul", kMicrosoft, "QLinearMul",                       2, 0, 6},
    {"Concat", kMicrosoft, "QLinearConcat",                 kAny, 2, 0},
    {"Where", kMicrosoft, "QLinearWhere",                   2, 1, 7, kNone, 1},
    {"AveragePool", kMicrosoft, "QLinearAveragePool",       1, 0, 3, kNone, 0, kByTensor, nullptr, refuse_average},
    {"GlobalAveragePool", kMicrosoft, "QLinearGlobalAveragePool", 1, 0, 3},
    {"ReduceMean", kMicrosoft, "QLinearReduceMean",         1, 0, 3, kNone, 0, kByTensor, nullptr, refuse_mean},
    {"LeakyRelu", kMicrosoft, "QLinearLeakyRelu",           1, 0, 3},
    {"Sigmoid", kMicrosoft, "QLinearSigmoid",               1, 0, 3},
    {"Softmax", kMicrosoft, "QLinearSoftmax",               1, 0, 3, kNone, 0, kByTensor, nullptr, refuse_softmax},
};
// clang-format on

constexpr std::string_view kMovers[] = {"Expand", "Flatten", "Gather", "GatherElements", "Identity", "MaxPool",   "Pad",      "Reshape",
                                        "Resize", "Slice",   "Split",  "Squeeze",        "Tile",     "Transpose", "Unsqueeze"};

}  // namespace

QOperatorForm::Place QOperatorForm::place(int operand) const {
    if (layout == Layout::KindByKind) return {first + operand, first + operands + operand, first + 2 * operands + operand};
    return {first + 3 * operand, first + 3 * operand + 1, first + 3 * operand + 2};
}

int QOperatorForm::count_in_quantized(const Node& node) const {
    return operands == kAnyNumber ? (node.input_count() - first) / 3 : operands;
}

int QOperatorForm::count_in_float(const Node& node) const { return operands == kAnyNumber ? node.input_count() - plain : operands; }

std::span<const QOperatorForm> all_qoperator_forms() { return kForms; }

const QOperatorForm* find_form_of_quantized(const Node& node) {
    for (const QOperatorForm& form : kForms)
        if (node.is(form.domain, form.quantized) && (form.is_float_result() || node.input(form.result))) return &form;
    return nullptr;
}

const QOperatorForm* find_form_of_float(const Node& node, FormResult result) {
    for (const QOperatorForm& form : kForms)
        if (node.is(form.op) && form.is_float_result() == (result == FormResult::Floats)) return &form;
    return nullptr;
}

bool moves_codes(const Node& node) {
    if (!node.domain().empty() || std::ranges::find(kMovers, node.op_type()) == std::end(kMovers)) return false;
    if (node.is("MaxPool")) return node.opset_version() >= kMaxPoolOfCodes && (!node.output(1) || node.output(1)->is_unused());
    if (node.is("Resize")) {
        const auto resize = attrs<ResizeAttrs>(node);
        return resize.mode == ResizeAttrs::Mode::Nearest && resize.coordinates != ResizeAttrs::Coordinates::TfCropAndResize;
    }
    return true;
}

}  // namespace mcompress
