#include "passes/pipelines.h"

#include <array>

#include "support/error.h"

namespace mcompress {

namespace {

using Names = std::string_view;

constexpr Names kClean[] = {"eliminate-dead-nodes", "fold-input-defaults",   "fold-constants",
                            "eliminate-identity",   "deduplicate-constants", "eliminate-dead-nodes"};

constexpr Names kFuse[] = {
    "eliminate-dead-nodes", "fold-input-defaults", "fold-constants",  "eliminate-identity",    "fuse-pad",
    "fuse-matmul-add",      "fuse-conv-bn",        "fuse-conv-scale", "deduplicate-constants", "eliminate-dead-nodes"};

// What has integer weights of its own has no use for codebooks.
constexpr Names kStripCodebooks[] = {"fold-input-defaults", "strip-codebooks", "eliminate-dead-nodes"};

// Without folding: constants that are stored in one type and widened for their readers stay so.
constexpr Names kTidy[] = {"eliminate-dead-nodes", "eliminate-identity", "deduplicate-constants", "eliminate-dead-nodes"};

constexpr Names kStripInside[] = {"strip-declared-types", "strip-names"};

constexpr Names kObserve[] = {"insert-observers"};
constexpr Names kSweep[] = {"eliminate-dead-nodes"};
constexpr Names kStrip[] = {"strip-observers"};
constexpr Names kQuantize[] = {"quantize-activations", "share-params",        "convert-activations",
                               "quantize-weights",     "quantize-biases",     "eliminate-redundant-relu",
                               "order-sum-operands",   "eliminate-dead-nodes"};
// The same in two parts: between them weights are codes already and biases still floats, both open to improvement.
constexpr Names kQuantizeCodes[] = {"quantize-activations", "share-params", "convert-activations", "quantize-weights"};
constexpr Names kQuantizeFinish[] = {"quantize-biases", "eliminate-redundant-relu", "order-sum-operands", "eliminate-dead-nodes"};
// Every quantizer can be undone again: redundant activations stay.
constexpr Names kQuantizeTakeApart[] = {"quantize-biases", "order-sum-operands", "eliminate-dead-nodes"};

constexpr Names kQuantizeDynamic[] = {"quantize-dynamic", "quantize-recurrent", "quantize-attention", "quantize-embeddings",
                                      "eliminate-dead-nodes"};

// Activations stay float.
constexpr Names kQuantizeChannels[] = {"quantize-embeddings", "quantize-weights", "eliminate-dead-nodes"};
constexpr Names kQuantizeEmbeddings[] = {"quantize-embeddings", "eliminate-dead-nodes"};
constexpr Names kQuantizeBlocks[] = {"quantize-weight-only", "eliminate-dead-nodes"};
constexpr Names kDequantize[] = {"convert-to-qdq", "strip-quantizers", "eliminate-dead-nodes"};
constexpr Names kToQOperator[] = {"convert-to-qoperator", "eliminate-dead-nodes"};
constexpr Names kToQdq[] = {"convert-to-qdq", "eliminate-dead-nodes"};

constexpr Names kCompact[] = {"compact", "eliminate-dead-nodes"};

constexpr auto kPipelines = std::to_array<Pipeline>({
    {"clean", kClean, Pipeline::Repetition::ToFixedPoint},
    {"fuse", kFuse, Pipeline::Repetition::ToFixedPoint},
    {"strip-codebooks", kStripCodebooks, Pipeline::Repetition::Once},
    {"tidy", kTidy, Pipeline::Repetition::Once},
    {"strip-inside", kStripInside, Pipeline::Repetition::Once},
    {"sweep", kSweep, Pipeline::Repetition::Once},
    {"observe", kObserve, Pipeline::Repetition::Once},
    {"strip", kStrip, Pipeline::Repetition::Once},
    {"quantize", kQuantize, Pipeline::Repetition::Once},
    {"quantize-codes", kQuantizeCodes, Pipeline::Repetition::Once},
    {"quantize-finish", kQuantizeFinish, Pipeline::Repetition::Once},
    {"quantize-take-apart", kQuantizeTakeApart, Pipeline::Repetition::Once},
    {"quantize-dynamic", kQuantizeDynamic, Pipeline::Repetition::Once},
    {"quantize-channels", kQuantizeChannels, Pipeline::Repetition::Once},
    {"quantize-embeddings", kQuantizeEmbeddings, Pipeline::Repetition::Once},
    {"quantize-blocks", kQuantizeBlocks, Pipeline::Repetition::Once},
    {"dequantize", kDequantize, Pipeline::Repetition::Once},
    {"compact", kCompact, Pipeline::Repetition::ToFixedPoint},
    {"qoperator", kToQOperator, Pipeline::Repetition::Once},
    {"qdq", kToQdq, Pipeline::Repetition::Once},
});

}  // namespace

std::span<const Pipeline> all_pipelines() { return kPipelines; }

std::vector<PassRun> run_pipeline(std::string_view name, Graph& graph, const PassInputs& inputs, const PassManagerOptions& options) {
    for (const Pipeline& pipeline : kPipelines) {
        if (pipeline.name != name) continue;
        PassManager manager(options);
        for (const std::string_view pass : pipeline.passes) manager.add(find_pass(pass).make(inputs));
        return pipeline.repetition == Pipeline::Repetition::Once ? manager.run_once(graph) : manager.run_to_fixed_point(graph);
    }
    fail(codes::kUsage, "there is no pipeline '{}'", name);
}

}  // namespace mcompress
