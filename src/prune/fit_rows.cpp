#include "prune/fit_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "prune/damping_terms.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 4;

class FewRowsSolver {
public:
    FewRowsSolver(const MaskedProblem& problem, const FitRows& rows, const Mask& mask)
        : problem_(problem),
          rows_(rows),
          mask_(mask),
          inputs_(static_cast<std::size_t>(problem.inputs)),
          outputs_(static_cast<std::size_t>(problem.outputs)),
          count_(static_cast<std::size_t>(rows.count)) {}

    std::vector<float> run() {
        terms_ = damping_terms(rows_.spread, problem_.damping);
        if (terms_.empty()) return {};
        std::vector<std::int32_t> all(inputs_);
        std::iota(all.begin(), all.end(), 0);
        columns_ = scaled_columns(rows_, terms_, all);
        products_.assign(count_ * count_, 0.0);
        linalg::accumulate_gram(columns_, problem_.inputs, rows_.count, products_);
        std::vector<float> result(problem_.weights.begin(), problem_.weights.end());
        for (std::size_t at = 0; at < result.size(); ++at)
            if (!mask_[at]) result[at] = 0.0F;
        left_.assign(rows_.wanted.begin(), rows_.wanted.end());
        subtract_products(result);
        parallel_chunks(outputs_, kRowsAtOnce, problem_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
            for (std::size_t row = begin; row < end; ++row) solve(row, std::span(result).subspan(row * inputs_, inputs_));
        });
        return result;
    }

private:
    /// left = y - X' (masked W)^T
    void subtract_products(std::span<const float> weights) {
        std::vector<float> met(left_.size());
        linalg::gemm({rows_.inputs}, {weights, linalg::Transpose::Yes}, met,
                     {.m = rows_.count, .n = problem_.outputs, .k = problem_.inputs});
        for (std::size_t at = 0; at < left_.size(); ++at) left_[at] -= met[at];
    }

    /// I + T_S^T T_S for the columns that stay, from those if they are fewer, else from all less those that go.
    std::vector<double> system(std::span<const std::uint8_t> mask) const {
        const auto gone = static_cast<std::size_t>(zeros_of(mask));
        const bool adds = inputs_ - gone < gone;
        std::vector<float> chosen;
        chosen.reserve(std::min(gone, inputs_ - gone) * count_);
        for (std::size_t at = 0; at < inputs_; ++at)
            if ((mask[at] != 0) == adds)
                chosen.insert(chosen.end(), columns_.begin() + static_cast<std::ptrdiff_t>(at * count_),
                              columns_.begin() + static_cast<std::ptrdiff_t>((at + 1) * count_));
        std::vector<double> system(count_ * count_, 0.0);
        linalg::accumulate_gram(chosen, static_cast<std::int64_t>(chosen.size() / std::max<std::size_t>(1, count_)), rows_.count, system);
        if (!adds)
            for (std::size_t at = 0; at < system.size(); ++at) system[at] = products_[at] - system[at];
        for (std::size_t at = 0; at < count_; ++at) system[at * (count_ + 1)] += 1.0;
        return system;
    }

    /// Where the rows have no factor, what is left of the weights stays.
    void solve(std::size_t row, std::span<float> to) const {
        const std::span<const std::uint8_t> mask = std::span(mask_).subspan(row * inputs_, inputs_);
        const double scale = 1.0 / std::sqrt(static_cast<double>(std::max<std::size_t>(1, count_)));
        std::vector<double> factors;
        for (std::size_t at = 0; at < count_; ++at) factors.push_back(scale * static_cast<double>(left_[at * outputs_ + row]));
        if (linalg::cholesky_solve(system(mask), rows_.count, 0.0, factors, 1) != linalg::Factorization::Done) return;
        for (std::size_t at = 0; at < inputs_; ++at) {
            if (!mask[at]) continue;
            const float* const column = columns_.data() + at * count_;
            double sum = 0.0;
            for (std::size_t place = 0; place < count_; ++place) sum += static_cast<double>(column[place]) * factors[place];
            to[at] = static_cast<float>(static_cast<double>(to[at]) + sum / std::sqrt(terms_[at]));
        }
    }

    const MaskedProblem& problem_;
    const FitRows& rows_;
    const Mask& mask_;
    std::size_t inputs_, outputs_, count_;
    std::vector<double> terms_, products_;  // G; T^T T
    std::vector<float> columns_, left_;     // T; [count, outputs]
};

}  // namespace

std::vector<float> scaled_columns(const FitRows& rows, std::span<const double> terms, std::span<const std::int32_t> order) {
    const auto count = static_cast<std::size_t>(rows.count), inputs = order.size();
    MCOMPRESS_CHECK(rows.inputs.size() == count * inputs && terms.size() == inputs);
    std::vector<float> columns(rows.inputs.size());
    for (std::size_t at = 0; at < inputs; ++at) {
        const auto column = static_cast<std::size_t>(order[at]);
        const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(count) * terms[column]));
        for (std::size_t row = 0; row < count; ++row) columns[at * count + row] = rows.inputs[row * inputs + column] * scale;
    }
    return columns;
}

std::vector<float> fit_rows(const MaskedProblem& problem, const FitRows& rows, const Mask& mask) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(rows.wanted.size()) == rows.count * problem.outputs);
    return FewRowsSolver(problem, rows, mask).run();
}

}  // namespace mcompress
