#include "onnx/opset_changes.h"

#include "onnx/opset_adapters.h"

namespace mcompress {

namespace {

// clang-format off
constexpr OpsetChange kChanges[] = {
    // 7: operators of two inputs broadcast like NumPy; what only training uses goes
    {"Add", 7, refuse_broadcast_axis, drop_broadcast},
    {"Sub", 7, refuse_broadcast_axis, drop_broadcast},
    {"Mul", 7, refuse_broadcast_axis, drop_broadcast},
    {"Div", 7, refuse_broadcast_axis, drop_broadcast},
    {"And", 7, refuse_broadcast_axis, drop_broadcast},
    {"Or", 7, refuse_broadcast_axis, drop_broadcast},
    {"Xor", 7, refuse_broadcast_axis, drop_broadcast},
    {"Pow", 7, refuse_broadcast_axis, drop_broadcast},
    {"Equal", 7, refuse_broadcast_axis, drop_broadcast},
    {"Greater", 7, refuse_broadcast_axis, drop_broadcast},
    {"Less", 7, refuse_broadcast_axis, drop_broadcast},
    {"Gemm", 7, nullptr, drop_broadcast},
    {"BatchNormalization", 7, refuse_training, drop_is_test},
    {"Dropout", 7, refuse_training, drop_is_test},
    {"BatchNormalization", 9, refuse_not_spatial, drop_spatial},
    {"Upsample", 9, nullptr, move_upsample_scales},
    {"Dropout", 10, refuse_used_mask, drop_unused_mask},
    {"Slice", 10, nullptr, move_slice_ranges},
    {"TopK", 10, nullptr, move_topk_count},
    {"Upsample", 10, nullptr, nullptr, "Resize"},
    // experimental operators went
    {"Affine", 10, refuse_scale_of_unknown_type, write_out_affine, "Add"},
    {"Crop", 10, refuse_unclear_crop, write_out_crop, "Slice"},
    {"ImageScaler", 10, refuse_scale_of_unknown_type, write_out_image_scaler, "Add"},
    {"Clip", 11, refuse_clip_of_unknown_type, move_clip_bounds},
    {"Pad", 11, refuse_pad_of_unknown_type, move_pads},
    {"Resize", 11, refuse_resize_of_unclear_rounding, spell_out_resize},
    {"Scatter", 11, nullptr, nullptr, "ScatterElements"},
    {"Dropout", 12, nullptr, move_dropout_ratio},
    {"Softmax", 13, nullptr, adapt_softmax},
    {"LogSoftmax", 13, nullptr, adapt_softmax},
    {"Hardmax", 13, nullptr, adapt_softmax},
    {"Squeeze", 13, nullptr, move_axes},
    {"Unsqueeze", 13, nullptr, move_axes},
    {"ReduceSum", 13, nullptr, move_axes},
    {"Split", 13, nullptr, move_split_sizes},
    {"Resize", 13, refuse_tf_half_pixel, nullptr},
    {"BatchNormalization", 14, refuse_used_statistics, drop_statistics},
    {"RoiAlign", 16, nullptr, spell_out_roi_align},
    {"Split", 18, nullptr, add_num_outputs},
    {"ReduceL1", 18, nullptr, move_axes},
    {"ReduceL2", 18, nullptr, move_axes},
    {"ReduceLogSum", 18, nullptr, move_axes},
    {"ReduceLogSumExp", 18, nullptr, move_axes},
    {"ReduceMax", 18, nullptr, move_axes},
    {"ReduceMean", 18, nullptr, move_axes},
    {"ReduceMin", 18, nullptr, move_axes},
    {"ReduceProd", 18, nullptr, move_axes},
    {"ReduceSumSquare", 18, nullptr, move_axes},
    {"GridSample", 20, nullptr, rename_grid_sample_modes},
};

// Not here, so refused: PRelu, Upsample, recurrent cells at 7; Scan at 9 (it lost its batch axis); OneHot at 11 (negative indices count from
// the end); DFT at 20; GroupNormalization at 21 (scale and bias are per channel).
constexpr CompatibleChanges kCompatible[] = {
    {7, " AveragePool "},
    {8, " Max MaxPool Mean Min Sum "},
    {9, " Cast Constant Flatten Gemm Greater Less MatMul PRelu "},
    {10, " AveragePool MaxPool "},
    {11, " ArgMax ArgMin AveragePool Compress Concat Constant Conv ConvTranspose DepthToSpace Equal Flatten Gather Gemm Hardmax If LogSoftmax Loop LpPool"
         " MaxPool MaxUnpool NonMaxSuppression ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"
         " ReduceSumSquare Scan Slice Softmax Split Squeeze TopK Unsqueeze "},
    {12, " ArgMax ArgMin Clip Constant GatherND Max MaxPool Min Pow ReduceMax ReduceMin "},
    {13, " Abs Add ArgMax ArgMin Cast Ceil Clip Concat Constant DepthToSpace DequantizeLinear Div Dropout Equal Erf Exp Expand Flatten Floor Gather"
         " GatherElements GatherND Gemm Greater Identity If IsNaN LRN Less Log Loop MatMul Max Mean MeanVarianceNormalization Min Mod Mul Neg"
         " NegativeLogLikelihoodLoss NonZero Pad Pow QuantizeLinear Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean"
         " ReduceMin ReduceProd ReduceSumSquare Relu Reshape ScatterElements ScatterND Shape Sigmoid Sign Size Slice SoftmaxCrossEntropyLoss"
         " SpaceToDepth Sqrt Sub Sum Tanh Tile Transpose "},
    {14, " Add CumSum Div GRU Identity LSTM Mul RNN Relu Reshape Sub "},
    {15, " BatchNormalization Pow Shape "},
    {16, " GreaterOrEqual Identity If LeakyRelu LessOrEqual Loop PRelu Scan ScatterElements ScatterND Where "},
    {18, " LpPool OptionalGetElement OptionalHasElement Pad Resize ScatterElements ScatterND "},
    {19, " AveragePool Cast CastLike Constant DequantizeLinear Equal Identity If Loop Pad QuantizeLinear Reshape Resize Scan Shape Size "},
    {20, " ConstantOfShape IsInf IsNaN ReduceMax ReduceMin "},
    {21, " Cast CastLike Constant ConstantOfShape DequantizeLinear Flatten Identity If Loop Pad QLinearMatMul QuantizeLinear Reshape Scan Shape Size"
         " Squeeze Transpose Unsqueeze "},
};
// clang-format on

struct IrVersionRow {
    int opset;
    int ir_version;
};
constexpr IrVersionRow kIrVersions[] = {{21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}, {9, 4}, {1, 3}};

}  // namespace

const ValueType& KnownTypes::of(const Value* value) const {
    if (!inferred_) return value->type();
    const ValueType& inferred = inferred_->type(value);
    return inferred.kind == ValueType::Kind::Unknown || (!inferred.has_rank() && value->type().has_rank()) ? value->type() : inferred;
}

std::span<const OpsetChange> opset_changes() { return kChanges; }
std::span<const CompatibleChanges> compatible_changes() { return kCompatible; }

int ir_version_of_opset(int opset) {
    for (const IrVersionRow& row : kIrVersions)
        if (opset >= row.opset) return row.ir_version;
    return 3;
}

}  // namespace mcompress
