// Opset upgrade with adapters: the meaning is kept or the upgrade is refused.
#pragma once

#include "ir/model.h"

namespace mcompress {

/// Raises the import of the default domain to `version`, rewriting nodes whose semantics or signature changed in between. Throws
/// kOpsetUnsupported naming every node for which there is no adapter; the model is then unchanged. Does nothing when it is there already.
void upgrade_opset(Model& model, int version);

}  // namespace mcompress
