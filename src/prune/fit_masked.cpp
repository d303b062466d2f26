#include "prune/fit_masked.h"

#include <algorithm>

#include "prune/damping_terms.h"
#include "prune/fit_rows.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 4;

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
        if (fewer_go > 0 && !prepare_complement()) return {};
        std::vector<float> result(problem_.weights.size(), 0.0F);
        parallel_chunks(rows, kRowsAtOnce, problem_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
            for (std::size_t row = begin; row < end; ++row) {
                const std::span<float> to = std::span(result).subspan(row * inputs_, inputs_);
                if (is_by_complement(row)) solve_by_complement(row, to);
                else solve_directly(row, to);
            }
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

    /// B and u, from one factorization.
    bool prepare_complement() {
        const auto outputs = static_cast<std::size_t>(problem_.outputs), width = inputs_ + outputs;
        std::vector<double> both(inputs_ * width, 0.0);
        for (std::size_t at = 0; at < inputs_; ++at) {
            both[at * width + at] = 1.0;
            for (std::size_t row = 0; row < outputs; ++row) both[at * width + inputs_ + row] = wanted_[row * inputs_ + at];
        }
        if (linalg::cholesky_solve(matrix_, problem_.inputs, 0.0, both, static_cast<std::int64_t>(width)) != linalg::Factorization::Done)
            return false;
        inverse_ = std::move(both);
        stride_ = width;
        return true;
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

    void solve_by_complement(std::size_t row, std::span<float> to) const {
        const std::vector<std::int32_t> gone = where(row, 0);
        std::vector<double> value(inputs_);
        for (std::size_t at = 0; at < inputs_; ++at) value[at] = inverse_[at * stride_ + inputs_ + row];
        std::vector<double> right;
        for (const std::int32_t at : gone) right.push_back(value[static_cast<std::size_t>(at)]);
        const auto count = static_cast<std::int64_t>(gone.size());
        if (linalg::cholesky_solve(part_of(inverse_, stride_, gone), count, 0.0, right, 1) == linalg::Factorization::Done) {
            for (std::size_t at = 0; at < gone.size(); ++at) {
                const double* const column = inverse_.data() + static_cast<std::size_t>(gone[at]) * stride_;
                for (std::size_t to_change = 0; to_change < inputs_; ++to_change) value[to_change] -= right[at] * column[to_change];
            }
        }
        for (std::size_t at = 0; at < inputs_; ++at) to[at] = static_cast<float>(value[at]);
        for (const std::int32_t at : gone) to[static_cast<std::size_t>(at)] = 0.0F;
    }

    const MaskedProblem& problem_;
    const FitMoments& moments_;
    const Mask& mask_;
    std::size_t inputs_;
    std::vector<double> matrix_, wanted_;
    std::vector<double> inverse_;  // B with u^T on its right
    std::size_t stride_ = 0;
};

}  // namespace

std::vector<float> fit_masked(const MaskedProblem& problem, const Mask& mask) {
    MCOMPRESS_CHECK(mask.size() == problem.weights.size());
    if (const FitRows* rows = std::get_if<FitRows>(&problem.given)) return fit_rows(problem, *rows, mask);
    return RowSolver(problem, std::get<FitMoments>(problem.given), mask).run();
}

}  // namespace mcompress
