#include "prune/fit_masked.h"

#include <algorithm>
#include <cmath>

#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 4;
constexpr double kLeastShare = 1e-4;

/// A + damping diag(A), with 1 on the diagonal of inputs that are always the same. Nothing when it is not finite.
std::vector<double> damped(const MaskedProblem& problem) {
    const auto inputs = static_cast<std::size_t>(problem.inputs);
    std::vector<double> matrix(problem.moments.begin(), problem.moments.end());
    double trace = 0.0;
    for (std::size_t at = 0; at < inputs; ++at) trace += matrix[at * (inputs + 1)];
    if (!std::isfinite(trace)) return {};
    // Inputs that hardly vary beside the others would leave the matrix without a factor.
    const double least = kLeastShare * problem.damping * trace / static_cast<double>(std::max<std::size_t>(1, inputs));
    for (std::size_t at = 0; at < inputs; ++at) {
        double& diagonal = matrix[at * (inputs + 1)];
        diagonal += problem.damping * diagonal + least;
        if (!(diagonal > 0.0)) diagonal = 1.0;
    }
    return matrix;
}

/// W D + E[t x'^T] + W (damped A - A), [outputs, inputs]: inputs that never vary keep their weights.
std::vector<double> wanted_products(const MaskedProblem& problem, std::span<const double> damped_moments) {
    const auto inputs = static_cast<std::size_t>(problem.inputs), size = problem.weights.size();
    std::vector<float> cross(problem.cross.begin(), problem.cross.end());
    std::vector<float> product(size);
    linalg::gemm({problem.weights}, {cross}, product, {.m = problem.outputs, .n = problem.inputs, .k = problem.inputs});
    std::vector<double> wanted(product.begin(), product.end());
    for (std::size_t at = 0; at < problem.shift.size(); ++at) wanted[at] += problem.shift[at];
    for (std::size_t at = 0; at < size; ++at) {
        const std::size_t diagonal = at % inputs * (inputs + 1);
        wanted[at] += (damped_moments[diagonal] - problem.moments[diagonal]) * static_cast<double>(problem.weights[at]);
    }
    return wanted;
}

std::vector<double> transposed(std::span<const double> matrix, std::size_t rows, std::size_t columns) {
    std::vector<double> result(matrix.size());
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column) result[column * rows + row] = matrix[row * columns + column];
    return result;
}

/// The rows and columns `chosen` of a symmetric matrix.
std::vector<double> part_of(std::span<const double> matrix, std::size_t inputs, std::span<const std::int32_t> chosen) {
    std::vector<double> part(chosen.size() * chosen.size());
    for (std::size_t row = 0; row < chosen.size(); ++row)
        for (std::size_t column = 0; column <= row; ++column)
            part[row * chosen.size() + column] =
                matrix[static_cast<std::size_t>(chosen[row]) * inputs + static_cast<std::size_t>(chosen[column])];
    return part;
}

/// Solves row by row; falls back to the weight itself where a part has no factor.
class RowSolver {
public:
    RowSolver(const MaskedProblem& problem, const Mask& mask)
        : problem_(problem), mask_(mask), inputs_(static_cast<std::size_t>(problem.inputs)) {}

    std::vector<float> run() {
        matrix_ = damped(problem_);
        if (matrix_.empty()) return {};
        wanted_ = wanted_products(problem_, matrix_);
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

    /// B and u.
    bool prepare_complement() {
        inverse_.assign(inputs_ * inputs_, 0.0);
        for (std::size_t at = 0; at < inputs_; ++at) inverse_[at * (inputs_ + 1)] = 1.0;
        if (linalg::cholesky_solve(matrix_, problem_.inputs, 0.0, inverse_, problem_.inputs) != linalg::Factorization::Done) return false;
        std::vector<double> columns = transposed(wanted_, static_cast<std::size_t>(problem_.outputs), inputs_);
        if (linalg::cholesky_solve(matrix_, problem_.inputs, 0.0, columns, problem_.outputs) != linalg::Factorization::Done) return false;
        free_ = transposed(columns, inputs_, static_cast<std::size_t>(problem_.outputs));
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
        std::vector<double> value(free_.begin() + static_cast<std::ptrdiff_t>(row * inputs_),
                                  free_.begin() + static_cast<std::ptrdiff_t>((row + 1) * inputs_));
        std::vector<double> right;
        for (const std::int32_t at : gone) right.push_back(value[static_cast<std::size_t>(at)]);
        const auto count = static_cast<std::int64_t>(gone.size());
        if (linalg::cholesky_solve(part_of(inverse_, inputs_, gone), count, 0.0, right, 1) == linalg::Factorization::Done) {
            for (std::size_t at = 0; at < gone.size(); ++at) {
                const double* const column = inverse_.data() + static_cast<std::size_t>(gone[at]) * inputs_;
                for (std::size_t to_change = 0; to_change < inputs_; ++to_change) value[to_change] -= right[at] * column[to_change];
            }
        }
        for (std::size_t at = 0; at < inputs_; ++at) to[at] = static_cast<float>(value[at]);
        for (const std::int32_t at : gone) to[static_cast<std::size_t>(at)] = 0.0F;
    }

    const MaskedProblem& problem_;
    const Mask& mask_;
    std::size_t inputs_;
    std::vector<double> matrix_, wanted_, inverse_, free_;
};

/// SparseGPT's walk over columns in some order, panel by panel.
class MaskedWalk {
public:
    MaskedWalk(const MaskedProblem& problem, std::span<const std::int32_t> order)
        : problem_(problem),
          order_(order),
          inputs_(static_cast<std::size_t>(problem.inputs)),
          outputs_(static_cast<std::size_t>(problem.outputs)) {}

    WalkedWeights run(std::size_t panel, const ChoosePanel& choose) {
        if (!prepare()) return {};
        for (std::size_t begin = 0; begin < inputs_; begin += panel) {
            const std::size_t width = std::min(panel, inputs_ - begin);
            const std::vector<float> errors = take_out(begin, width, chosen(begin, width, choose));
            pass_on(errors, begin, width);
        }
        WalkedWeights result{std::vector<float>(weights_.size()), Mask(weights_.size())};
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < inputs_; ++at) {
                const std::size_t place = row * inputs_ + static_cast<std::size_t>(order_[at]);
                result.mask[place] = mask_[row * inputs_ + at];
                result.weights[place] = result.mask[place] ? weights_[row * inputs_ + at] : 0.0F;
            }
        return result;
    }

private:
    /// The factor and the weights in the order of the walk; false when there is no factor.
    bool prepare() {
        const std::vector<double> matrix = damped(problem_);
        if (matrix.empty()) return false;
        std::vector<double> ordered(matrix.size());
        for (std::size_t row = 0; row < inputs_; ++row)
            for (std::size_t column = 0; column < inputs_; ++column)
                ordered[row * inputs_ + column] =
                    matrix[static_cast<std::size_t>(order_[row]) * inputs_ + static_cast<std::size_t>(order_[column])];
        if (linalg::inverse_upper_cholesky(ordered, problem_.inputs, 0.0) != linalg::Factorization::Done) return false;
        factor_.assign(ordered.begin(), ordered.end());
        weights_.resize(problem_.weights.size());
        mask_.resize(weights_.size());
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < inputs_; ++at)
                weights_[row * inputs_ + at] = problem_.weights[row * inputs_ + static_cast<std::size_t>(order_[at])];
        return true;
    }

    Mask chosen(std::size_t begin, std::size_t width, const ChoosePanel& choose) const {
        std::vector<float> current(outputs_ * width), diagonal(width);
        for (std::size_t at = 0; at < width; ++at) diagonal[at] = factor_[(begin + at) * (inputs_ + 1)];
        for (std::size_t row = 0; row < outputs_; ++row)
            std::copy_n(weights_.begin() + static_cast<std::ptrdiff_t>(row * inputs_ + begin), width,
                        current.begin() + static_cast<std::ptrdiff_t>(row * width));
        Mask mask = choose(current, diagonal, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(width));
        MCOMPRESS_CHECK(mask.size() == current.size());
        return mask;
    }

    /// Zeroes what the panel's mask says, passing errors on within the panel; returns them, [outputs, width].
    std::vector<float> take_out(std::size_t begin, std::size_t width, const Mask& mask) {
        std::vector<float> errors(outputs_ * width, 0.0F);
        const std::size_t end = begin + width;
        parallel_chunks(outputs_, kRowsAtOnce, problem_.threads, [&](std::size_t, std::size_t first, std::size_t last) {
            for (std::size_t row = first; row < last; ++row) {
                float* const values = weights_.data() + row * inputs_;
                for (std::size_t at = begin; at < end; ++at) {
                    const std::size_t place = row * width + at - begin;
                    mask_[row * inputs_ + at] = mask[place];
                    if (mask[place]) continue;
                    const float* const line = factor_.data() + at * inputs_;
                    const float error = values[at] / line[at];
                    errors[place] = error;
                    values[at] = 0.0F;
                    for (std::size_t next = at + 1; next < end; ++next) values[next] -= error * line[next];
                }
            }
        });
        return errors;
    }

    /// To the columns behind the panel: errors [outputs, width] x factor [width, rest].
    void pass_on(std::span<const float> errors, std::size_t begin, std::size_t width) {
        const std::size_t end = begin + width, rest = inputs_ - end;
        if (rest == 0) return;
        std::vector<float> behind(width * rest), correction(outputs_ * rest);
        for (std::size_t at = 0; at < width; ++at)
            std::copy_n(factor_.begin() + static_cast<std::ptrdiff_t>((begin + at) * inputs_ + end), rest,
                        behind.begin() + static_cast<std::ptrdiff_t>(at * rest));
        linalg::gemm({errors}, {behind}, correction,
                     {.m = problem_.outputs, .n = static_cast<std::int64_t>(rest), .k = static_cast<std::int64_t>(width)});
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < rest; ++at) weights_[row * inputs_ + end + at] -= correction[row * rest + at];
    }

    const MaskedProblem& problem_;
    std::span<const std::int32_t> order_;
    std::size_t inputs_, outputs_;
    std::vector<float> factor_, weights_;  // in the order of the walk
    Mask mask_;                            // likewise
};

}  // namespace

std::vector<float> fit_masked(const MaskedProblem& problem, const Mask& mask) {
    MCOMPRESS_CHECK(mask.size() == problem.weights.size());
    return RowSolver(problem, mask).run();
}

WalkedWeights walk_masked(const MaskedProblem& problem, std::span<const std::int32_t> order, std::int64_t panel,
                          const ChoosePanel& choose) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(order.size()) == problem.inputs && panel > 0);
    return MaskedWalk(problem, order).run(static_cast<std::size_t>(panel), choose);
}

}  // namespace mcompress
