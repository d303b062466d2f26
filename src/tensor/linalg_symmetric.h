// Eigenvalues and eigenvectors of symmetric matrices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mcompress::linalg {

struct SymmetricEigen {
    std::vector<double> values;  // [n], descending
    std::vector<double>
        vectors;  // [n, n]; row i belongs to values[i], unit length, its element of greatest magnitude (the first of equals) positive
};

/// Of symmetric a [n,n] (the lower triangle is read), in double on the calling thread. Throws kInternal when `a` is not finite or the iteration does not end.
SymmetricEigen symmetric_eigen(std::span<const double> a, std::int64_t n);

}  // namespace mcompress::linalg
