// Cutting tensors along an axis and joining them again, for elements of every type: what sequences and control flow do with tensors.
#pragma once

#include "engine/reference/kernel.h"

namespace mcompress::reference {

/// `count` places of `axis` from `begin`; both must lie inside.
Tensor cut(const Tensor& x, int axis, std::int64_t begin, std::int64_t count);
/// Place `index` of `axis`, without that axis.
Tensor take(const Tensor& x, int axis, std::int64_t index);
/// The parts one behind the other along `axis`. Rejects other shapes or types than the first one's, and what is too large.
Tensor join(const KernelContext& context, std::span<const Tensor> parts, int axis);
/// The same along a new axis.
Tensor stack(const KernelContext& context, std::span<const Tensor> parts, int axis);
/// `x` with zeros behind its last place of `axis`, up to `extent` places.
Tensor pad_behind(const KernelContext& context, const Tensor& x, int axis, std::int64_t extent);

}  // namespace mcompress::reference
