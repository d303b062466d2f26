// The refusals and adapters of opset_changes.cpp: one function each, named by what it looks for or does.
#pragma once

#include "onnx/opset_changes.h"

namespace mcompress {

// ---- refusals ----
std::string refuse_broadcast_axis(const Node& node, const KnownTypes& types);  // `axis` aligned the second input in the middle of the first
std::string refuse_training(const Node& node, const KnownTypes& types);        // is_test = 0, the old default
std::string refuse_not_spatial(const Node& node, const KnownTypes& types);     // spatial = 0: statistics per element
std::string refuse_used_mask(const Node& node, const KnownTypes& types);       // Dropout's mask became bool
std::string refuse_clip_of_unknown_type(const Node& node, const KnownTypes& types);  // bounds become tensors of the input's type
std::string refuse_pad_of_unknown_type(const Node& node, const KnownTypes& types);   // so does the fill value
std::string refuse_resize_of_unclear_rounding(const Node& node, const KnownTypes& types);
std::string refuse_tf_half_pixel(const Node& node, const KnownTypes& types);    // the mode tf_half_pixel_for_nn is gone
std::string refuse_used_statistics(const Node& node, const KnownTypes& types);  // BatchNormalization's further outputs mean training

std::string refuse_scale_of_unknown_type(const Node& node, const KnownTypes& types);  // factors become tensors of the input's type
std::string refuse_unclear_crop(const Node& node, const KnownTypes& types);           // no border of four

// ---- operators that became others ----
void write_out_affine(Graph& graph, Node* node, const KnownTypes& types);        // alpha x + beta
void write_out_crop(Graph& graph, Node* node, const KnownTypes& types);          // [N, C, H, W] inside a border
void write_out_image_scaler(Graph& graph, Node* node, const KnownTypes& types);  // scale x + bias[channel]

// ---- attributes that became inputs ----
void move_upsample_scales(Graph& graph, Node* node, const KnownTypes& types);
void move_slice_ranges(Graph& graph, Node* node, const KnownTypes& types);
void move_topk_count(Graph& graph, Node* node, const KnownTypes& types);
void move_clip_bounds(Graph& graph, Node* node, const KnownTypes& types);
void move_pads(Graph& graph, Node* node, const KnownTypes& types);
void drop_unused_mask(Graph& graph, Node* node, const KnownTypes& types);
void move_dropout_ratio(Graph& graph, Node* node, const KnownTypes& types);
void move_axes(Graph& graph, Node* node, const KnownTypes& types);
void move_split_sizes(Graph& graph, Node* node, const KnownTypes& types);

// ---- attributes that went, came or changed their default ----
void drop_broadcast(Graph& graph, Node* node, const KnownTypes& types);
void drop_is_test(Graph& graph, Node* node, const KnownTypes& types);
void drop_spatial(Graph& graph, Node* node, const KnownTypes& types);
void drop_statistics(Graph& graph, Node* node, const KnownTypes& types);
void spell_out_resize(Graph& graph, Node* node, const KnownTypes& types);
void spell_out_roi_align(Graph& graph, Node* node, const KnownTypes& types);
void add_num_outputs(Graph& graph, Node* node, const KnownTypes& types);
void rename_grid_sample_modes(Graph& graph, Node* node, const KnownTypes& types);

/// Before 13, Softmax and its relatives worked on the input flattened to a matrix at `axis`; since 13 they work along one axis.
/// Before: y = Softmax <axis = a> (x)
/// After:  y = Softmax <axis = a> (x) when a is the last axis, or only ones follow; otherwise
///         s = Shape (x); f = Flatten <axis = a> (x); g = Softmax <axis = 1> (f); y = Reshape (g, s)
void adapt_softmax(Graph& graph, Node* node, const KnownTypes& types);

}  // namespace mcompress
