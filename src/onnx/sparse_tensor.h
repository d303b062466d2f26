// Sparse tensors as files hold them: values, and where they stand in a dense tensor of zeros.
#pragma once

#include "onnx/convert_tensor.h"

namespace mcompress {

/// Of a tensor whose bytes are in the message. The values are a list, the indices a list of int64 positions or one coordinate a row, ascending, none twice, all inside the dense shape. Throws
/// kTensorInvalid with what was found, kTooLarge for a dense tensor beyond 2^32 elements.
void check_sparse_tensor(const onnx::SparseTensorProto& proto);

}  // namespace mcompress
