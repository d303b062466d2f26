// deduplicate-constants: keeps one of several equal constants.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `<a = float[2] {1, 2}, b = float[2] {1, 2}>  y = Add (x, a)  z = Mul (y, b)`
/// After:   `<a = float[2] {1, 2}>  y = Add (x, a)  z = Mul (y, a)`
///
/// Equal: same element type, shape and bytes (so 0 and -0 differ). The first one added stays. Of equal constants in different graphs, those of 1 KiB
/// and more become one, in the innermost graph around all of them: branches often hold copies of the same weights. A body keeps smaller ones that
/// its outer graph has too.
/// Does nothing when no two are equal. Graph inputs with a default are not constants: callers may override them. A constant that is a graph
/// output keeps its name, and sparse ones are carried as they are.
std::unique_ptr<Pass> make_deduplicate_constants();

}  // namespace mcompress
