#include "prune/factor_panels.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "prune/damping_terms.h"
#include "prune/fit_rows.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

class MatrixPanels : public FactorPanels {
public:
    MatrixPanels(const FitMoments& moments, double damping, std::span<const std::int32_t> order) : inputs_(order.size()) {
        const std::vector<double> terms = damping_terms_of(moments.inputs, inputs_, damping);
        if (terms.empty()) return;
        std::vector<double> ordered(inputs_ * inputs_);
        for (std::size_t row = 0; row < inputs_; ++row) {
            const auto from = static_cast<std::size_t>(order[row]);
            for (std::size_t column = 0; column < inputs_; ++column)
                ordered[row * inputs_ + column] = moments.inputs[from * inputs_ + static_cast<std::size_t>(order[column])];
            ordered[row * (inputs_ + 1)] += terms[from];
        }
        if (linalg::inverse_upper_cholesky(ordered, static_cast<std::int64_t>(inputs_), 0.0) != linalg::Factorization::Done) return;
        factor_.assign(ordered.begin(), ordered.end());
    }

    std::vector<float> panel(std::size_t begin, std::size_t width) override {
        std::vector<float> rows;
        if (factor_.empty()) return rows;
        for (std::size_t row = begin; row < begin + width; ++row)
            rows.insert(rows.end(), factor_.begin() + static_cast<std::ptrdiff_t>(row * inputs_ + begin),
                        factor_.begin() + static_cast<std::ptrdiff_t>((row + 1) * inputs_));
        return rows;
    }

private:
    std::size_t inputs_;
    std::vector<float> factor_;
};

/// Of n rows: what is behind a panel has the inverse G^-1/2 (I - T M^-1 T^T) G^-1/2 with M = I + T^T T of n rows, as long as more than a few n columns are
/// left; the matrix of those is formed.
class RowPanels : public FactorPanels {
public:
    RowPanels(const FitRows& rows, double damping, std::span<const std::int32_t> order)
        : inputs_(order.size()), count_(static_cast<std::size_t>(rows.count)), order_(order) {
        terms_ = damping_terms(rows.spread, damping);
        if (terms_.empty()) return;
        columns_ = scaled_columns(rows, terms_, order);
        system_.assign(count_ * count_, 0.0);
        linalg::accumulate_gram(columns_, static_cast<std::int64_t>(inputs_), rows.count, system_);
        for (std::size_t at = 0; at < count_; ++at) system_[at * (count_ + 1)] += 1.0;
    }

    std::vector<float> panel(std::size_t begin, std::size_t width) override {
        if (terms_.empty()) return {};
        if (inputs_ - begin <= kTail * count_ + width) return tail_panel(begin, width);
        const std::size_t rest = inputs_ - begin;
        std::vector<double> rows = inverse_rows(begin, width);
        if (rows.empty()) return {};
        // The first rows [P_1 P_2] of the inverse are L [L^T L^-1 P_2] with L L^T = P_1.
        std::vector<double> lower(width * width);
        for (std::size_t row = 0; row < width; ++row)
            std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row * rest), width,
                        lower.begin() + static_cast<std::ptrdiff_t>(row * width));
        if (linalg::cholesky_solve(lower, static_cast<std::int64_t>(width), 0.0, rows, static_cast<std::int64_t>(rest)) !=
                linalg::Factorization::Done ||
            linalg::lower_cholesky(lower, static_cast<std::int64_t>(width)) != linalg::Factorization::Done)
            return {};
        const std::vector<float> left(lower.begin(), lower.end()), right(rows.begin(), rows.end());
        std::vector<float> panel(width * rest);
        linalg::gemm({left, linalg::Transpose::Yes}, {right}, panel,
                     {.m = static_cast<std::int64_t>(width), .n = static_cast<std::int64_t>(rest), .k = static_cast<std::int64_t>(width)});
        for (std::size_t column = 0; column < rest; ++column) {
            const double scale = 1.0 / root(begin + column);
            for (std::size_t row = 0; row < width; ++row) {
                float& value = panel[row * rest + column];
                value = row <= column ? static_cast<float>(scale * static_cast<double>(value)) : 0.0F;
            }
        }
        forget(begin, width);
        return panel;
    }

private:
    static constexpr std::size_t kTail = 4;

    double root(std::size_t at) const { return std::sqrt(terms_[static_cast<std::size_t>(order_[at])]); }

    std::span<const float> columns(std::size_t begin, std::size_t width) const {
        return std::span(columns_).subspan(begin * count_, width * count_);
    }

    /// The first rows of I - T M^-1 T^T over the columns from `begin` on, [width, rest].
    std::vector<double> inverse_rows(std::size_t begin, std::size_t width) const {
        const std::size_t rest = inputs_ - begin;
        std::vector<double> solved(count_ * width);  // M^-1 T_p^T
        for (std::size_t at = 0; at < width; ++at)
            for (std::size_t row = 0; row < count_; ++row)
                solved[row * width + at] = static_cast<double>(columns_[(begin + at) * count_ + row]);
        if (linalg::cholesky_solve(system_, static_cast<std::int64_t>(count_), 0.0, solved, static_cast<std::int64_t>(width)) !=
            linalg::Factorization::Done)
            return {};
        const std::vector<float> left(solved.begin(), solved.end());
        std::vector<float> product(rest * width);
        linalg::gemm({columns(begin, rest)}, {left}, product,
                     {.m = static_cast<std::int64_t>(rest), .n = static_cast<std::int64_t>(width), .k = static_cast<std::int64_t>(count_)});
        std::vector<double> rows(width * rest);
        for (std::size_t row = 0; row < width; ++row) {
            for (std::size_t column = 0; column < rest; ++column)
                rows[row * rest + column] = -static_cast<double>(product[column * width + row]);
            rows[row * rest + row] += 1.0;
        }
        return rows;
    }

    void forget(std::size_t begin, std::size_t width) {
        std::vector<double> gone(system_.size(), 0.0);
        linalg::accumulate_gram(columns(begin, width), static_cast<std::int64_t>(width), static_cast<std::int64_t>(count_), gone);
        for (std::size_t at = 0; at < gone.size(); ++at) system_[at] -= gone[at];
    }

    std::vector<float> tail_panel(std::size_t begin, std::size_t width) {
        if (!tail_) {
            const std::size_t rest = inputs_ - begin;
            std::vector<float> product(rest * rest);
            linalg::gemm(
                {columns(begin, rest)}, {columns(begin, rest), linalg::Transpose::Yes}, product,
                {.m = static_cast<std::int64_t>(rest), .n = static_cast<std::int64_t>(rest), .k = static_cast<std::int64_t>(count_)});
            std::vector<double> factor(product.begin(), product.end());
            for (std::size_t at = 0; at < rest; ++at) factor[at * (rest + 1)] += 1.0;
            if (linalg::inverse_upper_cholesky(factor, static_cast<std::int64_t>(rest), 0.0) != linalg::Factorization::Done) return {};
            tail_ = Tail{begin, std::move(factor)};
        }
        const std::size_t first = begin - tail_->begin, size = inputs_ - tail_->begin;
        std::vector<float> panel;
        for (std::size_t row = first; row < first + width; ++row)
            for (std::size_t column = first; column < size; ++column)
                panel.push_back(static_cast<float>(tail_->factor[row * size + column] / root(tail_->begin + column)));
        return panel;
    }

    struct Tail {
        std::size_t begin = 0;
        std::vector<double> factor;  // of I + T T^T over the columns from there on
    };

    std::size_t inputs_, count_;
    std::span<const std::int32_t> order_;
    std::vector<double> terms_, system_;  // G; M
    std::vector<float> columns_;          // T
    std::optional<Tail> tail_;
};

}  // namespace

std::unique_ptr<FactorPanels> factor_panels(const MaskedProblem& problem, std::span<const std::int32_t> order) {
    if (const FitRows* rows = std::get_if<FitRows>(&problem.given)) return std::make_unique<RowPanels>(*rows, problem.damping, order);
    return std::make_unique<MatrixPanels>(std::get<FitMoments>(problem.given), problem.damping, order);
}

}  // namespace mcompress
