// strip-declared-types: what inference finds again need not be declared.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  <float[2] v> v = Relu (x)  y = Neg (v)     (v's type is written into the file)
/// After:   v = Relu (x)  y = Neg (v)
///
/// Takes the declarations (value_info) of constants and computed values whose types follow from the inputs and operators alone. Those of inputs and
/// outputs stay, those that say more than inference knows or name other symbols, and those that carry more than a type (a doc string, a denotation).
/// Types in memory do not change. Does nothing when nothing inside is declared.
std::unique_ptr<Pass> make_strip_declared_types();

}  // namespace mcompress
