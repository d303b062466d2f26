// Statistics' inner loops for processors with AVX-512 (see value_kernels.h).
#pragma once

#include "tensor/value_kernels.h"

namespace mcompress {

bool has_avx512();
bool summarize_avx512(std::span<const float> block, ValueSummary& summary);
std::size_t count_avx512(std::span<const float> values, const CounterTable& table, ValueSummary& summary);

}  // namespace mcompress
