#include "passes/compress/float_plan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ir/qualified_name.h"
#include "ops/attributes.h"
#include "ops/op_info.h"
#include "ops/shape.h"
#include "passes/compress/body_links.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr std::string_view kStores = "it computes in float32, on weights stored in half precision: errors of a state add up over the steps";

/// Operators whose result may be as large as what they read; behind any other one (Softmax, Sigmoid, a comparison …) nothing is left of a large number.
bool passes_magnitude(const Node& node) {
    constexpr std::array kOps{"Add", "Sub", "Mul", "Div", "Where", "Max", "Min", "Neg", "Abs", "Sum", "Expand"};
    const OpInfo* info = op_info(node);
    return (info && info->data_flow == DataFlow::Selects) || std::find(kOps.begin(), kOps.end(), node.op_type()) != kOps.end();
}

bool moves_elements(const Node& node) {
    const OpInfo* info = op_info(node);
    return info && info->data_flow == DataFlow::Selects && !node.is("Where");
}

/// Operators that make numbers of numbers, as exporters use them on shapes.
bool counts(const Node& node) {
    constexpr std::array kOps{"Cast", "Range", "CumSum", "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin"};
    const OpInfo* info = op_info(node);
    return (info && info->data_flow != DataFlow::Computes) || std::find(kOps.begin(), kOps.end(), node.op_type()) != kOps.end();
}

/// Scatters to places that hold something already.
bool adds_up(const Node& node) {
    return (node.is("ScatterND") || node.is("ScatterElements")) && string_attribute(node, "reduction", "none") != "none";
}

bool is_made_by(const Value* value, std::string_view op) { return value && value->producer() && value->producer()->is(op); }

bool is_read_by(const Value* value, std::string_view op) {
    return value && std::any_of(value->uses().begin(), value->uses().end(), [&](const Use& use) { return use.node->is(op); });
}

}  // namespace

bool vanishes(const RoundingCounts& counts, const FloatConversion& conversion) {
    return counts.flushed_share() > conversion.max_flushed && counts.noise_share() > conversion.max_noise;
}

FloatPlan::FloatPlan(const Graph& graph, const FloatConversion& conversion, const CalibrationTable* calibration)
    : conversion_(conversion), calibration_(calibration) {
    for_each_node(const_cast<Graph&>(graph), [&](const Node& node) {
        if (node.domain().empty()) return;
        for (Graph* body : node.subgraphs()) for_each_graph(*body, [&](const Graph& each) { of_other_domains_.insert(&each); });
    });
    for_each_node(const_cast<Graph&>(graph), [&](const Node& node) { decide(node); });
}

bool FloatPlan::is_source(const Value* value) const {
    if (!value || !value->type().is_tensor()) return false;
    const DType dtype = value->type().dtype;
    return conversion_.to == DType::Float32 ? dtype == DType::Float16 || dtype == DType::BFloat16 : dtype == DType::Float32;
}

FloatPlan::Slot FloatPlan::input_slot(const Node& node, int index) const {
    const HalfRule* rule = find_half_rule(node);
    if (!rule) return Slot::Original;
    const bool is_known_type = conversion_.to == DType::Float32 || node.opset_version() >= rule->since(conversion_.to);
    if (rule->is_free_input(index)) return is_known_type ? Slot::Free : Slot::Original;
    if (conversion_.to != DType::Float32 && rule->is_float_input(index)) return Slot::Original;
    return is_converted(node) ? Slot::Converted : Slot::Original;
}

bool FloatPlan::converts_output(const Node& node, int index) const {
    const HalfRule* rule = find_half_rule(node);
    if (!rule || !is_converted(node) || !is_source(node.output(index))) return false;
    return conversion_.to == DType::Float32 || !rule->is_float_output(index);
}

bool FloatPlan::touches(const Node& node, const HalfRule* rule) const {
    for (int index = 0; index < node.input_count(); ++index)
        if (is_source(node.input(index)) &&
            (!rule || (!rule->is_free_input(index) && (conversion_.to == DType::Float32 || !rule->is_float_input(index)))))
            return true;
    for (const BodyLinks& link : body_links(node))
        for (const Value* value : link.body->outputs())
            if (is_source(value)) return true;
    for (int index = 0; index < node.output_count(); ++index)
        if (is_source(node.output(index)) && (!rule || conversion_.to == DType::Float32 || !rule->is_float_output(index))) return true;
    return false;
}

/// Where one type ends and the other begins: a Cast that a conversion to the same type put there.
bool FloatPlan::is_boundary(const Node& node) const {
    if (!node.is("Cast") || node.input(0)->type().dtype != conversion_.to) return false;
    return conversion_.to != DType::Float32 || (node.output(0)->uses().empty() && !node.graph().outer());
}

void FloatPlan::decide(const Node& node) {
    const HalfRule* rule = find_half_rule(node);
    if (node.is("Constant")) return;  // whoever reads it gets a constant of the type it wants
    if (is_boundary(node)) return;
    if (touches(node, rule)) {
        if (std::string reason = why_kept(node, rule); reason.empty()) {
            converted_.insert(&node);
        } else {
            kept_nodes_.insert(&node);
            if (reason == kStores) stored_.insert(&node);
            kept_.emplace_back(&node, std::move(reason));
        }
    }
    const bool is_size = node.is("Shape") || node.is("Size");
    if (is_size || computes_with_shapes(node)) from_shapes_.insert(node.outputs().begin(), node.outputs().end());
}

std::string FloatPlan::why_kept(const Node& node, const HalfRule* rule) {
    if (!rule) return "its floats have one type only, or mcompress does not know the operator";
    if (of_other_domains_.contains(&node.graph())) return "it is in the body of an operator whose types mcompress does not know";
    if (const auto found = conversion_.keep.find(node.display_name()); found != conversion_.keep.end()) return found->second;
    if (std::string reason = why_not_by_types(node, *rule); !reason.empty()) return reason;
    if (conversion_.to == DType::Float32) return {};
    if (conversion_.to == DType::Float16) {
        if (adds_up(node)) return "ONNX Runtime scatters with a reduction in float32 only";
        // It takes the operator apart by its definition, in which a constant is float32.
        if (node.is("MeanVarianceNormalization")) return "ONNX Runtime has it in float32 only";
    }
    if (node.is("QuantizeLinear") || node.is("DequantizeLinear")) return "its scale stays as it is";
    if (std::string reason = why_not_by_constants(node); !reason.empty()) return reason;
    if (rule->use == HalfUse::Stores) return std::string(kStores);
    if (std::string reason = why_not_by_ranges(node); !reason.empty()) return reason;
    return why_not_by_neighbours(node);
}

std::string FloatPlan::why_not_by_types(const Node& node, const HalfRule& rule) const {
    if (conversion_.to != DType::Float32 && node.opset_version() < rule.since(conversion_.to)) {
        const int since = rule.since(conversion_.to);
        if (since == HalfRule::kNever) return format("the operator has no {} form", dtype_name(conversion_.to));
        return format("the operator has a {} form from opset {} on", dtype_name(conversion_.to), since);
    }
    const auto is_unknown = [](const Value* value) { return value && value->type().kind == ValueType::Kind::Unknown; };
    bool is_open = std::any_of(node.outputs().begin(), node.outputs().end(), is_unknown);
    for (const BodyLinks& link : body_links(node)) {
        is_open = is_open || std::any_of(link.body->inputs().begin(), link.body->inputs().end(), is_unknown);
        is_open = is_open || std::any_of(link.body->outputs().begin(), link.body->outputs().end(), is_unknown);
    }
    return is_open ? "the type of one of its values is not known" : "";
}

std::string FloatPlan::why_not_by_constants(const Node& node) {
    const HalfRule& rule = *find_half_rule(node);
    std::string problem;
    for (int index = 0; index < node.input_count(); ++index) {
        if (!is_source(node.input(index)) || rule.is_free_input(index) || rule.is_float_input(index)) continue;
        const Tensor* tensor = known_tensor(node.input(index));
        if (!tensor) continue;
        std::string found = constant_problem(node.input(index)->name(), *tensor, node.input(index));
        if (found.empty()) continue;
        // A vector of tiny numbers is a bias; a single one guards a division or a logarithm behind the operator.
        if (tensor->element_count() == 1 || rounding_[node.input(index)->name()].overflow > 0) spread(node);
        problem = std::move(found);
    }
    if (node.is("ConstantOfShape")) {
        problem = constant_problem(node.display_name(), attrs<ConstantOfShapeAttrs>(node).value, node.output(0));
        if (!problem.empty()) large_.insert(node.output(0));
    }
    return problem;
}

/// What the node hands on may not fit either.
void FloatPlan::spread(const Node& node) {
    if (conversion_.to == DType::Float16 && passes_magnitude(node)) large_.insert(node.outputs().begin(), node.outputs().end());
}

/// Every way from the constant leads, through operators that move, choose, add or scale, to a Softmax, and what does not fit is negative: there
/// exp(x - max) is 0 either way.
bool FloatPlan::only_masks(const Value* constant, const Tensor& tensor) {
    constexpr std::array kOnTheWay{"Add", "Mul", "Where", "Expand", "Max"};
    constexpr std::size_t kFarthest = 1000;
    const float limit = static_cast<float>(largest_half(conversion_.to));
    const auto values = tensor.values<float>();
    if (std::any_of(values.begin(), values.end(), [&](float value) { return value > limit; })) return false;
    std::vector<const Value*> pending{constant};
    std::unordered_set<const Value*> seen{constant};
    while (!pending.empty()) {
        const Value* value = pending.back();
        pending.pop_back();
        if (value->is_graph_output() || value->uses().empty() || seen.size() > kFarthest) return false;
        for (const Use& use : value->uses()) {
            if (use.node->is("Softmax")) continue;
            const bool hands_on =
                moves_elements(*use.node) || std::find(kOnTheWay.begin(), kOnTheWay.end(), use.node->op_type()) != kOnTheWay.end();
            if (!hands_on || !use.node->domain().empty()) return false;
            for (const Value* output : use.node->outputs())
                if (output && seen.insert(output).second) pending.push_back(output);
        }
    }
    masked_.insert(seen.begin(), seen.end());
    return true;
}

std::string FloatPlan::constant_problem(const std::string& name, const Tensor& tensor, const Value* value) {
    const auto [entry, is_new] = rounding_.try_emplace(name);
    RoundingCounts& counts = entry->second;
    if (is_new) {
        counts = count_rounding(tensor, conversion_.to);
        if (counts.overflow > conversion_.max_overflow && only_masks(value, tensor)) masks_.insert(name);
    }
    if (counts.overflow > conversion_.max_overflow && !masks_.contains(name))
        return format("{} of {} numbers of '{}' exceed {:.6g}, the largest is {:.6g}", counts.overflow, counts.elements, name,
                      largest_half(conversion_.to), counts.largest);
    if (vanishes(counts, conversion_)) return format("{} of {} numbers of '{}' would become 0", counts.flushed, counts.elements, name);
    return {};
}

std::string FloatPlan::why_not_by_ranges(const Node& node) const {
    if (!calibration_ || conversion_.to != DType::Float16) return {};
    for (int index = 0; index < node.input_count(); ++index)
        if (is_source(node.input(index)) && !known_tensor(node.input(index)))
            if (std::string problem = range_problem(*node.input(index)); !problem.empty()) return problem;
    for (const Value* value : node.outputs())
        if (is_source(value))
            if (std::string problem = range_problem(*value); !problem.empty()) return problem;
    return {};
}

std::string FloatPlan::range_problem(const Value& value) const {
    const auto found = calibration_->values.find(qualified_name(value));
    if (found == calibration_->values.end() || found->second.count == 0) return {};
    const double lowest = masked_.contains(&value) ? 0.0 : std::fabs(found->second.min);  // of a mask any low number does
    const double largest = std::max(lowest, static_cast<double>(std::fabs(found->second.max)));
    if (largest > conversion_.max_magnitude)
        return format("'{}' reaches {:.6g}, more than {:.6g}", value.name(), largest, conversion_.max_magnitude);
    if (largest > 0 && largest < smallest_normal_half(conversion_.to))
        return format("'{}' stays below {:.3g}, where float16 loses digits", value.name(), largest);
    return {};
}

std::string FloatPlan::why_not_by_neighbours(const Node& node) {
    bool all_kept = true, any = false;
    for (int index = 0; index < node.input_count(); ++index) {
        const Value* value = node.input(index);
        if (!is_source(value)) continue;
        if (is_made_by(value, "DequantizeLinear")) return "it reads codes";
        if (large_.contains(value)) {
            spread(node);
            return format("'{}' may hold numbers that float16 does not", value->name());
        }
        if (known_tensor(value)) continue;
        any = true;
        if (!value->producer() || !kept_nodes_.contains(value->producer())) all_kept = false;
    }
    for (const Value* value : node.outputs())
        if (is_read_by(value, "QuantizeLinear") || is_read_by(value, "DynamicQuantizeLinear")) return "codes are made of its result";
    if (moves_elements(node) && any && all_kept) return "what it moves stays as it is";
    if (computes_with_shapes(node)) return "it computes with shapes, whose numbers half precision does not hold";
    return {};
}

/// Whether the results follow from shapes and constants alone. A constant in another shape is still a constant.
bool FloatPlan::computes_with_shapes(const Node& node) const {
    if (!counts(node) || (moves_elements(node) && !from_shapes_.contains(node.input(0)) && !node.is("Concat"))) return false;
    bool any = false;
    for (const Value* value : node.inputs()) {
        if (!value || known_tensor(value)) continue;
        if (!from_shapes_.contains(value)) return false;
        any = true;
    }
    return any;
}

}  // namespace mcompress
