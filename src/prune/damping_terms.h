// What damping adds to the moments of a layer's inputs before they are inverted.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mcompress {

/// G for the diagonal of A: d A_jj, a little more so that inputs that hardly vary beside the others leave a factor, and 1 for those that never do. Empty when
/// the diagonal is not finite.
std::vector<double> damping_terms(std::span<const double> diagonal, double damping);
/// The same for A itself, [inputs, inputs].
std::vector<double> damping_terms_of(std::span<const double> matrix, std::size_t inputs, double damping);

}  // namespace mcompress
