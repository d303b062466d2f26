// Kernels whose inputs may mix float32 with 16-bit floats: which input an output takes its element type from.
#pragma once

#include <span>

#include "engine/reference/dispatch.h"

namespace mcompress::reference {

/// As run_widened, but a float32 output k gets the type of input sources[k] when that is a 16-bit float, and stays float32 otherwise.
void run_widened_like(const KernelContext& context, KernelFunction kernel, std::span<const int> sources);

template <KernelFunction kernel, int... sources> void widened_like(const KernelContext& context) {
    static constexpr int kSources[] = {sources...};
    run_widened_like(context, kernel, kSources);
}

}  // namespace mcompress::reference
