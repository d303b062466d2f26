#include "fuzz/mutator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fixtures/random_tensors.h"

namespace mcompress::testing {

namespace {

using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::NodeProto;
using onnx::TensorProto;

constexpr int kLargestInitializer = 64;  // elements of those that are made up

class Mutator {
public:
    Mutator(onnx::ModelProto& model, const Vocabulary& vocabulary, std::uint64_t seed) : model_(model), words_(vocabulary), random_(seed) {}

    void run() {
        using Action = void (Mutator::*)();
        // Those that lead deepest stand more than once.
        static constexpr Action kActions[] = {
            &Mutator::change_attribute, &Mutator::change_attribute, &Mutator::change_attribute,   &Mutator::change_attribute,
            &Mutator::add_attribute,    &Mutator::change_input,     &Mutator::change_input,       &Mutator::change_input,
            &Mutator::fix_input,        &Mutator::fix_input,        &Mutator::change_initializer, &Mutator::change_initializer,
            &Mutator::change_wiring,    &Mutator::change_wiring,    &Mutator::change_operator,    &Mutator::change_version,
            &Mutator::change_nodes,     &Mutator::change_outputs,
        };
        for (int count = 1 + below(5); count > 0; --count) (this->*kActions[below(std::size(kActions))])();
    }

private:
    int below(std::size_t bound) { return static_cast<int>(random_.next() % bound); }
    bool chance(int percent) { return random_.chance(percent); }
    template <typename List> auto* pick(List* list) {
        return list->empty() ? nullptr : list->Mutable(below(static_cast<std::size_t>(list->size())));
    }
    std::string pick_word(const std::vector<std::string>& words) {
        return words.empty() ? "" : words[static_cast<std::size_t>(below(words.size()))];
    }

    std::int64_t integer() {
        static constexpr std::int64_t kEdges[] = {0,
                                                  1,
                                                  -1,
                                                  2,
                                                  3,
                                                  4,
                                                  7,
                                                  8,
                                                  64,
                                                  -2,
                                                  -9,
                                                  65536,
                                                  INT32_MAX,
                                                  INT32_MIN,
                                                  INT64_MAX,
                                                  INT64_MIN,
                                                  INT64_MAX - 7,
                                                  std::int64_t{1} << 32,
                                                  std::int64_t{1} << 40,
                                                  std::int64_t{1} << 62,
                                                  -(std::int64_t{1} << 40)};
        return chance(60) ? random_.integer(-2, 8) : kEdges[below(std::size(kEdges))];
    }
    float real() {
        static constexpr float kEdges[] = {0.0F, -1.0F, 1e-3F, 0.5F, 2.0F, 1e30F, -1e38F, 1e-40F, INFINITY, -INFINITY, NAN};
        return kEdges[below(std::size(kEdges))];
    }
    std::int32_t dtype() { return chance(50) ? 1 : below(28); }

    /// A graph at random: the main one or one of its bodies.
    GraphProto* graph() {
        GraphProto* current = model_.mutable_graph();
        for (int depth = 0; depth < 4; ++depth) {
            std::vector<GraphProto*> bodies;
            for (NodeProto& node : *current->mutable_node())
                for (AttributeProto& attribute : *node.mutable_attribute())
                    if (attribute.has_g()) bodies.push_back(attribute.mutable_g());
            if (bodies.empty() || chance(50)) break;
            current = bodies[static_cast<std::size_t>(below(bodies.size()))];
        }
        return current;
    }
    NodeProto* node() { return pick(graph()->mutable_node()); }

    /// The name of some value of the graph.
    std::string value_name(const GraphProto& graph) {
        std::vector<std::string> names;
        for (const auto& input : graph.input()) names.push_back(input.name());
        for (const auto& tensor : graph.initializer()) names.push_back(tensor.name());
        for (const auto& each : graph.node())
            for (const auto& output : each.output()) names.push_back(output);
        return chance(5) ? "" : pick_word(names);
    }

    void change_integers(google::protobuf::RepeatedField<std::int64_t>* list) {
        switch (below(5)) {
            case 0: list->Add(integer()); break;
            case 1:
                if (!list->empty()) list->RemoveLast();
                break;
            case 2: list->Clear(); break;
            default:
                if (auto* value = pick(list)) *value = integer();
        }
    }

    void set_any(AttributeProto& attribute) {
        attribute.clear_i(), attribute.clear_f(), attribute.clear_s(), attribute.clear_ints(), attribute.clear_floats(),
            attribute.clear_t();
        switch (below(6)) {
            case 0:
            case 1: attribute.set_type(AttributeProto::INT), attribute.set_i(integer()); break;
            case 2:
                attribute.set_type(AttributeProto::INTS);
                for (int count = below(6); count > 0; --count) attribute.add_ints(integer());
                break;
            case 3: attribute.set_type(AttributeProto::FLOAT), attribute.set_f(real()); break;
            case 4: attribute.set_type(AttributeProto::STRING), attribute.set_s(pick_word(words_.texts)); break;
            default: attribute.set_type(AttributeProto::TENSOR), fill(*attribute.mutable_t(), dtype());
        }
    }

    void change_attribute() {
        NodeProto* target = node();
        if (!target || target->attribute().empty()) return;
        AttributeProto& attribute = *pick(target->mutable_attribute());
        if (chance(8)) return target->mutable_attribute()->DeleteSubrange(below(static_cast<std::size_t>(target->attribute_size())), 1);
        if (chance(5)) return set_any(attribute);
        switch (attribute.type()) {
            case AttributeProto::INT: attribute.set_i(integer()); break;
            case AttributeProto::FLOAT: attribute.set_f(real()); break;
            case AttributeProto::STRING: attribute.set_s(pick_word(words_.texts)); break;
            case AttributeProto::INTS: change_integers(attribute.mutable_ints()); break;
            case AttributeProto::FLOATS: attribute.add_floats(real()); break;
            case AttributeProto::STRINGS: attribute.add_strings(pick_word(words_.texts)); break;
            case AttributeProto::TENSOR: change_tensor(*attribute.mutable_t()); break;
            default: break;
        }
    }

    void add_attribute() {
        NodeProto* target = node();
        if (!target) return;
        AttributeProto& attribute = *target->add_attribute();
        attribute.set_name(pick_word(words_.attributes));
        set_any(attribute);
    }

    void change_type(onnx::TypeProto& type) {
        if (chance(3)) return type.Clear();
        if (chance(4)) {
            const onnx::TypeProto inner = type;
            if (chance(50)) *type.mutable_sequence_type()->mutable_elem_type() = inner;
            else *type.mutable_optional_type()->mutable_elem_type() = inner;
            return;
        }
        auto& tensor = *type.mutable_tensor_type();
        if (chance(20)) return tensor.set_elem_type(dtype());
        if (chance(6)) return tensor.clear_shape();
        auto& shape = *tensor.mutable_shape();
        if (chance(15)) return shape.add_dim()->set_dim_value(integer());
        if (chance(15) && shape.dim_size() > 0) return shape.mutable_dim()->RemoveLast();
        if (shape.dim_size() == 0) return;
        auto& dim = *pick(shape.mutable_dim());
        if (chance(15)) dim.set_dim_param(std::string(1, static_cast<char>('M' + below(3))));
        else if (chance(10)) dim.Clear();
        else dim.set_dim_value(integer());
    }

    void change_input() {
        GraphProto* target = graph();
        if (auto* input = pick(target->mutable_input())) change_type(*input->mutable_type());
    }

    /// Elements of a made-up tensor: all small integers, or edges.
    template <typename Add> void fill_with(int count, const Add& add) {
        const bool small = chance(60);
        for (; count > 0; --count) add(small ? random_.integer(-2, 6) : integer());
    }

    void fill(TensorProto& tensor, std::int32_t type) {
        const std::string name = tensor.name();
        tensor.Clear();
        tensor.set_name(name);
        tensor.set_data_type(type);
        int count = 1;
        for (int rank = below(3); rank > 0; --rank) {
            const int extent = below(6);
            if (count * extent > kLargestInitializer) break;
            tensor.add_dims(extent);
            count *= extent;
        }
        fill_elements(tensor, count);
    }

    void fill_elements(TensorProto& tensor, int count) {
        switch (tensor.data_type()) {
            case TensorProto::FLOAT:
                fill_with(count, [&](std::int64_t value) { tensor.add_float_data(chance(10) ? real() : static_cast<float>(value)); });
                break;
            case TensorProto::DOUBLE:
                fill_with(count, [&](std::int64_t value) { tensor.add_double_data(static_cast<double>(value)); });
                break;
            case TensorProto::INT64: fill_with(count, [&](std::int64_t value) { tensor.add_int64_data(value); }); break;
            case TensorProto::UINT32:
            case TensorProto::UINT64:
                fill_with(count, [&](std::int64_t value) { tensor.add_uint64_data(static_cast<std::uint64_t>(value)); });
                break;
            case TensorProto::STRING: fill_with(count, [&](std::int64_t) { tensor.add_string_data(pick_word(words_.texts)); }); break;
            default: fill_with(count, [&](std::int64_t value) { tensor.add_int32_data(static_cast<std::int32_t>(value & 0x7F)); });
        }
    }

    /// Makes an input a constant, so that inference sees its value. Small shapes keep their extents.
    void fix_input() {
        GraphProto& target = *model_.mutable_graph();
        if (target.input().empty()) return;
        const int at = below(static_cast<std::size_t>(target.input_size()));
        const onnx::ValueInfoProto input = target.input(at);
        target.mutable_input()->DeleteSubrange(at, 1);
        TensorProto& tensor = *target.add_initializer();
        tensor.set_name(input.name());
        const auto& type = input.type().tensor_type();
        std::int64_t count = 1;
        bool is_small = type.has_shape() && chance(80);
        for (const auto& dim : type.shape().dim()) {
            is_small = is_small && dim.has_dim_value() && dim.dim_value() >= 0 && dim.dim_value() <= kLargestInitializer;
            if (is_small) count *= dim.dim_value();
            is_small = is_small && count <= kLargestInitializer;
        }
        if (!is_small) return fill(tensor, type.elem_type());
        tensor.set_data_type(type.elem_type());
        for (const auto& dim : type.shape().dim()) tensor.add_dims(dim.dim_value());
        fill_elements(tensor, static_cast<int>(count));
    }

    void change_tensor(TensorProto& tensor) {
        if (chance(15)) return fill(tensor, chance(70) ? tensor.data_type() : dtype());
        if (chance(15)) return change_integers(tensor.mutable_dims());
        if (chance(5)) return tensor.set_data_type(dtype());
        if (auto* value = pick(tensor.mutable_int64_data())) *value = integer();
        else if (auto* narrow = pick(tensor.mutable_int32_data())) *narrow = static_cast<std::int32_t>(integer());
        else if (auto* number = pick(tensor.mutable_float_data())) *number = real();
        else if (tensor.raw_data().size() >= sizeof(std::int64_t) && tensor.data_type() == TensorProto::INT64) {
            const std::int64_t element = integer();
            const std::size_t at = sizeof element * static_cast<std::size_t>(below(tensor.raw_data().size() / sizeof element));
            tensor.mutable_raw_data()->replace(at, sizeof element, reinterpret_cast<const char*>(&element), sizeof element);
        } else if (!tensor.raw_data().empty()) {
            (*tensor.mutable_raw_data())[static_cast<std::size_t>(below(tensor.raw_data().size()))] = static_cast<char>(random_.next());
        }
    }

    void change_initializer() {
        if (TensorProto* tensor = pick(graph()->mutable_initializer())) change_tensor(*tensor);
        else fix_input();
    }

    void change_wiring() {
        GraphProto* target = graph();
        NodeProto* each = pick(target->mutable_node());
        if (!each) return;
        switch (below(8)) {
            case 0: each->add_input(value_name(*target)); break;
            case 1:
                if (!each->input().empty()) each->mutable_input()->RemoveLast();
                break;
            case 2: each->add_output("new" + std::to_string(below(100))); break;
            case 3:
                if (!each->output().empty()) each->mutable_output()->RemoveLast();
                break;
            case 4:
                if (!each->output().empty()) *pick(each->mutable_output()) = chance(50) ? "" : value_name(*target);
                break;
            default:
                if (!each->input().empty()) *pick(each->mutable_input()) = value_name(*target);
        }
    }

    void change_operator() {
        NodeProto* each = node();
        if (!each) return;
        each->set_op_type(pick_word(words_.operators));
        if (chance(5)) each->set_domain(pick_word(words_.domains));
    }

    void change_version() {
        if (chance(10)) return model_.set_ir_version(integer());
        if (chance(10)) {
            auto& import = *model_.add_opset_import();
            import.set_domain(pick_word(words_.domains));
            import.set_version(1);
        } else if (auto* import = pick(model_.mutable_opset_import())) {
            import->set_version(chance(95) ? 1 + below(26) : integer());
        }
    }

    void change_nodes() {
        auto& nodes = *graph()->mutable_node();
        if (nodes.empty()) return;
        const int at = below(static_cast<std::size_t>(nodes.size()));
        if (chance(30)) return nodes.DeleteSubrange(at, 1);
        if (chance(40)) return nodes.SwapElements(at, below(static_cast<std::size_t>(nodes.size())));
        // A second operator behind the first.
        NodeProto next;
        if (chance(50)) next = nodes.Get(at);
        else next.set_op_type(pick_word(words_.operators));
        next.clear_output();
        next.add_output("extra" + std::to_string(below(100)));
        if (next.input().empty()) next.add_input();
        if (!nodes.Get(at).output().empty()) *pick(next.mutable_input()) = nodes.Get(at).output(0);
        *nodes.Add() = next;
    }

    void change_outputs() {
        GraphProto* target = graph();
        auto* output = pick(target->mutable_output());
        if (!output) return;
        if (chance(60)) change_type(*output->mutable_type());
        else if (chance(50)) output->set_name(value_name(*target));
        else output->clear_type();
    }

    onnx::ModelProto& model_;
    const Vocabulary& words_;
    Random random_;
};

}  // namespace

void Vocabulary::add(const GraphProto& graph) {
    for (const NodeProto& node : graph.node()) {
        operators.push_back(node.op_type());
        domains.push_back(node.domain());
        for (const AttributeProto& attribute : node.attribute()) {
            attributes.push_back(attribute.name());
            if (attribute.has_s()) texts.push_back(attribute.s());
            if (attribute.has_g()) add(attribute.g());
        }
    }
}

void Vocabulary::finish() {
    for (auto* words : {&operators, &domains, &attributes, &texts}) {
        std::sort(words->begin(), words->end());
        words->erase(std::unique(words->begin(), words->end()), words->end());
    }
}

void mutate(onnx::ModelProto& model, const Vocabulary& vocabulary, std::uint64_t seed) { Mutator(model, vocabulary, seed).run(); }

}  // namespace mcompress::testing
