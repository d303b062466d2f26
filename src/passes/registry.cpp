#include "passes/registry.h"

#include <array>

#include "passes/clean/deduplicate_constants.h"
#include "passes/clean/eliminate_dead_nodes.h"
#include "passes/clean/eliminate_identity.h"
#include "passes/clean/fold_constants.h"
#include "passes/clean/fold_input_defaults.h"
#include "passes/clean/strip_declared_types.h"
#include "passes/clean/strip_names.h"
#include "passes/compress/cluster_weights.h"
#include "passes/compress/compact.h"
#include "passes/compress/convert_float.h"
#include "passes/compress/strip_codebooks.h"
#include "passes/fuse/fuse_conv_bn.h"
#include "passes/fuse/fuse_conv_scale.h"
#include "passes/fuse/fuse_matmul_add.h"
#include "passes/fuse/fuse_pad.h"
#include "passes/quantize/convert_activations.h"
#include "passes/quantize/convert_to_qdq.h"
#include "passes/quantize/convert_to_qoperator.h"
#include "passes/quantize/eliminate_redundant_relu.h"
#include "passes/quantize/insert_observers.h"
#include "passes/quantize/insert_saturation.h"
#include "passes/quantize/order_sum_operands.h"
#include "passes/quantize/quantize_activations.h"
#include "passes/quantize/quantize_attention.h"
#include "passes/quantize/quantize_biases.h"
#include "passes/quantize/quantize_dynamic.h"
#include "passes/quantize/quantize_embeddings.h"
#include "passes/quantize/quantize_recurrent.h"
#include "passes/quantize/quantize_weight_only.h"
#include "passes/quantize/quantize_weights.h"
#include "passes/quantize/share_params.h"
#include "passes/quantize/strip_observers.h"
#include "passes/quantize/strip_quantizers.h"
#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

using enum PassFamily;

// clang-format off
constexpr auto kPasses = std::to_array<PassRow>({
    {"eliminate-dead-nodes", Clean, "Removes nodes and constants that no output needs.",
     [](const PassInputs&) { return make_eliminate_dead_nodes(); }},
    {"eliminate-identity", Clean, "Removes nodes that give back their input unchanged.",
     [](const PassInputs&) { return make_eliminate_identity(); }},
    {"fold-input-defaults", Clean, "Makes constants of weights that the model also lists as inputs.",
     [](const PassInputs&) { return make_fold_input_defaults(); }},
    {"fold-constants", Clean, "Computes what depends on constants and known shapes alone.",
     [](const PassInputs& inputs) { return make_fold_constants(inputs.evaluator, inputs.widening); }},
    {"deduplicate-constants", Clean, "Keeps one of several equal constants.",
     [](const PassInputs&) { return make_deduplicate_constants(); }},
    {"strip-names", Clean, "Takes the names of operators away and gives short ones to the values inside.",
     [](const PassInputs&) { return make_strip_names(); }},
    {"strip-declared-types", Clean, "Takes declared types of values inside away that inference finds again.",
     [](const PassInputs&) { return make_strip_declared_types(); }},
    {"fuse-conv-bn", Fuse, "Folds BatchNormalization into the Conv, ConvTranspose or Gemm before it.",
     [](const PassInputs&) { return make_fuse_conv_bn(); }},
    {"fuse-conv-scale", Fuse, "Folds Mul, Div, Add and Sub by constants into the Conv, ConvTranspose or Gemm before them.",
     [](const PassInputs&) { return make_fuse_conv_scale(); }},
    {"fuse-matmul-add", Fuse, "Turns MatMul and Add of a bias into one Gemm.",
     [](const PassInputs&) { return make_fuse_matmul_add(); }},
    {"fuse-pad", Fuse, "Moves Pad into the pads of the Conv or pooling behind it.",
     [](const PassInputs&) { return make_fuse_pad(); }},
    {"insert-observers", Quantize, "Marks the values that calibration has to look at.",
     [](const PassInputs& inputs) { return make_insert_observers(inputs.scheme); }},
    {"strip-observers", Quantize, "Takes the observers out again.",
     [](const PassInputs&) { return make_strip_observers(); }},
    {"convert-activations", Quantize, "Gives activations of another type the type of the unit that reads them.",
     [](const PassInputs& inputs) { return make_convert_activations(inputs.scheme); }},
    {"quantize-activations", Quantize, "Puts a quantizer on every observed value, from its calibrated range.",
     [](const PassInputs& inputs) { return make_quantize_activations(inputs.scheme, inputs.calibration); }},
    {"share-params", Quantize, "Carries parameters through operators that only move values; one set for the inputs of a Concat.",
     [](const PassInputs& inputs) { return make_share_params(inputs.scheme); }},
    {"quantize-weights", Quantize, "Stores constant weights as int8, one scale an output channel.",
     [](const PassInputs& inputs) { return make_quantize_weights(inputs.scheme); }},
    {"quantize-biases", Quantize, "Stores biases as int32 at the scale of the accumulator.",
     [](const PassInputs& inputs) { return make_quantize_biases(inputs.scheme); }},
    {"quantize-dynamic", Quantize, "Computes matrix products on 8-bit codes whose ranges are found while the model runs.",
     [](const PassInputs& inputs) { return make_quantize_dynamic(inputs.scheme); }},
    {"quantize-embeddings", Quantize, "Stores the tables that Gather reads rows of as int8, one scale a row.",
     [](const PassInputs& inputs) { return make_quantize_embeddings(inputs.scheme); }},
    {"quantize-weight-only", Quantize, "Stores constant matrices as codes of 4 or 8 bits in blocks; activations stay float.",
     [](const PassInputs& inputs) { return make_quantize_weight_only(inputs.scheme, inputs.weight_codes); }},
    {"quantize-recurrent", Quantize, "Computes the products of an LSTM on 8-bit codes, its inputs and states quantized while the model runs.",
     [](const PassInputs& inputs) { return make_quantize_recurrent(inputs.scheme); }},
    {"quantize-attention", Quantize, "Computes the projections of com.microsoft's Attention on 8-bit codes.",
     [](const PassInputs& inputs) { return make_quantize_attention(inputs.scheme); }},
    {"insert-saturation", Quantize, "Makes a quantized graph compute what kernels with 16-bit sums of products would.",
     [](const PassInputs&) { return make_insert_saturation(); }},
    {"eliminate-redundant-relu", Quantize, "Removes a Relu or Clip that the quantizer behind it does anyway.",
     [](const PassInputs&) { return make_eliminate_redundant_relu(); }},
    {"order-sum-operands", Quantize, "Makes the layer of a quantized residual sum its second operand.",
     [](const PassInputs&) { return make_order_sum_operands(); }},
    {"strip-quantizers", Quantize, "Makes a quantized graph a float one.",
     [](const PassInputs& inputs) { return make_strip_quantizers(inputs.evaluator); }},
    {"convert-to-qoperator", Quantize, "Writes groups of dequantizers, operator and quantizer as one operator on codes.",
     [](const PassInputs&) { return make_convert_to_qoperator(); }},
    {"convert-to-qdq", Quantize, "Writes operators on codes as float operators between dequantizers and quantizers.",
     [](const PassInputs&) { return make_convert_to_qdq(); }},
    {"convert-float", Compress, "Makes operators compute in float16 or bfloat16, or in float32 again.",
     [](const PassInputs& inputs) { return make_convert_float(inputs.float_conversion, inputs.calibration); }},
    {"compact", Compress, "Removes channels, heads and hidden units that provably add nothing.",
     [](const PassInputs& inputs) { return make_compact(inputs.evaluator); }},
    {"cluster-weights", Compress, "Stores weights as codes of a codebook of a few levels, one codebook a tensor.",
     [](const PassInputs&) { return make_cluster_weights(); }},
    {"strip-codebooks", Compress, "Writes weights that are codes of a codebook as the numbers they stand for.",
     [](const PassInputs&) { return make_strip_codebooks(); }},
});
// clang-format on

}  // namespace

std::span<const PassRow> all_passes() { return kPasses; }

const PassRow& find_pass(std::string_view name) {
    std::vector<std::string> names;
    for (const PassRow& row : kPasses) {
        if (row.name == name) return row;
        names.emplace_back(row.name);
    }
    const std::string nearest = nearest_word(name, names);
    throw Error(codes::kUsage, format("there is no pass '{}'", name),
                nearest.empty() ? "mcompress passes lists them" : format("did you mean '{}'?", nearest));
}

std::string_view family_name(PassFamily family) {
    switch (family) {
        case Clean: return "clean";
        case Fuse: return "fuse";
        case Quantize: return "quantize";
        case Compress: return "compress";
    }
    return "";
}

}  // namespace mcompress
