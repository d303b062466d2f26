#include "factorize/matrix.h"

#include <algorithm>

#include "support/check.h"

namespace mcompress {

Matrix matrix_of(std::span<const float> values, std::int64_t rows, std::int64_t columns) {
    MCOMPRESS_CHECK(values.size() == static_cast<std::size_t>(rows * columns));
    Matrix result;
    result.rows = rows;
    result.columns = columns;
    result.values.assign(values.begin(), values.end());
    return result;
}

std::vector<float> floats_of(const Matrix& matrix) {
    std::vector<float> result(matrix.values.size());
    std::transform(matrix.values.begin(), matrix.values.end(), result.begin(), [](double value) { return static_cast<float>(value); });
    return result;
}

Matrix transpose(const Matrix& a) {
    Matrix result(a.columns, a.rows);
    for (std::int64_t r = 0; r < a.rows; ++r)
        for (std::int64_t c = 0; c < a.columns; ++c) result(c, r) = a(r, c);
    return result;
}

Matrix product(const Matrix& a, const Matrix& b) {
    MCOMPRESS_CHECK(a.columns == b.rows);
    Matrix result(a.rows, b.columns);
    for (std::int64_t r = 0; r < a.rows; ++r) {
        double* const to = result.values.data() + r * b.columns;
        for (std::int64_t k = 0; k < a.columns; ++k) {
            const double factor = a(r, k);
            const double* const from = b.values.data() + k * b.columns;
            for (std::int64_t c = 0; c < b.columns; ++c) to[c] += factor * from[c];
        }
    }
    return result;
}

Matrix product_transposed(const Matrix& a, const Matrix& b) { return product(a, transpose(b)); }

Matrix first_rows(const Matrix& a, std::int64_t count) {
    MCOMPRESS_CHECK(count >= 0 && count <= a.rows);
    Matrix result;
    result.rows = count;
    result.columns = a.columns;
    result.values.assign(a.values.begin(), a.values.begin() + count * a.columns);
    return result;
}

double trace(const Matrix& a) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < std::min(a.rows, a.columns); ++i) sum += a(i, i);
    return sum;
}

}  // namespace mcompress
