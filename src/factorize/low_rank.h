// Weights as products of thinner ones that change what a layer gives least: whitened decompositions of matrices and kernels.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "factorize/matrix.h"
#include "passes/compress/low_rank_nodes.h"

namespace mcompress {

/// What decompositions know of a layer: W [m, n] (n: im2col columns in the order channel, row, column) and G [n, n], the mean of x x^T over its input rows, without
/// data the unit matrix. Errors are E |W x - W' x|^2 = tr (W - W') G (W - W')^T over E |W x|^2 = tr W G W^T. `judged_by` is the same of rows that nothing is found by;
/// empty: there are none.
struct LayerAlgebra {
    Matrix weight;
    Matrix gram;
    std::int64_t channels = 0;  // n = channels * height * width
    std::int64_t height = 1;
    std::int64_t width = 1;
    Matrix judged_by = {};
};

/// W ~ left right with right [rank, n], for any number of leading rows of `right` and columns of `left` the best there is, and dropped[r]: the relative error with r of them, which is the sum of
/// the squares of the other whitened singular values.
///
/// Formula: W S = U D V^T with S S^T = G; left = U_r, right = U_r^T W, which is U_r D_r V_r^T S^-1 (SVD-LLM, Wang et al. 2024) without S: U are the eigenvectors of
/// W G W^T. Where m > n, with S = Q D^(1/2) of G = Q D Q^T: right = V_r^T S^-1, left = W S V_r.
struct Decomposition {
    Matrix left;                  // [m, count]
    Matrix right;                 // [count, n]
    std::vector<double> dropped;  // [count + 1]
};
Decomposition decompose(const Matrix& weight, const Matrix& gram);

/// One way to write a layer in factors.
struct LowRankForm {
    FactorForm form = FactorForm::Product;
    std::int64_t rank = 0;        // inputs of the last factor: filters of the one before it
    std::int64_t inner_rank = 0;  // of Tucker: outputs of the first factor
    double error = 0.0;           // relative, as above
    double judged_error = 0.0;    // that of the rows to judge by, where there are any; else the same
};

/// The forms of a layer at ranks that are multiples of `step`, with their errors: Product for all, Spatial and Tucker for kernels larger than 1x1.
class LowRankForms {
public:
    LowRankForms(LayerAlgebra layer, std::int64_t step);

    const std::vector<LowRankForm>& forms() const { return forms_; }
    const LayerAlgebra& layer() const { return layer_; }
    /// The factors, first to last; the last one's matrix is [m, columns].
    std::vector<Matrix> factors(const LowRankForm& form) const;

private:
    void add_products(std::int64_t step);
    void add_spatial(std::int64_t step);
    void add_tucker(std::int64_t step);
    /// [count + 1], or empty without rows to judge by.
    std::vector<double> judged(const Matrix& left, const Matrix& right) const;

    LayerAlgebra layer_;
    double signal_ = 0.0;
    Decomposition product_, spatial_, channel_;
    std::vector<LowRankForm> forms_;
};

/// By how many of the leading terms of W' = left right, left's columns orthogonal: the relative error on rows with these moments, [terms + 1].
std::vector<double> errors_of_terms(const Matrix& weight, const Matrix& left, const Matrix& right, const Matrix& moments);

/// What the factors but the last make of an im2col row: [columns of the last factor, n].
Matrix front_map(const LayerAlgebra& layer, FactorForm form, const std::vector<Matrix>& factors);

/// L with the least E |y - L z|^2 for cross = E[y z^T] [m, q] and moments = E[z z^T] [q, q], damped where z is singular.
Matrix regression_of(const Matrix& cross, const Matrix& moments);

}  // namespace mcompress
