// Stores the constant matrices of MatMul and Gemm as codes of 4 or 8 bits in blocks along the inputs, each block with a scale; activations stay float.
//
// Before:  y = MatMul (x, w)
// After:   y = com.microsoft.MatMulNBits <K, N, bits, block_size> (x, w_q, w_s, w_z)
//     or   w_dq = DequantizeLinear <axis = 0, block_size> (w_q, w_s, w_z)   y = MatMul (x, w_dq)
//
// Formula: w = (code - z) * s for each block of a column; how codes are found is the scheme's rounding (docs/quantization.md), or was found on samples
// before. A Gemm's constant bias of one value a column goes into MatMulNBits; any other is added behind. DequantizeLinear needs opset 21; its scales are
// positive. A weight that several nodes read is stored once.
//
// Does nothing when the weight is not a float32 constant matrix, when the first operand is transposed, a vector or not float32, when alpha or beta is not
// 1, or when the codes would take more than half of the weight's bytes; convolutions stay float.
#include "passes/quantize/quantize_weight_only.h"

#include <map>
#include <set>

#include "ops/attributes.h"
#include "passes/quantize/block_tensors.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/weight_codes.h"
#include "passes/quantize/weight_only_targets.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kBlockOpset = 21;
constexpr std::string_view kMicrosoft = "com.microsoft";

class QuantizeWeightOnly final : public Pass {
public:
    QuantizeWeightOnly(QuantizationScheme scheme, const BlockCodeTable* fitted) : scheme_(std::move(scheme)), fitted_(fitted) {
        check_scheme(scheme_);
    }
    std::string_view name() const override { return "quantize-weight-only"; }

    PassResult run(Graph& graph) override {
        if (scheme_.weight_only.block == 0)
            throw Error(codes::kUsage, "quantize-weight-only stores weights in blocks", "give a block size");
        PassResult result;
        const bool is_standard = scheme_.weight_only.form == WeightForm::DequantizeLinear;
        if (is_standard && graph.opset_version("") < kBlockOpset)
            throw Error(codes::kOpsetUnsupported, format("opset {} has no DequantizeLinear in blocks", graph.opset_version("")),
                        "raise the opset to 21 first");
        stored_.clear();
        std::set<Value*> weights;
        for (const WeightTarget& target : weight_only_targets(graph, scheme_, &result.skipped)) {
            if (is_standard) dequantize(target);
            else replace(target);
            weights.insert(target.weight);
            ++result.rewrites;
        }
        // Only now: targets that are still to come look their weights up by name.
        for (Value* weight : weights) erase_if_unused(weight);
        return result;
    }

private:
    struct Stored {
        Value* codes = nullptr;
        Value* scales = nullptr;
        Value* zero_points = nullptr;           // null: none
        std::map<const Graph*, Node*> readers;  // DequantizeLinear by graph, which is where kernels look for it
    };

    BlockCodes codes_of(const WeightTarget& target) const {
        if (fitted_)
            if (const auto found = fitted_->find(target.key()); found != fitted_->end()) return found->second;
        check_finite(*known_tensor(target.weight), target.weight->name());
        const WeightOnlyScheme& scheme = scheme_.weight_only;
        // Without samples there is nothing to make good: the grid that fits best.
        const bool searches = scheme.rounding != WeightRounding::Nearest && scheme.zero_points != ZeroPoints::None;
        return quantize_blocks(target.matrix(), target.columns(), target.inner(), BlockGrid::of(scheme),
                               searches ? WeightRounding::Hqq : WeightRounding::Nearest);
    }

    Stored& store(const WeightTarget& target) {
        const auto [entry, is_new] = stored_.try_emplace(target.key());
        Stored& stored = entry->second;
        if (!is_new) return stored;
        const BlockCodes codes = codes_of(target);
        known_tensor(target.weight)->release_pages();
        BlockTensors tensors = scheme_.weight_only.form == WeightForm::MatMulNBits ? matmul_nbits_tensors(codes)
                                                                                   : dequantize_linear_tensors(codes, target.order);
        Graph& home = target.weight->graph();
        const std::string& name = target.weight->name();
        stored.codes = home.add_constant(name + "_q", std::move(tensors.codes));
        stored.scales = home.add_constant(name + "_s", std::move(tensors.scales));
        if (tensors.zero_points.defined()) stored.zero_points = home.add_constant(name + "_z", std::move(tensors.zero_points));
        return stored;
    }

    static std::vector<Value*> without_absent_tail(std::vector<Value*> inputs) {
        while (!inputs.back()) inputs.pop_back();
        return inputs;
    }

    // ---- the standard form ----

    void dequantize(const WeightTarget& target) {
        Stored& stored = store(target);
        Node*& reader = stored.readers[&target.node->graph()];
        if (!reader) {
            const std::int64_t axis = target.order == MatrixOrder::Transposed ? 1 : 0;
            std::vector<Attribute> attributes{{"block_size", scheme_.weight_only.block, {}}};
            if (axis != 1) attributes.insert(attributes.begin(), {"axis", axis, {}});
            Graph& graph = target.node->graph();
            reader = graph.add_node({.op_type = "DequantizeLinear",
                                     .inputs = without_absent_tail({stored.codes, stored.scales, stored.zero_points}),
                                     .attributes = std::move(attributes),
                                     .outputs = {target.weight->name() + "_dq"}},
                                    target.node);
            graph.set_type(reader->output(0), target.weight->type());
        }
        target.node->graph().set_input(target.node, 1, reader->output(0));
    }

    // ---- ONNX Runtime's form ----

    /// A constant of one value a column, as a vector; null when the bias is something else.
    static Value* column_bias(Node* node, std::int64_t columns) {
        const Tensor* bias = known_tensor(node->input(2));
        if (!bias || bias->dtype() != DType::Float32 || bias->element_count() != columns) return nullptr;
        const Shape& shape = bias->shape();
        if (shape.rank() == 1) return node->input(2);
        if (shape.rank() != 2 || shape[0] != 1) return nullptr;
        return node->graph().add_constant(node->input(2)->name() + "_row", bias->reshaped(Shape{columns}));
    }

    void replace(const WeightTarget& target) {
        const Stored& stored = store(target);
        Node* const node = target.node;
        Graph& graph = node->graph();
        graph.opset_imports()->try_emplace(std::string(kMicrosoft), 1);
        Value* const bias = node->is("Gemm") ? node->input(2) : nullptr;
        Value* const in_kernel = bias ? column_bias(node, target.columns()) : nullptr;
        const std::string name = node->output(0)->name(), label = node->name();
        const auto add = [&](std::string domain, const char* op, std::vector<Value*> inputs, std::vector<Attribute> attributes,
                             const char* suffix) {
            Node* made = graph.add_node({.op_type = op,
                                         .inputs = std::move(inputs),
                                         .attributes = std::move(attributes),
                                         .domain = std::move(domain),
                                         .outputs = {name + suffix}},
                                        node);
            graph.set_type(made->output(0), node->output(0)->type());
            return made;
        };
        Node* last = add(std::string(kMicrosoft), "MatMulNBits",
                         without_absent_tail({node->input(0), stored.codes, stored.scales, stored.zero_points, nullptr, in_kernel}),
                         {{"K", target.inner(), {}},
                          {"N", target.columns(), {}},
                          {"bits", std::int64_t{scheme_.weight_only.bits}, {}},
                          {"block_size", scheme_.weight_only.block, {}}},
                         bias && !in_kernel ? "_product" : "_y");
        if (bias && !in_kernel) last = add({}, "Add", {last->output(0), bias}, {}, "_y");
        take_over(last, node);
        if (!label.empty()) graph.set_name(last, label);
    }

    QuantizationScheme scheme_;
    const BlockCodeTable* fitted_;
    std::map<std::string, Stored> stored_;  // by key of the target
};

}  // namespace

std::unique_ptr<Pass> make_quantize_weight_only(const QuantizationScheme& scheme, const BlockCodeTable* fitted) {
    return std::make_unique<QuantizeWeightOnly>(scheme, fitted);
}

}  // namespace mcompress
