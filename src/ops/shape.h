// Attributes of operators that move elements without changing them: Reshape, Transpose, Slice, Pad, Concat, Split …
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct TransposeAttrs {
    std::vector<std::int64_t> perm;  // empty: reverse
    static TransposeAttrs read(const Node& node);
    /// A permutation of [0, rank). Throws kShapeInvalid when perm is none.
    std::vector<int> resolve(int rank) const;
};

struct ReshapeAttrs {
    enum class Zero { CopiesInput, IsZero };
    IntegersSource target;  // attribute `shape` before opset 5
    Zero zero = Zero::CopiesInput;
    static ReshapeAttrs read(const Node& node);
    /// The output shape for an input of known shape: one -1 is inferred. Throws kShapeInvalid when the element counts differ.
    Shape resolve(const Shape& input, const std::vector<std::int64_t>& target_dims) const;
};

struct FlattenAttrs {
    std::int64_t axis = 1;  // may be negative; in [-rank, rank]
    static FlattenAttrs read(const Node& node);
};

struct SqueezeAttrs {
    IntegersSource axes;  // absent: every axis of extent 1. Input 1 from opset 13.
    static SqueezeAttrs read(const Node& node);
};
struct UnsqueezeAttrs {
    IntegersSource axes;  // of the output. Input 1 from opset 13.
    static UnsqueezeAttrs read(const Node& node);
};
/// Axes of a list that may count from the end, ascending and distinct. Throws kShapeInvalid on one out of range or (when not allowed) twice.
std::vector<int> resolve_axes(const std::vector<std::int64_t>& axes, int rank);

/// The axes that lists of `count` entries speak of, in the order of the lists: those given, or the first ones. Throws kShapeInvalid.
std::vector<int> resolve_listed_axes(const std::optional<std::vector<std::int64_t>>& axes, std::size_t count, int rank);

struct ConcatAttrs {
    std::int64_t axis = 1;
    static ConcatAttrs read(const Node& node);
};

struct SplitAttrs {
    std::int64_t axis = 0;
    IntegersSource split;          // absent: equal parts. Input 1 from opset 13.
    std::int64_t num_outputs = 0;  // from opset 18; 0: the number of outputs of the node
    static SplitAttrs read(const Node& node);
    /// Extents of the parts of an axis. `given` is the list (nothing when absent). Throws kShapeInvalid when the sum is not the extent.
    std::vector<std::int64_t> resolve(std::int64_t extent, int outputs, const std::optional<std::vector<std::int64_t>>& given) const;
};

/// Along one axis: elements start, start + step, … `count` of them.
struct SliceRange {
    std::int64_t start = 0;
    std::int64_t step = 1;
    std::int64_t count = 0;
    bool operator==(const SliceRange&) const = default;
};
/// Clamps as NumPy and ONNX do. Throws kShapeInvalid on step 0.
SliceRange resolve_slice(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent);

/// Attributes before opset 10, inputs 1 to 4 after.
struct SliceAttrs {
    IntegersSource starts, ends, axes, steps;  // axes absent: 0, 1, …; steps absent: 1
    static SliceAttrs read(const Node& node);
    /// A range for every axis of the input from the four lists as given. Throws kShapeInvalid when they do not fit.
    static std::vector<SliceRange> resolve(const Shape& input, const std::vector<std::int64_t>& starts,
                                           const std::vector<std::int64_t>& ends, const std::optional<std::vector<std::int64_t>>& axes,
                                           const std::optional<std::vector<std::int64_t>>& steps);
};

struct PadAttrs {
    enum class Mode { Constant, Reflect, Edge, Wrap };
    Mode mode = Mode::Constant;
    IntegersSource pads;  // `paddings` (opset 1), `pads` (2 to 10), input 1 from 11. May be negative: crops.
    ScalarSource value;   // attribute before opset 11, input 2 after; absent: 0
    IntegersSource axes;  // input 3 from opset 18; absent: all
    static PadAttrs read(const Node& node);
    struct Amount {
        std::int64_t begin = 0;
        std::int64_t end = 0;
        bool operator==(const Amount&) const = default;
    };
    /// Amounts for every axis from the lists as given. Throws kShapeInvalid when lengths do not fit.
    static std::vector<Amount> resolve(int rank, const std::vector<std::int64_t>& pads,
                                       const std::optional<std::vector<std::int64_t>>& axes);
};

/// From opset 6; the older form (tiles and axis as tensors) is not typed.
struct TileAttrs {
    IntegersSource repeats;
    static TileAttrs read(const Node& node);
};

struct ConstantOfShapeAttrs {
    Tensor value;  // one element; float 0 by default
    static ConstantOfShapeAttrs read(const Node& node);
};

/// The tensor a Constant node holds, whatever attribute it is given by. Undefined for a sparse one.
struct ConstantAttrs {
    Tensor value;
    static ConstantAttrs read(const Node& node);
};

/// Shape: which dimensions [start, end) of the input are returned (from opset 15; all before).
struct ShapeAttrs {
    std::int64_t start = 0;
    std::optional<std::int64_t> end;
    static ShapeAttrs read(const Node& node);
    /// start and end clamped to [0, rank], start <= end.
    std::pair<int, int> resolve(int rank) const;
};

struct DepthToSpaceAttrs {
    enum class Mode { DepthColumnRow, ColumnRowDepth };  // "DCR", "CRD"
    std::int64_t blocksize = 1;
    Mode mode = Mode::DepthColumnRow;
    static DepthToSpaceAttrs read(const Node& node);
};
struct SpaceToDepthAttrs {
    std::int64_t blocksize = 1;
    static SpaceToDepthAttrs read(const Node& node);
};

}  // namespace mcompress
