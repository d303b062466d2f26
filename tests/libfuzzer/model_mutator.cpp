#include "libfuzzer/model_mutator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "fuzz/mutator.h"
#include "ops/op_info.h"

namespace mcompress::fuzzing {

namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::NodeProto;
using onnx::TensorProto;
using testing::Random;

constexpr const char* kAttributes[] = {"alpha",
                                       "auto_pad",
                                       "axes",
                                       "axis",
                                       "batch_dims",
                                       "beta",
                                       "bias",
                                       "bits",
                                       "block_size",
                                       "blocksize",
                                       "body",
                                       "ceil_mode",
                                       "dilations",
                                       "direction",
                                       "dtype",
                                       "else_branch",
                                       "epsilon",
                                       "equation",
                                       "exclusive",
                                       "group",
                                       "hidden_size",
                                       "keepdims",
                                       "kernel_shape",
                                       "largest",
                                       "max",
                                       "min",
                                       "mode",
                                       "noop_with_empty_axes",
                                       "num_groups",
                                       "num_heads",
                                       "num_outputs",
                                       "offset",
                                       "output_padding",
                                       "output_shape",
                                       "p",
                                       "pads",
                                       "perm",
                                       "reverse",
                                       "saturate",
                                       "scale",
                                       "select_index",
                                       "shape",
                                       "size",
                                       "sorted",
                                       "split",
                                       "start",
                                       "starts",
                                       "ends",
                                       "stash_type",
                                       "storage_order",
                                       "strides",
                                       "then_branch",
                                       "to",
                                       "transA",
                                       "transB",
                                       "unidirectional",
                                       "value",
                                       "value_float",
                                       "value_floats",
                                       "value_int",
                                       "value_ints",
                                       "value_string",
                                       "K",
                                       "N"};
constexpr const char* kTexts[] = {
    "",      "SAME_UPPER", "SAME_LOWER", "VALID",      "NOTSET",        "constant", "edge", "reflect",   "wrap",         "linear",
    "cubic", "nearest",    "forward",    "reverse",    "bidirectional", "add",      "mul",  "ij,jk->ik", "...ij->...ji", "DCR",
    "CRD",   "tanh",       "none",       "half_pixel", "asymmetric",    "floor",    "ceil"};

/// What the small mutations draw names from. Nothing in it depends on the machine, so that a seed means the same everywhere.
const testing::Vocabulary& vocabulary() {
    static const testing::Vocabulary words = [] {
        testing::Vocabulary made;
        for (const OpInfo& row : all_ops()) {
            made.operators.emplace_back(row.type);
            made.domains.emplace_back(row.domain);
        }
        made.attributes.assign(std::begin(kAttributes), std::end(kAttributes));
        made.texts.assign(std::begin(kTexts), std::end(kTexts));
        made.finish();
        return made;
    }();
    return words;
}

class LargeMutator {
public:
    LargeMutator(ModelProto& model, std::uint64_t seed) : model_(model), graph_(*model.mutable_graph()), random_(seed) {}

    void run() {
        using Action = void (LargeMutator::*)();
        static constexpr Action kActions[] = {
            &LargeMutator::quantize_edge,    &LargeMutator::quantize_edge,       &LargeMutator::change_quantizer,
            &LargeMutator::change_quantizer, &LargeMutator::wrap_in_if,          &LargeMutator::move_to_function,
            &LargeMutator::move_to_function, &LargeMutator::repeat_node,         &LargeMutator::append_node,
            &LargeMutator::append_node,      &LargeMutator::append_node,         &LargeMutator::change_type,
            &LargeMutator::share_weight,     &LargeMutator::repeat_initializer,  &LargeMutator::give_default,
            &LargeMutator::expose_value,     &LargeMutator::change_surroundings, &LargeMutator::make_sparse,
            &LargeMutator::change_bytes,     &LargeMutator::scale_weight,
        };
        (this->*kActions[below(std::size(kActions))])();
    }

private:
    int below(std::size_t bound) { return static_cast<int>(random_.next() % bound); }
    bool chance(int percent) { return random_.chance(percent); }
    template <typename List> auto* pick(List* list) {
        return list->empty() ? nullptr : list->Mutable(below(static_cast<std::size_t>(list->size())));
    }
    std::string fresh(const char* kind) { return kind + std::to_string(random_.next() % 100000); }
    std::string pick_value() {
        std::vector<std::string> names;
        for (const auto& input : graph_.input()) names.push_back(input.name());
        for (const auto& tensor : graph_.initializer()) names.push_back(tensor.name());
        for (const auto& node : graph_.node())
            for (const auto& output : node.output())
                if (!output.empty()) names.push_back(output);
        return names.empty() ? "" : names[static_cast<std::size_t>(below(names.size()))];
    }
    void add_scalar(const std::string& name, std::int32_t type, double value) {
        TensorProto& tensor = *graph_.add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(type);
        if (type == TensorProto::FLOAT) tensor.add_float_data(static_cast<float>(value));
        else tensor.add_int32_data(static_cast<std::int32_t>(value));
    }
    static void set_integer(NodeProto& node, const char* name, std::int64_t value) {
        AttributeProto& attribute = *node.add_attribute();
        attribute.set_name(name);
        attribute.set_type(AttributeProto::INT);
        attribute.set_i(value);
    }

    /// Reads of a value go through QuantizeLinear and DequantizeLinear.
    void quantize_edge() {
        const int at = graph_.node().empty() ? -1 : below(static_cast<std::size_t>(graph_.node_size()));
        if (at < 0 || graph_.node(at).input().empty()) return;
        const int slot = below(static_cast<std::size_t>(graph_.node(at).input_size()));
        const std::string read = graph_.node(at).input(slot);
        const std::string scale = fresh("scale"), zero = fresh("zero"), codes = fresh("codes"), back = fresh("back");
        static constexpr double kScales[] = {0.5, 0.0078125, 1.0, 0.0, -1.0, 1e-30, 1e30};
        const auto type = static_cast<std::int32_t>(chance(50) ? TensorProto::UINT8 : chance(80) ? TensorProto::INT8 : TensorProto::UINT16);
        add_scalar(scale, TensorProto::FLOAT, kScales[chance(80) ? below(3) : below(std::size(kScales))]);
        add_scalar(zero, chance(95) ? type : static_cast<std::int32_t>(TensorProto::INT8), below(5) == 0 ? 300 : below(128));
        graph_.mutable_node(at)->set_input(slot, back);
        NodeProto quantize, dequantize;
        quantize.set_op_type("QuantizeLinear");
        dequantize.set_op_type("DequantizeLinear");
        for (const std::string& each : {read, scale, zero}) quantize.add_input(each);
        quantize.add_output(codes);
        for (const std::string& each : {codes, scale, zero}) dequantize.add_input(each);
        dequantize.add_output(back);
        if (chance(15)) set_integer(quantize, "axis", below(4) - 1), set_integer(dequantize, "axis", below(4) - 1);
        *graph_.add_node() = quantize;
        *graph_.add_node() = dequantize;
        if (chance(80)) sort_into_order();
    }

    /// Nodes behind those that they read, as far as names say so.
    void sort_into_order() {
        std::vector<NodeProto> left(graph_.node().begin(), graph_.node().end()), done;
        if (left.size() > 200) return;
        const auto defines = [](const NodeProto& node, const std::string& name) {
            return std::find(node.output().begin(), node.output().end(), name) != node.output().end();
        };
        while (!left.empty()) {
            const auto ready = std::find_if(left.begin(), left.end(), [&](const NodeProto& node) {
                return std::none_of(node.input().begin(), node.input().end(), [&](const std::string& name) {
                    return !name.empty() && std::any_of(left.begin(), left.end(),
                                                        [&](const NodeProto& other) { return &other != &node && defines(other, name); });
                });
            });
            const auto next = ready == left.end() ? left.begin() : ready;
            done.push_back(*next);
            left.erase(next);
        }
        graph_.clear_node();
        for (NodeProto& node : done) *graph_.add_node() = std::move(node);
    }

    void change_quantizer() {
        std::vector<std::string> parameters;
        for (const NodeProto& node : graph_.node())
            if (node.op_type().find("uantize") != std::string::npos || node.op_type().starts_with("QLinear") ||
                node.op_type().find("Integer") != std::string::npos)
                for (int at = 1; at < node.input_size(); ++at) parameters.push_back(node.input(at));
        if (parameters.empty()) return quantize_edge();
        const std::string& name = parameters[static_cast<std::size_t>(below(parameters.size()))];
        for (TensorProto& tensor : *graph_.mutable_initializer()) {
            if (tensor.name() != name) continue;
            static constexpr float kScales[] = {0.0F, 0.25F, -0.5F, 1e-38F, 1e-45F, 3e38F, INFINITY, NAN, 1.0F};
            if (chance(15)) tensor.add_dims(below(4));
            else if (!tensor.float_data().empty()) tensor.set_float_data(0, kScales[below(std::size(kScales))]);
            else if (!tensor.int32_data().empty()) tensor.set_int32_data(0, below(2) ? 255 - below(400) : below(10));
            else if (!tensor.raw_data().empty())
                (*tensor.mutable_raw_data())[static_cast<std::size_t>(below(tensor.raw_data().size()))] = static_cast<char>(random_.next());
            return;
        }
    }

    /// A node becomes the body of both branches; what it reads is captured.
    void wrap_in_if() {
        NodeProto* node = pick(graph_.mutable_node());
        if (!node || node->output().empty() || node->output_size() > 4) return;
        const std::string condition = fresh("condition");
        NodeProto chosen;
        chosen.set_op_type("If");
        chosen.add_input(condition);
        for (const std::string& output : node->output()) chosen.add_output(output);
        for (const char* name : {"then_branch", "else_branch"}) {
            AttributeProto& attribute = *chosen.add_attribute();
            attribute.set_name(name);
            attribute.set_type(AttributeProto::GRAPH);
            GraphProto& body = *attribute.mutable_g();
            body.set_name(name);
            NodeProto& inner = *body.add_node() = *node;
            for (int at = 0; at < inner.output_size(); ++at) {
                if (inner.output(at).empty()) continue;
                inner.set_output(at, inner.output(at) + "_" + name[0]);
                body.add_output()->set_name(inner.output(at));
            }
        }
        *node = chosen;
        TensorProto& tensor = *graph_.add_initializer();
        tensor.set_name(condition);
        tensor.set_data_type(TensorProto::BOOL);
        if (chance(85)) tensor.add_int32_data(below(2));
        else tensor.set_raw_data(std::string(1, static_cast<char>(random_.next())));
    }

    /// A node becomes the call of a function of its own.
    void move_to_function() {
        NodeProto* node = pick(graph_.mutable_node());
        if (!node || model_.functions_size() > 6) return;
        if (!model_.functions().empty() && chance(40)) {  // a call of one that is there, also from itself
            const FunctionProto& known = model_.functions(below(static_cast<std::size_t>(model_.functions_size())));
            NodeProto* caller = chance(20) ? pick(model_.mutable_functions(0)->mutable_node()) : node;
            if (caller) caller->set_op_type(known.name()), caller->set_domain(known.domain());
            return;
        }
        FunctionProto& function = *model_.add_functions();
        function.set_name(fresh("Function"));
        function.set_domain("local");
        auto& import = *function.add_opset_import();
        import.set_version(model_.opset_import().empty() ? 13 : model_.opset_import(0).version());
        auto& itself = *function.add_opset_import();
        itself.set_domain("local");
        itself.set_version(1);
        NodeProto& inner = *function.add_node() = *node;
        for (int at = 0; at < inner.input_size(); ++at) {
            const std::string name = inner.input(at).empty() ? "" : "in" + std::to_string(at);
            function.add_input("in" + std::to_string(at));
            inner.set_input(at, name);
        }
        for (int at = 0; at < inner.output_size(); ++at) {
            function.add_output("out" + std::to_string(at));
            inner.set_output(at, "out" + std::to_string(at));
        }
        if (!inner.attribute().empty() && chance(40)) {
            AttributeProto& attribute = *inner.mutable_attribute(0);
            const AttributeProto whole = attribute;
            function.add_attribute(whole.name());
            attribute.Clear();
            attribute.set_name(whole.name());
            attribute.set_type(whole.type());
            attribute.set_ref_attr_name(whole.name());
            while (node->attribute_size() > 1) node->mutable_attribute()->RemoveLast();
        } else {
            node->clear_attribute();
        }
        node->set_op_type(function.name());
        node->set_domain("local");
        const auto has_import = std::any_of(model_.opset_import().begin(), model_.opset_import().end(),
                                            [](const auto& each) { return each.domain() == "local"; });
        if (!has_import) {
            auto& local = *model_.add_opset_import();
            local.set_domain("local");
            local.set_version(1);
        }
    }

    void repeat_node() {
        NodeProto* node = pick(graph_.mutable_node());
        if (!node || graph_.node_size() > 100) return;
        NodeProto copy = *node;
        for (std::string& output : *copy.mutable_output()) output = fresh("copy");
        *graph_.add_node() = copy;
        if (!copy.output().empty() && chance(60)) graph_.add_output()->set_name(copy.output(0));
    }

    /// An operator that takes any tensor reads a value; the graph gives what it makes.
    void append_node() {
        static constexpr const char* kUnary[] = {
            "Identity", "Relu", "Neg",  "Shape",   "Sigmoid", "Transpose", "Flatten",   "Softmax",           "Exp",
            "Abs",      "Cast", "Size", "Dropout", "Squeeze", "Not",       "ReduceSum", "GlobalAveragePool", "LayerNormalization"};
        static constexpr const char* kBinary[] = {"Add",  "Mul",  "Sub",    "Div",     "MatMul", "Concat",
                                                  "Gemm", "Conv", "Gather", "Reshape", "Equal",  "Where"};
        if (graph_.node_size() > 100) return;
        const bool is_binary = chance(50);
        NodeProto& node = *graph_.add_node();
        node.set_op_type(is_binary ? kBinary[below(std::size(kBinary))] : kUnary[below(std::size(kUnary))]);
        const std::string first = graph_.output().empty() || chance(40) ? pick_value() : graph_.output(0).name();
        node.add_input(first);
        if (is_binary) node.add_input(chance(20) ? first : pick_value());
        node.add_output(fresh("made"));
        if (node.op_type() == "Cast") set_integer(node, "to", 1 + below(16));
        if (node.op_type() == "Concat") set_integer(node, "axis", below(3) - 1);
        graph_.add_output()->set_name(node.output(0));
    }

    /// One element type takes the place of another everywhere.
    void change_type() {
        const std::int32_t from = chance(70) ? TensorProto::FLOAT : 1 + below(16), to = 1 + below(16);
        for (auto* list : {graph_.mutable_input(), graph_.mutable_output(), graph_.mutable_value_info()})
            for (auto& value : *list)
                if (value.type().tensor_type().elem_type() == from) value.mutable_type()->mutable_tensor_type()->set_elem_type(to);
        for (TensorProto& tensor : *graph_.mutable_initializer()) {
            if (tensor.data_type() != from || !tensor.raw_data().empty()) continue;
            const auto values = tensor.float_data();
            if (from != TensorProto::FLOAT || values.empty()) continue;
            tensor.clear_float_data();
            tensor.set_data_type(to);
            for (const float value : values) {
                if (to == TensorProto::DOUBLE) tensor.add_double_data(static_cast<double>(value));
                else if (to == TensorProto::INT64) tensor.add_int64_data(value > -100.0F && value < 100.0F ? static_cast<int>(value) : 0);
                else if (to == TensorProto::FLOAT) tensor.add_float_data(value);
                else tensor.add_int32_data(value > -100.0F && value < 100.0F ? static_cast<int>(value) & 0x7F : 1);
            }
        }
    }

    void share_weight() {
        NodeProto* node = pick(graph_.mutable_node());
        if (!node || node->input_size() < 2 || graph_.initializer().empty()) return;
        node->set_input(1 + below(static_cast<std::size_t>(node->input_size() - 1)), pick(graph_.mutable_initializer())->name());
    }

    void repeat_initializer() {
        if (graph_.initializer().empty() || graph_.initializer_size() > 100) return;
        TensorProto copy = *pick(graph_.mutable_initializer());
        if (chance(70)) copy.set_name(fresh("weight"));
        *graph_.add_initializer() = copy;
        if (NodeProto* node = pick(graph_.mutable_node()); node && !node->input().empty() && chance(60))
            *pick(node->mutable_input()) = copy.name();
    }

    /// A constant is an input too: one with a default.
    void give_default() {
        const TensorProto* tensor = pick(graph_.mutable_initializer());
        if (!tensor) return;
        auto& input = *graph_.add_input();
        input.set_name(tensor->name());
        auto& type = *input.mutable_type()->mutable_tensor_type();
        type.set_elem_type(tensor->data_type());
        for (const auto dim : tensor->dims()) type.mutable_shape()->add_dim()->set_dim_value(dim);
    }

    void expose_value() {
        if (graph_.output_size() < 20) graph_.add_output()->set_name(pick_value());
    }

    void change_surroundings() {
        switch (below(5)) {
            case 0: model_.set_doc_string(fresh("text")); break;
            case 1: {
                auto& entry = *model_.add_metadata_props();
                entry.set_key(chance(50) ? "key" : fresh("key"));
                entry.set_value("value\n");
                break;
            }
            case 2: model_.set_producer_name(std::string("a\0b", 3)); break;
            case 3: graph_.set_name(chance(50) ? "" : fresh("graph")); break;
            default: {
                auto& annotation = *graph_.add_quantization_annotation();
                annotation.set_tensor_name(pick_value());
            }
        }
    }

    void make_sparse() {
        const TensorProto* tensor = pick(graph_.mutable_initializer());
        if (!tensor || tensor->data_type() != TensorProto::FLOAT) return;
        onnx::SparseTensorProto& sparse = *graph_.add_sparse_initializer();
        *sparse.mutable_values() = *tensor;
        const int count = std::max(tensor->float_data_size(), static_cast<int>(tensor->raw_data().size() / sizeof(float)));
        sparse.mutable_values()->clear_dims();
        sparse.mutable_values()->add_dims(count);
        sparse.mutable_indices()->set_data_type(TensorProto::INT64);
        sparse.mutable_indices()->add_dims(count);
        for (int at = 0; at < count; ++at) sparse.mutable_indices()->add_int64_data(chance(95) ? at : chance(50) ? count : below(1000));
        sparse.add_dims(chance(80) ? count : below(5000));
        if (chance(60)) {
            const std::string name = tensor->name();
            for (int at = 0; at < graph_.initializer_size(); ++at)
                if (graph_.initializer(at).name() == name) return graph_.mutable_initializer()->DeleteSubrange(at, 1);
        }
    }

    void change_bytes() {
        TensorProto* tensor = pick(graph_.mutable_initializer());
        if (!tensor) return;
        if (tensor->raw_data().empty()) {
            tensor->set_raw_data(std::string(static_cast<std::size_t>(below(20)), static_cast<char>(random_.next())));
            if (chance(70)) tensor->clear_float_data(), tensor->clear_int32_data(), tensor->clear_int64_data();
        } else if (chance(30)) {
            tensor->mutable_raw_data()->resize(static_cast<std::size_t>(below(tensor->raw_data().size() + 4)));
        } else {
            (*tensor->mutable_raw_data())[static_cast<std::size_t>(below(tensor->raw_data().size()))] = static_cast<char>(random_.next());
        }
    }

    void scale_weight() {
        TensorProto* tensor = pick(graph_.mutable_initializer());
        if (!tensor) return;
        static constexpr float kFactors[] = {0.0F, -1.0F, 1e-20F, 1e20F, 3.0F};
        const float factor = kFactors[below(std::size(kFactors))];
        for (float& value : *tensor->mutable_float_data())
            if (chance(70)) value *= factor;
        if (tensor->data_type() != TensorProto::FLOAT) return;
        std::string& raw = *tensor->mutable_raw_data();
        for (std::size_t at = 0; at + 4 <= raw.size(); at += 4) {
            float value = 0.0F;
            std::memcpy(&value, raw.data() + at, 4);
            value *= factor;
            std::memcpy(raw.data() + at, &value, 4);
        }
        if (raw.empty()) tensor->clear_raw_data();
    }

    ModelProto& model_;
    GraphProto& graph_;
    Random random_;
};

}  // namespace

void mutate_model(ModelProto& model, std::uint64_t seed) {
    Random random(seed);
    for (int count = random.chance(60) ? 1 : 2; count > 0; --count) {
        if (random.chance(50)) testing::mutate(model, vocabulary(), random.next());
        else LargeMutator(model, random.next()).run();
    }
}

std::optional<std::size_t> store(const google::protobuf::MessageLite& message, const Mutation& mutation) {
    const std::size_t size = message.ByteSizeLong();
    if (size > mutation.most) return std::nullopt;
    if (!message.SerializePartialToArray(mutation.data, static_cast<int>(size))) return std::nullopt;
    return size;
}

std::size_t mutate_serialized_model(const Mutation& mutation) {
    Random random(mutation.seed);
    ModelProto model;
    if (!random.chance(8) && model.ParsePartialFromArray(mutation.data, static_cast<int>(mutation.size))) {
        mutate_model(model, random.next());
        if (const auto size = store(model, mutation)) return *size;
    }
    return mutation.bytes(mutation.data, mutation.size, mutation.most);
}

}  // namespace mcompress::fuzzing
