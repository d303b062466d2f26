// fold-constants: computes what depends on constants and known shapes alone.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// What becomes of constants that are stored in a narrower type than they are read in: weights in float16 behind a Cast to float32. Whoever rewrites weights wants them
/// folded, whoever writes files does not.
enum class Widening { Fold, Keep };

/// Before:  `c = Constant <value = float {2}> ()  d = Mul (w, c)  y = Add (x, d)` with w a constant
/// After:   `<d = float[…] {…}>  y = Add (x, d)`
///
/// The evaluator computes a node whose inputs are all known; type inference computes shapes and what follows from them, also where the rest
/// of a shape is open. A Constant node becomes a constant of the graph.
/// Does nothing when the node is random, has bodies or is not in the op table; to DequantizeLinear, which keeps quantization visible; when the
/// value is a graph output (a constant cannot be one); to more than 4 KiB of weights that are codes of a codebook (passes/codebook.h), which take less room; or when the result is more than 4 KiB and more than four times as large as the inputs, as
/// ConstantOfShape, Expand and Tile make it; with Widening::Keep, to a Cast that makes more than 4 KiB of a constant wider.
std::unique_ptr<Pass> make_fold_constants(Evaluator evaluator, Widening widening = Widening::Fold);

}  // namespace mcompress
