#include "onnx/opset_adapters.h"

#include <algorithm>
#include <limits>

#include "support/error.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

template <typename T> const T* attribute_value(const Node& node, std::string_view name) {
    const Attribute* attribute = node.attribute(name);
    return attribute ? std::get_if<T>(&attribute->value) : nullptr;
}

template <typename T> T attribute_or(const Node& node, std::string_view name, T otherwise) {
    const T* value = attribute_value<T>(node, name);
    return value ? *value : otherwise;
}

/// The tensor of an initializer or of a Constant node; null for anything else.
const Tensor* known_tensor(const Value* value) {
    if (!value) return nullptr;
    if (value->constant()) return value->constant();
    const Node* producer = value->producer();
    return producer && producer->is("Constant") ? attribute_value<Tensor>(*producer, "value") : nullptr;
}

/// Makes a constant an input of the node; inputs before it that are missing become absent.
void give_input(Graph& graph, Node* node, int index, std::string_view what, Tensor tensor) {
    if (node->input_count() <= index) graph.resize_inputs(node, index + 1);
    graph.set_input(node, index, graph.add_constant(node->display_name() + "_" + std::string(what), std::move(tensor)));
}

void move_integers(Graph& graph, Node* node, std::string_view attribute, int index) {
    if (const auto* values = attribute_value<std::vector<std::int64_t>>(*node, attribute)) {
        const auto count = static_cast<std::int64_t>(values->size());
        give_input(graph, node, index, attribute, Tensor::from_values<std::int64_t>({count}, *values));
    }
    graph.erase_attribute(node, attribute);
}

/// Multiplies the node's first input by a constant.
void multiply_first(Graph& graph, Node* node, Tensor factor) {
    Value* constant = graph.add_constant(node->display_name() + "_factor", std::move(factor));
    graph.set_input(node, 0, graph.add_node({.op_type = "Mul", .inputs = {node->input(0), constant}}, node)->output(0));
}

bool is_scalar_type(DType dtype) {
    return dtype == DType::Float32 || dtype == DType::Float64 || dtype == DType::Float16 || dtype == DType::BFloat16;
}

Tensor scalar_of(DType dtype, float value) {
    switch (dtype) {
        case DType::Float64: return Tensor::scalar(static_cast<double>(value));
        case DType::Float16: return Tensor::scalar(to_float16(value));
        case DType::BFloat16: return Tensor::scalar(to_bfloat16(value));
        default: MCOMPRESS_CHECK(dtype == DType::Float32); return Tensor::scalar(value);
    }
}

/// `fresh` takes over the name, description and readers of `old`, which keeps only the reader `except`.
void take_over(Graph& graph, Value* old, Value* fresh, const KnownTypes& types) {
    const std::string name = old->name();
    const ValueType type = types.of(old);  // later adapters may ask for it
    const bool declared = old->is_declared();
    graph.replace_all_uses(old, fresh);
    if (fresh->name() != name) {
        graph.rename(old, graph.unique_name(name + "_before"));
        graph.rename(fresh, name);
    }
    graph.set_type(fresh, type);
    graph.set_type(old, ValueType{});
    graph.set_extra(fresh, old->extra());
    graph.set_extra(old, {});
    graph.set_declared(fresh, declared);
    graph.set_declared(old, false);
}

enum class Rounding { Up, Down, Unclear };

/// Before 11, nearest rounded the source index down when enlarging and up when shrinking (as ONNX Runtime does; the text left it open).
Rounding nearest_rounding(const Node& node) {
    if (node.is("Upsample")) return Rounding::Down;
    const Tensor* scales = known_tensor(node.input(1));
    if (!scales || scales->dtype() != DType::Float32) return Rounding::Unclear;
    const auto values = scales->values<float>();
    if (std::all_of(values.begin(), values.end(), [](float scale) { return scale >= 1.0f; })) return Rounding::Down;
    if (std::all_of(values.begin(), values.end(), [](float scale) { return scale <= 1.0f; })) return Rounding::Up;
    return Rounding::Unclear;
}

bool is_nearest(const Node& node) { return attribute_or<std::string>(node, "mode", "nearest") == "nearest"; }

}  // namespace

std::string refuse_broadcast_axis(const Node& node, const KnownTypes&) {
    return node.attribute("axis") ? "broadcasts along an axis, which only opsets before 7 can" : "";
}

std::string refuse_training(const Node& node, const KnownTypes&) {
    return attribute_or<std::int64_t>(node, "is_test", 0) == 0 ? "is in training mode (is_test = 0)" : "";
}

std::string refuse_not_spatial(const Node& node, const KnownTypes&) {
    return attribute_or<std::int64_t>(node, "spatial", 1) == 0 ? "has spatial = 0, which opset 9 removed" : "";
}

std::string refuse_used_mask(const Node& node, const KnownTypes&) {
    return node.output(1) && !node.output(1)->is_unused() ? "has a mask output that is read; its type changed at opset 10" : "";
}

std::string refuse_clip_of_unknown_type(const Node& node, const KnownTypes& types) {
    const bool has_bounds = node.attribute("min") || node.attribute("max");
    return has_bounds && node.input(0) && !is_scalar_type(types.of(node.input(0)).dtype) ? "clips a value whose element type is not known"
                                                                                         : "";
}

std::string refuse_pad_of_unknown_type(const Node& node, const KnownTypes& types) {
    const bool has_value = attribute_or<float>(node, "value", 0.0f) != 0.0f;
    return has_value && node.input(0) && !is_scalar_type(types.of(node.input(0)).dtype) ? "pads a value whose element type is not known"
                                                                                        : "";
}

std::string refuse_resize_of_unclear_rounding(const Node& node, const KnownTypes&) {
    return is_nearest(node) && nearest_rounding(node) == Rounding::Unclear
               ? "resizes by nearest neighbour with scales that are not constant, or that enlarge and shrink at once: how opset 10 rounds "
                 "is not defined"
               : "";
}

std::string refuse_tf_half_pixel(const Node& node, const KnownTypes&) {
    return attribute_or<std::string>(node, "coordinate_transformation_mode", "") == "tf_half_pixel_for_nn"
               ? "uses the coordinate mode tf_half_pixel_for_nn, which opset 13 removed"
               : "";
}

std::string refuse_used_statistics(const Node& node, const KnownTypes&) {
    for (int index = 1; index < node.output_count(); ++index)
        if (node.output(index) && !node.output(index)->is_unused()) return "has outputs of training mode that are read";
    return "";
}

void move_upsample_scales(Graph& graph, Node* node, const KnownTypes&) {
    if (const auto* scales = attribute_value<std::vector<float>>(*node, "scales"))
        give_input(graph, node, 1, "scales", Tensor::from_values<float>({static_cast<std::int64_t>(scales->size())}, *scales));
    graph.erase_attribute(node, "scales");
}

void move_slice_ranges(Graph& graph, Node* node, const KnownTypes&) {
    move_integers(graph, node, "starts", 1);
    move_integers(graph, node, "ends", 2);
    move_integers(graph, node, "axes", 3);
}

void move_topk_count(Graph& graph, Node* node, const KnownTypes&) {
    if (const auto* count = attribute_value<std::int64_t>(*node, "k"))
        give_input(graph, node, 1, "k", Tensor::from_values<std::int64_t>({1}, {*count}));
    graph.erase_attribute(node, "k");
}

std::string refuse_scale_of_unknown_type(const Node& node, const KnownTypes& types) {
    return node.input(0) && types.of(node.input(0)).dtype != DType::Float32 ? "scales values that are not known to be float32" : "";
}

std::string refuse_unclear_crop(const Node& node, const KnownTypes&) {
    const auto border = attribute_or<std::vector<std::int64_t>>(node, "border", {}),
               scale = attribute_or<std::vector<std::int64_t>>(node, "scale", {});
    if (border.size() != 4) return "has no border of four";
    return scale.empty() || scale.size() == 2 ? "" : "has a scale that is no height and width";
}

void write_out_affine(Graph& graph, Node* node, const KnownTypes&) {
    multiply_first(graph, node, Tensor::scalar(attribute_or<float>(*node, "alpha", 1.0F)));
    give_input(graph, node, 1, "beta", Tensor::scalar(attribute_or<float>(*node, "beta", 0.0F)));
    for (const char* attribute : {"alpha", "beta"}) graph.erase_attribute(node, attribute);
}

void write_out_image_scaler(Graph& graph, Node* node, const KnownTypes&) {
    multiply_first(graph, node, Tensor::scalar(attribute_or<float>(*node, "scale", 1.0F)));
    const auto bias = attribute_or<std::vector<float>>(*node, "bias", {});
    give_input(graph, node, 1, "bias", Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size()), 1, 1}, bias));
    for (const char* attribute : {"scale", "bias"}) graph.erase_attribute(node, attribute);
}

void write_out_crop(Graph& graph, Node* node, const KnownTypes&) {
    const auto border = attribute_or<std::vector<std::int64_t>>(*node, "border", {}),  // left, top, right, bottom
        size = attribute_or<std::vector<std::int64_t>>(*node, "scale", {});            // height, width
    const auto end = [&](std::size_t axis, std::int64_t from, std::int64_t margin) {
        if (!size.empty()) return from + size[axis];
        return margin == 0 ? std::numeric_limits<std::int64_t>::max() : -margin;
    };
    const std::vector<std::int64_t> ends{end(0, border[1], border[3]), end(1, border[0], border[2])};
    give_input(graph, node, 1, "starts", Tensor::from_values<std::int64_t>({2}, {border[1], border[0]}));
    give_input(graph, node, 2, "ends", Tensor::from_values<std::int64_t>({2}, ends));
    give_input(graph, node, 3, "axes", Tensor::from_values<std::int64_t>({2}, {2, 3}));
    for (const char* attribute : {"border", "scale"}) graph.erase_attribute(node, attribute);
}

void move_clip_bounds(Graph& graph, Node* node, const KnownTypes& types) {
    const DType dtype = node->input(0) ? types.of(node->input(0)).dtype : DType::Float32;
    if (const auto* least = attribute_value<float>(*node, "min")) give_input(graph, node, 1, "min", scalar_of(dtype, *least));
    if (const auto* most = attribute_value<float>(*node, "max")) give_input(graph, node, 2, "max", scalar_of(dtype, *most));
    graph.erase_attribute(node, "min");
    graph.erase_attribute(node, "max");
}

void move_pads(Graph& graph, Node* node, const KnownTypes& types) {
    move_integers(graph, node, "pads", 1);
    const float value = attribute_or<float>(*node, "value", 0.0f);
    if (value != 0.0f) give_input(graph, node, 2, "value", scalar_of(types.of(node->input(0)).dtype, value));
    graph.erase_attribute(node, "value");
}

// The mask was of the data's type and is bool from 10 on; nobody reads it (refuse_used_mask), so it goes with its old type.
void drop_unused_mask(Graph& graph, Node* node, const KnownTypes&) {
    if (node->output(1)) graph.erase_node_output(node, 1);
}

void move_dropout_ratio(Graph& graph, Node* node, const KnownTypes&) {
    if (const auto* ratio = attribute_value<float>(*node, "ratio")) give_input(graph, node, 1, "ratio", Tensor::scalar(*ratio));
    graph.erase_attribute(node, "ratio");
}

void move_axes(Graph& graph, Node* node, const KnownTypes&) { move_integers(graph, node, "axes", 1); }
void move_split_sizes(Graph& graph, Node* node, const KnownTypes&) { move_integers(graph, node, "split", 1); }
void drop_broadcast(Graph& graph, Node* node, const KnownTypes&) { graph.erase_attribute(node, "broadcast"); }
void drop_is_test(Graph& graph, Node* node, const KnownTypes&) { graph.erase_attribute(node, "is_test"); }
void drop_spatial(Graph& graph, Node* node, const KnownTypes&) { graph.erase_attribute(node, "spatial"); }

void drop_statistics(Graph& graph, Node* node, const KnownTypes& types) {
    if (node->output_count() <= 1) return;
    Node* fresh = graph.add_node({.op_type = node->op_type(),
                                  .inputs = {node->inputs().begin(), node->inputs().end()},
                                  .attributes = {node->attributes().begin(), node->attributes().end()},
                                  .name = node->name(),
                                  .extra = node->extra()},
                                 node);
    take_over(graph, node->output(0), fresh->output(0), types);
    graph.erase(node);
}

void spell_out_resize(Graph& graph, Node* node, const KnownTypes&) {
    if (is_nearest(*node))
        graph.set_attribute(node, "nearest_mode", std::string(nearest_rounding(*node) == Rounding::Up ? "ceil" : "floor"));
    graph.set_attribute(node, "coordinate_transformation_mode", std::string("asymmetric"));
    Value* scales = node->input(1);
    graph.resize_inputs(node, 3);
    graph.set_input(node, 2, scales);
    give_input(graph, node, 1, "roi", Tensor(DType::Float32, {0}));
}

void spell_out_roi_align(Graph& graph, Node* node, const KnownTypes&) {
    graph.set_attribute(node, "coordinate_transformation_mode", std::string("output_half_pixel"));
}

void add_num_outputs(Graph& graph, Node* node, const KnownTypes&) {
    if (!node->input(1)) graph.set_attribute(node, "num_outputs", static_cast<std::int64_t>(node->output_count()));
}

void rename_grid_sample_modes(Graph& graph, Node* node, const KnownTypes&) {
    const auto mode = attribute_or<std::string>(*node, "mode", "bilinear");
    graph.set_attribute(node, "mode", std::string(mode == "bilinear" ? "linear" : mode == "bicubic" ? "cubic" : mode));
}

void adapt_softmax(Graph& graph, Node* node, const KnownTypes& types) {
    Value* input = node->input(0);
    const std::int64_t axis = attribute_or<std::int64_t>(*node, "axis", 1);
    const ValueType& type = types.of(input);
    bool is_single_axis = axis == -1;
    if (const auto at = type.has_rank() ? normalize_axis(axis, type.rank()) : std::nullopt)
        is_single_axis = std::all_of(type.dims->begin() + *at + 1, type.dims->end(), [](const Dim& dim) { return dim.extent() == 1; });
    if (is_single_axis) {
        graph.set_attribute(node, "axis", axis);
        return;
    }
    const std::string name = node->display_name();
    Node* shape = graph.add_node({.op_type = "Shape", .inputs = {input}, .outputs = {name + "_shape"}}, node);
    Node* flat =
        graph.add_node({.op_type = "Flatten", .inputs = {input}, .attributes = {{"axis", axis, {}}}, .outputs = {name + "_flat"}}, node);
    graph.set_input(node, 0, flat->output(0));
    graph.set_attribute(node, "axis", std::int64_t{1});
    Value* result = node->output(0);
    Node* reshape = graph.add_node({.op_type = "Reshape", .inputs = {nullptr, shape->output(0)}, .outputs = {name + "_reshaped"}});
    take_over(graph, result, reshape->output(0), types);
    graph.set_input(reshape, 0, result);
}

}  // namespace mcompress
