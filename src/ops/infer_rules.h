// Inference rules that many operators share, and arithmetic on dimensions.
#pragma once

#include "ops/attributes.h"
#include "ops/op_info.h"
#include "support/saturating.h"

namespace mcompress {

// ---- whole rules ----
void infer_nothing(InferContext& context);             // outputs stay unknown
void infer_same(InferContext& context);                // output 0 is like input 0
void infer_same_bool(InferContext& context);           // output 0 has the shape of input 0 and is bool
void infer_broadcast(InferContext& context);           // two inputs of one element type, broadcast
void infer_broadcast_mixed(InferContext& context);     // the same; the element type is that of input 0 (Pow, BitShift)
void infer_broadcast_bool(InferContext& context);      // the same; the output is bool
void infer_variadic_broadcast(InferContext& context);  // any number of inputs

/// Reads the typed attributes for their checks alone.
template <typename Attrs> void check_attrs(const Node& node) { (void)Attrs::read(node); }

// ---- parts of rules ----
/// A tensor of that element type, of which nothing else is known.
ValueType tensor_of(DType dtype);
/// `rank` dimensions of which nothing is known.
Dims unknown_dims(int rank);
/// Input's dimensions when its rank is known; rejects a rank that is not the wanted one.
const Dims* dims_of_rank(const InferContext& context, int index, int rank);
/// The axis in [0, rank); rejects one out of range.
int checked_axis(const InferContext& context, std::int64_t axis, int rank);
/// NumPy broadcasting; a dimension that cannot be told is unknown. Rejects known extents that do not fit.
Dims broadcast_dims(const InferContext& context, const Dims& a, const Dims& b);
/// Broadcast of the shapes of several inputs; nothing when a rank is unknown.
std::optional<Dims> broadcast_inputs(const InferContext& context, int first, int last);
/// What is known of one dimension from two sources; rejects different known extents.
Dim merge_dims(const InferContext& context, const Dim& a, const Dim& b);
/// Rejects known element types that differ. The known one otherwise.
DType merge_dtypes(const InferContext& context, int a, int b);

Dim multiply(const InferContext& context, const Dim& a, const Dim& b);
Dim add(const InferContext& context, const Dim& a, const Dim& b);
/// Product of dims [begin, end).
Dim product(const InferContext& context, const Dims& dims, int begin, int end);

/// Of known extents, for counting work; stays at the largest number instead of overflowing.
std::int64_t element_count(const ValueType& type);

}  // namespace mcompress
