#include "prune/fit_masked.h"

#include <algorithm>

#include "prune/damping_terms.h"
#include "prune/fit_rows.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 8;

/// The rows and columns `chosen` of a symmetric matrix.
std::vector<double> part_of(std::span<const double> matrix, std::size_t stride, std::span<const std::int32_t> chosen) {
    std::vector<double> part(chosen.size() * chosen.size());
    for (std::size_t row = 0; row < chosen.size(); ++row)
        for (std::size_t column = 0; column <= row; ++column)
            part[row * chosen.size() + column] =
                matrix[static_cast<std::size_t>(chosen[row]) * stride + static_cast<std::size_t>(chosen[column])];
    return part;
}

/// Solves row by row; falls back to the weight itself where a part has no factor.
class RowSolver {
public:
    RowSolver(const MaskedProblem& problem, const FitMoments& moments, const Mask& mask)
        : problem_(problem), moments_(moments), mask_(mask), inputs_(static_cast<std::size_t>(problem.inputs)) {}

    std::vector<float> run() {
        if (!prepare()) return {};
        const auto rows = static_cast<std::size_t>(problem_.outputs);
        std::size_t fewer_go = 0;
        for (std::size_t row = 0; row < rows; ++row) fewer_go += is_by_complement(row) ? 1U : 0U;
        if (fewer_go > 0) {
            DampedInverses own;
            inverse_ = (moments_.inverses ? *moments_.inverses : own).of(moments_.inputs, inputs_, problem_.damping, problem_.threads);
            if (!inverse_) return {};
        }
        std::vector<float> result(problem_.weights.size(), 0.0F);
        parallel_chunks(rows, kRowsAtOnce, problem_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
            std::vector<std::size_t> by_complement;
            for (std::size_t row = begin; row < end; ++row) {
                if (is_by_complement(row)) by_complement.push_back(row);
                else solve_directly(row, std::span(result).subspan(row * inputs_, inputs_));
            }
            solve_by_complement(by_complement, result);
        });
        return result;
    }

private:
    /// A + G and E[y x'^T] + W G.
    bool prepare() {
        const std::vector<double> terms = damping_terms_of(moments_.inputs, inputs_, problem_.damping);
        if (terms.empty()) return false;
        matrix_.assign(moments_.inputs.begin(), moments_.inputs.end());
        for (std::size_t at = 0; at < inputs_; ++at) matrix_[at * (inputs_ + 1)] += terms[at];
        wanted_.assign(moments_.wanted.begin(), moments_.wanted.end());
        for (std::size_t at = 0; at < wanted_.size(); ++at) wanted_[at] += terms[at % inputs_] * static_cast<double>(problem_.weights[at]);
        return true;
    }

    std::vector<std::int32_t> where(std::size_t row, std::uint8_t value) const {
        std::vector<std::int32_t> chosen;
        for (std::size_t at = 0; at < inputs_; ++at)
            if (mask_[row * inputs_ + at] == value) chosen.push_back(static_cast<std::int32_t>(at));
        return chosen;
    }

    bool is_by_complement(std::size_t row) const {
        const std::int64_t zeros = zeros_of(std::span(mask_).subspan(row * inputs_, inputs_));
        return 2 * zeros < problem_.inputs;
    }

    void solve_directly(std::size_t row, std::span<float> to) const {
        const std::vector<std::int32_t> kept = where(row, 1);
        std::vector<double> right;
        for (const std::int32_t at : kept) right.push_back(wanted_[row * inputs_ + static_cast<std::size_t>(at)]);
        const auto count = static_cast<std::int64_t>(kept.size());
        const bool is_solved = linalg::cholesky_solve(part_of(matrix_, inputs_, kept), count, 0.0, right, 1) == linalg::Factorization::Done;
        for (std::size_t at = 0; at < kept.size(); ++at) {
            const auto column = static_cast<std::size_t>(kept[at]);
            to[column] = is_solved ? static_cast<float>(right[at]) : problem_.weights[row * inputs_ + column];
        }
    }

    /// Of several rows at once: v = (w - r) B, where r makes what goes 0.
    void solve_by_complement(std::span<const std::size_t> rows, std::vector<float>& result) const {
        if (rows.empty()) return;
        std::vector<double> right(rows.size() * inputs_);
        for (std::size_t at = 0; at < rows.size(); ++at)
            std::copy_n(wanted_.begin() + static_cast<std::ptrdiff_t>(rows[at] * inputs_), inputs_,
                        right.begin() + static_cast<std::ptrdiff_t>(at * inputs_));
        const std::vector<double> unmasked = times_inverse(right);
        for (std::size_t at = 0; at < rows.size(); ++at)
            take_out(where(rows[at], 0), std::span(unmasked).subspan(at * inputs_, inputs_),
                     std::span(right).subspan(at * inputs_, inputs_));
        const std::vector<double> values = times_inverse(right);
        for (std::size_t at = 0; at < rows.size(); ++at)
            for (std::size_t input = 0; input < inputs_; ++input)
                if (mask_[rows[at] * inputs_ + input])
                    result[rows[at] * inputs_ + input] = static_cast<float>(values[at * inputs_ + input]);
    }

    /// From what is to be met, right: r with B_ZZ r_Z = u_Z. Nothing where that has no factor.
    void take_out(const std::vector<std::int32_t>& gone, std::span<const double> unmasked, std::span<double> right) const {
        std::vector<double> factors;
        for (const std::int32_t at : gone) factors.push_back(unmasked[static_cast<std::size_t>(at)]);
        const auto count = static_cast<std::int64_t>(gone.size());
        if (linalg::cholesky_solve(part_of(*inverse_, inputs_, gone), count, 0.0, factors, 1) != linalg::Factorization::Done) return;
        for (std::size_t at = 0; at < gone.size(); ++at) right[static_cast<std::size_t>(gone[at])] -= factors[at];
    }

    /// Rows of as many numbers as there are inputs, times B.
    std::vector<double> times_inverse(std::span<const double> rows) const {
        std::vector<double> products(rows.size());
        linalg::multiply(rows, *inverse_, products, {static_cast<std::int64_t>(rows.size() / inputs_), problem_.inputs, problem_.inputs});
        return products;
    }

    const MaskedProblem& problem_;
    const FitMoments& moments_;
    const Mask& mask_;
    std::size_t inputs_;
    std::vector<double> matrix_, wanted_;
    std::shared_ptr<const std::vector<double>> inverse_;  // B
};

}  // namespace

std::vector<float> fit_masked(const MaskedProblem& problem, const Mask& mask) {
    MCOMPRESS_CHECK(mask.size() == problem.weights.size());
    if (const FitRows* rows = std::get_if<FitRows>(&problem.given)) return fit_rows(problem, *rows, mask);
    return RowSolver(problem, std::get<FitMoments>(problem.given), mask).run();
}

}  // namespace mcompress
