// Small dense matrices of doubles, row-major, for the algebra of factorizations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mcompress {

struct Matrix {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<double> values;

    Matrix() = default;
    Matrix(std::int64_t r, std::int64_t c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c), 0.0) {}
    double& operator()(std::int64_t r, std::int64_t c) { return values[static_cast<std::size_t>(r * columns + c)]; }
    double operator()(std::int64_t r, std::int64_t c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
};

Matrix matrix_of(std::span<const float> values, std::int64_t rows, std::int64_t columns);
std::vector<float> floats_of(const Matrix& matrix);
Matrix transpose(const Matrix& a);
/// a b, a b^T and a^T b; the extents must fit.
Matrix product(const Matrix& a, const Matrix& b);
Matrix product_transposed(const Matrix& a, const Matrix& b);
/// Rows [0, count).
Matrix first_rows(const Matrix& a, std::int64_t count);
double trace(const Matrix& a);

}  // namespace mcompress
