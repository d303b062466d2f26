// Makes operators compute in float16 or bfloat16 (or in float32 again): their tensors change type, and a Cast stands wherever a value is read in
// another type than it has, one for all its readers.
//
// Before:  g (float[n] x) => (float[n] y) { h = Exp (x)   y = Range_or_other (h) }
// After:   x_float16 = Cast <to = 10> (x)   h = Exp (x_float16)   h_float = Cast <to = 1> (h)   y = Range_or_other (h_float)
//
// Formula: every tensor is rounded to nearest, ties to even; constants are rounded once and stored so. A constant that is read in both types is stored twice.
// Bodies of If, Loop and Scan are converted together with what is handed in and out; graph inputs and outputs keep type and name unless asked otherwise.
//
// Does nothing when the operator has no form in that type at the model's opset, it was excluded, its constants or the values observed do not fit the
// range, it reads or makes codes, it computes with shapes, or it only moves what stays in float32.
#include "passes/compress/convert_float.h"

#include <map>

#include "ops/attributes.h"
#include "ops/shape.h"
#include "passes/compress/body_links.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

class Conversion {
public:
    Conversion(Graph& graph, const FloatPlan& plan, const FloatConversion& conversion)
        : graph_(graph), plan_(plan), conversion_(conversion) {}

    FloatConversionCounts run() {
        for_each_graph(graph_, [&](Graph& each) {
            Node* before = nullptr;
            const auto order = each.order();
            for (auto node = order.rbegin(); node != order.rend(); ++node) {
                next_[*node] = before;
                before = *node;
            }
            first_[&each] = before;
            nodes_.insert(nodes_.end(), order.begin(), order.end());
        });
        change_types();
        for (Node* node : nodes_)
            for (int index = 0; index < node->input_count(); ++index) settle_input(node, index);
        for (Node* node : nodes_) settle_body_outputs(*node);
        settle_graph_outputs();
        convert_constants();
        widen_stored_constants();
        return counts_;
    }

private:
    // ---- types ----

    void change_types() {
        if (conversion_.interface == FloatConversion::Interface::Convert)
            for (Value* input : graph_.inputs())
                if (plan_.is_source(input)) change_input(input);
        // Links and sources are read off the old types: all are looked up before the first one changes.
        std::vector<Value*> values;
        for (const Node* node : nodes_) {
            for (int index = 0; index < node->output_count(); ++index)
                if (plan_.converts_output(*node, index)) values.push_back(node->output(index));
            if (!plan_.is_converted(*node)) continue;
            ++counts_.nodes;
            for (const BodyLinks& link : body_links(*node))
                for (const auto& [outer, inner] : link.inputs)
                    if (Value* value = link.body->inputs()[static_cast<std::size_t>(inner)]; plan_.is_source(value))
                        values.push_back(value);
        }
        for (Node* node : nodes_)
            if (plan_.is_converted(*node)) change_attributes(node);
        for (const Node* node : nodes_)
            for (const BodyLinks& link : body_links(*node))
                for (const auto& [inner, outer] : link.outputs) {
                    const Value* value = link.body->outputs()[static_cast<std::size_t>(inner)];
                    if (!plan_.is_source(value)) continue;
                    body_outputs_[{link.body, inner}] = plan_.is_converted(*node) ? conversion_.to : value->type().dtype;
                }
        for (Value* value : values) change(value);
    }

    void change(Value* value) {
        ValueType type = value->type();
        original_.emplace(value, type.dtype);
        type.dtype = conversion_.to;
        value->graph().set_type(value, std::move(type));
    }

    void change_input(Value* input) {
        const Tensor* tensor = input->default_value();
        if (tensor) graph_.set_initializer(input, convert_floats(*tensor, conversion_.to));
        change(input);
    }

    void change_attributes(Node* node) {
        Graph& graph = node->graph();
        if (node->is("Cast")) graph.set_attribute(node, "to", static_cast<std::int64_t>(conversion_.to));
        if (node->is("ConstantOfShape"))
            graph.set_attribute(node, "value", convert_floats(attrs<ConstantOfShapeAttrs>(*node).value.reshaped({1}), conversion_.to));
    }

    // ---- readers ----

    void settle_input(Node* node, int index) {
        Value* value = node->input(index);
        if (!value) return;
        const FloatPlan::Slot slot = plan_.input_slot(*node, index);
        if (slot == FloatPlan::Slot::Free) return;
        const auto original = original_.find(value);
        if (slot == FloatPlan::Slot::Original) {
            if (plan_.is_stored(*node) && value->constant() && plan_.is_source(value)) widened_constants_[value].push_back({node, index});
            if (original != original_.end()) node->graph().set_input(node, index, as(value, original->second));
        } else if (original == original_.end() && plan_.is_source(value)) {
            if (known_tensor(value)) wanted_constants_[value].push_back({node, index});
            else node->graph().set_input(node, index, as(value, conversion_.to));
        }
    }

    /// The value in another type: one Cast for all readers, right behind the value; what was widened from that type needs none.
    Value* as(Value* value, DType dtype) {
        Value*& known = casts_[{value, dtype}];
        if (known) return known;
        if (dtype != DType::Float32 && is_widened_from(value, dtype)) return known = value->producer()->input(0);
        Graph& graph = value->graph();
        const Node* before = value->producer() ? next_[value->producer()] : first_[&graph];
        Node* cast = graph.add_node({.op_type = "Cast",
                                     .inputs = {value},
                                     .attributes = {{"to", static_cast<std::int64_t>(dtype), {}}},
                                     .outputs = {format("{}_{}", value->name(), dtype_name(dtype))}},
                                    before);
        ValueType type = value->type();
        type.dtype = dtype;
        graph.set_type(cast->output(0), std::move(type));
        ++counts_.casts;
        return known = cast->output(0);
    }

    static bool is_widened_from(const Value* value, DType dtype) {
        const Node* cast = value->producer();
        return cast && cast->is("Cast") && value->type().dtype == DType::Float32 && cast->input(0)->type().dtype == dtype;
    }

    // ---- outputs ----

    void settle_body_outputs(const Node& node) {
        for (Graph* body : node.subgraphs())
            for (std::size_t index = 0; index < body->outputs().size(); ++index) {
                Value* value = body->outputs()[index];
                const auto wanted = body_outputs_.find({body, static_cast<int>(index)});
                const auto original = original_.find(value);
                if (wanted != body_outputs_.end()) {
                    if (value->type().dtype != wanted->second)
                        body->set_output(static_cast<int>(index), as_output(body, value, wanted->second));
                } else if (original != original_.end()) {
                    body->set_output(static_cast<int>(index), as_output(body, value, original->second));
                }
            }
    }

    /// The result of a body belongs to the body: a Cast of an outer value stands there.
    Value* as_output(Graph* body, Value* value, DType dtype) {
        if (const Tensor* tensor = value->constant()) {
            ++counts_.constants;
            return body->add_constant(format("{}_{}", value->name(), dtype_name(dtype)), convert_floats(*tensor, dtype));
        }
        return as(value, dtype);
    }

    void settle_graph_outputs() {
        const bool keeps = conversion_.interface == FloatConversion::Interface::Keep;
        for (std::size_t index = 0; index < graph_.outputs().size(); ++index) {
            Value* value = graph_.outputs()[index];
            const auto original = original_.find(value);
            if (keeps ? original == original_.end() : original != original_.end() || !plan_.is_source(value)) continue;
            const DType wanted = keeps ? original->second : conversion_.to;
            Value* result =
                value->constant() ? graph_.add_constant("result", convert_floats(*value->constant(), wanted)) : as(value, wanted);
            const std::string name = value->name();
            const std::string other = graph_.unique_name(format("{}_{}", name, dtype_name(value->type().dtype)));
            if (value->is_graph_input()) fail(codes::kModelInvalid, "graph output '{}' is a graph input of another type", name);
            graph_.rename(value, other);
            graph_.rename(result, name);
            graph_.set_output(static_cast<int>(index), result);
        }
    }

    // ---- constants ----

    void convert_constants() {
        for (auto& [value, uses] : wanted_constants_) {
            Graph& graph = value->graph();
            const Tensor tensor = convert_floats(*known_tensor(value), conversion_.to);
            known_tensor(value)->release_pages();
            ++counts_.constants;
            if (value->constant() && !value->is_graph_output() && value->uses().size() == uses.size()) {
                graph.set_initializer(value, tensor);
                continue;
            }
            Value* converted = graph.add_constant(format("{}_{}", value->name(), dtype_name(conversion_.to)), tensor);
            for (const Use& use : uses) graph.replace_use(use, converted);
        }
    }

    /// Stored in the new type, with a Cast in front of the readers.
    void widen_stored_constants() {
        for (auto& [value, uses] : widened_constants_) {
            Graph& graph = value->graph();
            const DType dtype = value->type().dtype;
            Value* stored = graph.add_constant(format("{}_{}", value->name(), dtype_name(conversion_.to)),
                                               convert_floats(*value->constant(), conversion_.to));
            ++counts_.constants;
            for (const Use& use : uses) graph.replace_use(use, as(stored, dtype));
        }
    }

    struct ByName {
        bool operator()(const Value* a, const Value* b) const { return a->name() != b->name() ? a->name() < b->name() : a < b; }
    };

    Graph& graph_;
    const FloatPlan& plan_;
    const FloatConversion& conversion_;
    FloatConversionCounts counts_;
    std::vector<Node*> nodes_;                             // of all graphs, before any Cast was added
    std::unordered_map<const Node*, const Node*> next_;    // behind it, in order
    std::unordered_map<const Graph*, const Node*> first_;  // in order
    std::unordered_map<const Value*, DType> original_;     // of values whose type has changed
    std::map<std::pair<Value*, DType>, Value*> casts_;
    std::map<std::pair<const Graph*, int>, DType> body_outputs_;
    std::map<Value*, std::vector<Use>, ByName> wanted_constants_;
    std::map<Value*, std::vector<Use>, ByName> widened_constants_;  // by operators that only store them in the new type
};

class ConvertFloat final : public Pass {
public:
    ConvertFloat(FloatConversion conversion, const CalibrationTable* calibration)
        : conversion_(std::move(conversion)), calibration_(calibration) {}

    std::string_view name() const override { return "convert-float"; }

    PassResult run(Graph& graph) override {
        const FloatPlan plan(graph, conversion_, calibration_);
        PassResult result;
        for (const auto& [node, reason] : plan.kept()) result.skipped.push_back(skip(*node, reason));
        result.rewrites = convert_floats(graph, plan, conversion_).nodes;
        return result;
    }

private:
    FloatConversion conversion_;
    const CalibrationTable* calibration_;
};

}  // namespace

FloatConversionCounts convert_floats(Graph& graph, const FloatPlan& plan, const FloatConversion& conversion) {
    return Conversion(graph, plan, conversion).run();
}

std::unique_ptr<Pass> make_convert_float(FloatConversion conversion, const CalibrationTable* calibration) {
    return std::make_unique<ConvertFloat>(std::move(conversion), calibration);
}

}  // namespace mcompress
