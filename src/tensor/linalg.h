// Dense linear algebra on row-major spans: products, Gram matrices, Cholesky solutions and factors.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mcompress::linalg {

// Every function here adds in an order fixed by the shapes: a result depends on the machine's vector unit, never on the number of threads. What takes none runs on the
// calling thread alone; independent layers or blocks of rows are for the caller to spread. A span of another length than its shape says, or a negative extent, ends in
// kInternal.

enum class Transpose { No, Yes };
enum class Store { Overwrite, Add };

/// What a matrix is before the operation says whether it is transposed: row-major, without gaps.
struct Operand {
    std::span<const float> values;
    Transpose transpose = Transpose::No;
};

/// c [m,n] = or += op(a) [m,k] * op(b) [k,n], in float. `a` is stored [m,k], or [k,m] when it is transposed; `b` [k,n] or [n,k].
struct Extents {
    std::int64_t m = 0;
    std::int64_t n = 0;
    std::int64_t k = 0;
};
void gemm(Operand a, Operand b, std::span<float> c, Extents extents, Store store = Store::Overwrite);

/// c [m,n] = a [m,k] * b [k,n], in double.
void multiply(std::span<const double> a, std::span<const double> b, std::span<double> c, Extents extents);

/// to [n] = the sum of the rows [factors, n], each times its factor.
void combine_rows(std::span<const float> rows, std::span<const float> factors, std::span<float> to);

/// c [p,q] += x^T y for x [rows,p] and y [rows,q]: products of float over blocks of 512 rows, summed over the blocks in double.
void accumulate_cross(std::span<const float> x, std::span<const float> y, std::int64_t rows, std::int64_t p, std::int64_t q,
                      std::span<double> c);
/// gram [n,n] += x^T x for x [rows,n]: as above at half the work. The whole symmetric matrix is written.
void accumulate_gram(std::span<const float> x, std::int64_t rows, std::int64_t n, std::span<double> gram, int threads = 1);

/// The mean of each column of x [rows, n], summed row by row; zeros when there is no row.
std::vector<double> column_means(std::span<const float> x, std::int64_t rows, std::int64_t n, int threads = 1);

enum class [[nodiscard]] Factorization{Done, NotPositiveDefinite};

/// Solves (a + damping * mean(diag a) * I) x = b for symmetric a [n,n] (the lower triangle is read) and b [n,columns], which becomes x.
/// When the damped matrix is not positive definite, or not finite, b keeps its values.
Factorization cholesky_solve(std::span<const double> a, std::int64_t n, double damping, std::span<double> b, std::int64_t columns);

/// Replaces symmetric a [n,n] (the lower triangle is read) by its inverse, both triangles of it. On failure `a` holds no meaningful values.
Factorization invert_symmetric(std::span<double> a, std::int64_t n, int threads = 1);

/// Replaces symmetric a [n,n] (the lower triangle is read) by the lower triangular L with L L^T = a, zeros above. On failure `a` holds no meaningful values.
Factorization lower_cholesky(std::span<double> a, std::int64_t n);

/// Replaces symmetric a [n,n] (the lower triangle is read) by the upper triangular U with U^T U = (a + damping * mean(diag a) * I)^-1, zeros below:
/// the factor that GPTQ walks along (Frantar et al. 2022, 3.3). Found without the inverse: with J the reversal of the order, J a J = L L^T gives
/// U = J L^-1 J. On failure `a` holds no meaningful values.
Factorization inverse_upper_cholesky(std::span<double> a, std::int64_t n, double damping);

/// The instruction set the products run with on this machine: "baseline", "avx2" or "avx512".
std::string_view instruction_set();

}  // namespace mcompress::linalg
