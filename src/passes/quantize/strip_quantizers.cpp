// Makes a quantized graph a float one: weights become the numbers that their codes stand for, quantizer pairs go, products on dynamically quantized codes
// become products of floats (float_forms.cpp). Operators on codes have to be written out first (convert-to-qdq).
//
// Before:  w_dq = DequantizeLinear <axis = 0> (w_q, w_s)   y = Conv (x, w_dq)   y_q = QuantizeLinear (y, s, 0)   y_dq = DequantizeLinear (y_q, s, 0)
// After:   y = Conv (x, w)   y_dq = Clip (y, 0, 255 s)
//
// A quantizer behind a product or a sum whose lowest code stands for 0 may have taken the place of a Relu or a Clip: its range stays, as a Clip. Other pairs
// only lose their rounding. Weights stay on the grid they were rounded to.
//
// Does nothing where codes come from outside or go there, where a pair dequantizes with other parameters than it quantizes with, and where constants
// cannot be evaluated.
#include "passes/quantize/strip_quantizers.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "ops/attributes.h"
#include "passes/quantize/code_params.h"
#include "passes/quantize/float_forms.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/rewriter.h"
#include "support/error.h"

namespace mcompress {
namespace {

constexpr int kClipOpset = 11;

constexpr std::string_view kMayHoldActivation[] = {
    "Add", "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "InstanceNormalization", "LayerNormalization", "MatMul", "Mul", "Sub"};

constexpr std::string_view kPartsOfProducts[] = {"Cast", "ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "Mul"};

class StripQuantizers final : public Pass {
public:
    explicit StripQuantizers(Evaluator evaluator) : evaluator_(std::move(evaluator)) {}
    std::string_view name() const override { return "strip-quantizers"; }
    bool evaluates() const override { return true; }

    PassResult run(Graph& graph) override {
        if (graph.opset_version("") < kClipOpset)
            throw Error(codes::kOpsetUnsupported, format("opset {} has no Clip with bounds as inputs", graph.opset_version("")),
                        "raise the opset to 11 first");
        PassResult result;
        constants_.clear();
        clips_.clear();
        for_each_node(graph, [&](Node& node) {
            std::string reason;
            if (node.is("DequantizeLinear")) reason = strip(&node);
            else if (has_float_form(node)) reason = write_float_form(&node, evaluator_);
            else return;
            if (reason.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, reason));
        });
        if (result.rewrites > 0) for_each_graph(graph, erase_idle_quantizers);
        return result;
    }

private:
    /// Empty when the node is gone, else the reason.
    std::string strip(Node* node) {
        Value* codes = node->input(0);
        Value* number = nullptr;
        if (known_tensor(codes)) {
            number = folded(*node);
            if (!number) return "it cannot be evaluated";
        } else {
            Node* quantizer = codes ? codes->producer() : nullptr;
            if (!quantizer) return "its codes come from outside";
            if (quantizer->is("DynamicQuantizeLinear")) {
                if (node->input(1) != quantizer->output(1) || node->input(2) != quantizer->output(2)) return kOtherParams;
                number = quantizer->input(0);
            } else {
                if (!quantizer->is("QuantizeLinear"))
                    return format("its codes are computed by '{}' ({})", quantizer->display_name(), quantizer->op_type());
                if (!has_params_of(*quantizer, *node)) return kOtherParams;
                if (quantizer->input(0)->type().dtype != node->output(0)->type().dtype) return "it gives another type than was quantized";
                number = clipped(*quantizer);
            }
        }
        if (forward(node->output(0), number)) node->graph().erase(node);
        else name_output(node, number);
        return {};
    }

    /// A graph input or a constant cannot take over the name of an output.
    static void name_output(Node* node, Value* number) {
        Graph& graph = node->graph();
        for (const char* attribute : {"axis", "block_size", "output_dtype"})
            if (has_attribute(*node, attribute)) graph.erase_attribute(node, attribute);
        graph.resize_inputs(node, 1);
        graph.set_input(node, 0, number);
        graph.set_op_type(node, {}, "Identity");
    }

    static constexpr const char* kOtherParams = "it dequantizes with other parameters than its codes were quantized with";

    static bool has_params_of(const Node& quantizer, const Node& dequantizer) {
        const auto same = [](const Value* a, const Value* b) {
            if (a == b) return true;
            const Tensor *left = a ? known_tensor(a) : nullptr, *right = b ? known_tensor(b) : nullptr;
            if (!a || !b) return is_all_zero(left ? left : right);
            return left && right && left->equals(*right);
        };
        return same(quantizer.input(1), dequantizer.input(1)) && same(quantizer.input(2), dequantizer.input(2));
    }

    /// The numbers behind constant codes, stored once for all that dequantize them alike.
    Value* folded(const Node& node) {
        Value*& value = constants_[{node.input(0), node.input(1), node.input(2)}];
        if (value) return value;
        std::vector<Tensor> inputs;
        for (const Value* input : node.inputs()) {
            const Tensor* known = input ? known_tensor(input) : nullptr;
            if (input && !known) return nullptr;
            inputs.push_back(known ? *known : Tensor());
        }
        auto numbers = evaluator_ ? evaluator_(node, inputs) : std::nullopt;
        if (!numbers || numbers->size() != 1) return nullptr;
        Graph& home = node.input(0)->constant() ? node.input(0)->graph() : node.graph();
        return value = home.add_constant(without_code_suffix(node.input(0)->name()), std::move((*numbers)[0]));
    }

    /// What a quantizer quantizes, with the bounds that an activation in front of it may have had.
    Value* clipped(const Node& quantizer) {
        Value* source = quantizer.input(0);
        const Node* producer = source->producer();
        const std::optional<QuantParams> params = code_params(quantizer);
        if (!params || !producer || !producer->domain().empty() || params->zero_point != integer_range(params->dtype).min) return source;
        if (std::ranges::find(kMayHoldActivation, producer->op_type()) == std::end(kMayHoldActivation)) return source;
        Value*& clip = clips_[&quantizer];
        if (clip) return clip;
        Graph& graph = quantizer.graph();
        const QuantRange range = integer_range(params->dtype);
        const float high = static_cast<float>(range.max - range.min) * params->scale;
        const std::string base = without_code_suffix(quantizer.output(0)->name());
        Node* made = graph.add_node({.op_type = "Clip",
                                     .inputs = {source, shared_constant(graph, "zero", Tensor::scalar(0.0F)),
                                                graph.add_constant(base + "_max", Tensor::scalar(high))},
                                     .outputs = {base + "_clip"}},
                                    &quantizer);
        graph.set_type(made->output(0), source->type());
        return clip = made->output(0);
    }

    static void erase_idle_quantizers(Graph& graph) {
        erase_idle_dequantizers(graph);
        const std::vector<Node*> order = graph.order();
        for (auto at = order.rbegin(); at != order.rend(); ++at) {
            const bool is_part = std::ranges::find(kPartsOfProducts, (*at)->op_type()) != std::end(kPartsOfProducts);
            if (is_part && (*at)->domain().empty() &&
                std::ranges::all_of((*at)->outputs(), [](const Value* output) { return !output || output->is_unused(); }))
                graph.erase(*at);
        }
    }

    Evaluator evaluator_;
    std::map<std::tuple<const Value*, const Value*, const Value*>, Value*> constants_;  // by codes, scale and zero point
    std::map<const Node*, Value*> clips_;                                               // by quantizer
};

}  // namespace

std::unique_ptr<Pass> make_strip_quantizers(Evaluator evaluator) { return std::make_unique<StripQuantizers>(std::move(evaluator)); }

}  // namespace mcompress
