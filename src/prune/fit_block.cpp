#include "prune/fit_block.h"

#include <algorithm>
#include <cmath>

#include "prune/block_state.h"
#include "prune/fit_masked.h"
#include "prune/input_moments.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kBatch = 2 * kChannelsAtOnce;  // of channels that see the same lacks
constexpr std::size_t kRowsAtOnce = 256;
constexpr double kLeastGain = 0.998;                                            // of a round that another one follows
constexpr double kFirstDamping = 1.0, kDampingFall = 0.3, kLeastDamping = 0.1;  // of the steps of a round

/// What a channel would become.
struct Change {
    std::vector<float> row, kernel;  // of E and D
    float row_bias = 0.0F, kernel_bias = 0.0F;
    std::vector<float> x;       // into D, [rows, taps]
    std::vector<float> hidden;  // behind it
    std::vector<float> wanted;  // change of hidden that is left to be made
    bool is_any = false;
};

std::vector<std::size_t> kept_of(std::span<const std::uint8_t> mask) {
    std::vector<std::size_t> kept;
    for (std::size_t at = 0; at < mask.size(); ++at)
        if (mask[at]) kept.push_back(at);
    return kept;
}

/// Damped least squares from the products of rows whose last column is what is to be met: the step, one number a column in front of it. Empty without a solution.
std::vector<double> damped_step(std::span<const double> gram, std::size_t width, std::size_t count, double damping) {
    const std::size_t unknowns = width - 1;
    if (count < width) return {};
    std::vector<double> matrix(unknowns * unknowns), step(unknowns);
    double trace = 0.0;
    for (std::size_t at = 0; at < unknowns; ++at) trace += gram[at * (width + 1)];
    if (!(trace > 0.0)) return {};
    for (std::size_t at = 0; at < unknowns; ++at) {
        for (std::size_t other = 0; other < unknowns; ++other) matrix[at * unknowns + other] = gram[at * width + other];
        matrix[at * (unknowns + 1)] += damping * (gram[at * (width + 1)] + 1e-4 * trace / static_cast<double>(unknowns));
        step[at] = gram[at * width + unknowns];
    }
    const auto n = static_cast<std::int64_t>(unknowns);
    if (linalg::cholesky_solve(matrix, n, 0.0, step, 1) != linalg::Factorization::Done) return {};
    return step;
}

/// The products of rows that are made a few at a time.
struct RowProducts {
    explicit RowProducts(std::size_t columns) : width(columns), gram(columns * columns, 0.0) {}
    void add(std::span<const float> rows) {
        count += rows.size() / width;
        linalg::accumulate_gram(rows, static_cast<std::int64_t>(rows.size() / width), static_cast<std::int64_t>(width), gram);
    }
    std::size_t width, count = 0;
    std::vector<double> gram;
};

class BlockFit {
public:
    BlockFit(const BlockWeights& weights, const BlockRows& fit, const BlockRows& held_out, int threads, int most_rounds)
        : weights_(weights), fit_(fit, weights_), held_out_(held_out, weights_), threads_(threads), most_rounds_(most_rounds) {}

    FittedBlock run() {
        fit_.run(threads_);
        held_out_.run(threads_);
        FittedBlock best{weights_, held_out_.error(), 0.0, 0};
        best.error_after = best.error_before;
        for (int round = 1; round <= most_rounds_; ++round) {
            sweep();
            fit_projection();
            fit_.run(threads_);
            held_out_.run(threads_);
            const double error = held_out_.error(), before = best.error_after;
            if (error < before) {
                best.weights = weights_;
                best.error_after = error;
                best.rounds = round;
            }
            if (!(error < kLeastGain * before)) break;
            damping_ = std::max(kLeastDamping, kDampingFall * damping_);
        }
        return best;
    }

private:
    void sweep() {
        for (std::size_t first = 0; first < fit_.channels(); first += kBatch) {
            const std::size_t count = std::min(kBatch, fit_.channels() - first);
            std::vector<Change> changes(count);
            parallel_chunks(count, kChannelsAtOnce, threads_, [&](std::size_t, std::size_t begin, std::size_t end) {
                find_changes(first + begin, std::span(changes).subspan(begin, end - begin));
            });
            apply(first, changes);
        }
    }

    void find_changes(std::size_t first, std::span<Change> changes) const {
        const std::vector<float> x = fit_.depthwise_inputs(first, changes.size()), wanted = fit_.wanted_changes(first, changes.size());
        const std::size_t rows = fit_.rows(), size = rows * fit_.taps();
        for (std::size_t at = 0; at < changes.size(); ++at) {
            begin_change(first + at, std::span(x).subspan(at * size, size), std::span(wanted).subspan(at * rows, rows), changes[at]);
            change_kernel(first + at, changes[at]);
        }
        if (weights_.expand) change_rows(first, changes);
    }

    void begin_change(std::size_t channel, std::span<const float> x, std::span<const float> wanted, Change& change) const {
        const LayerWeights& depthwise = weights_.depthwise.weights;
        const auto kernel = depthwise.matrix.begin() + static_cast<std::ptrdiff_t>(channel * fit_.taps());
        change.kernel.assign(kernel, kernel + static_cast<std::ptrdiff_t>(fit_.taps()));
        change.kernel_bias = depthwise.bias[channel];
        change.x.assign(x.begin(), x.end());
        change.hidden.assign(fit_.hidden(channel).begin(), fit_.hidden(channel).end());
        change.wanted.assign(wanted.begin(), wanted.end());
        if (!weights_.expand) return;
        const LayerWeights& expand = weights_.expand->weights;
        const auto row = expand.matrix.begin() + static_cast<std::ptrdiff_t>(channel * fit_.inputs());
        change.row.assign(row, row + static_cast<std::ptrdiff_t>(fit_.inputs()));
        change.row_bias = expand.bias[channel];
    }

    /// Takes new hidden values where what is left to be changed shrinks.
    static bool take_hidden(std::vector<float> hidden, Change& change) {
        std::vector<float> left = change.wanted;
        for (std::size_t row = 0; row < left.size(); ++row) left[row] -= hidden[row] - change.hidden[row];
        if (!(squares(left) < squares(change.wanted))) return false;
        change.wanted = std::move(left);
        change.hidden = std::move(hidden);
        change.is_any = true;
        return true;
    }

    std::vector<float> hidden_of(std::span<const float> x, std::span<const float> kernel, float bias) const {
        std::vector<float> hidden = fit_.depthwise_results(x, kernel, bias);
        for (float& value : hidden) value = weights_.depthwise.passed.clamped(value);
        return hidden;
    }

    bool is_passed(float hidden) const { return hidden > weights_.depthwise.passed.low && hidden < weights_.depthwise.passed.high; }

    void change_kernel(std::size_t channel, Change& change) const {
        const std::size_t taps = fit_.taps();
        const std::vector<std::size_t> kept = kept_of(std::span(weights_.depthwise.mask).subspan(channel * taps, taps));
        const bool has_bias = weights_.depthwise.has_bias;
        std::vector<float> rows;
        for (std::size_t row = 0; row < fit_.rows(); ++row) {
            if (!is_passed(change.hidden[row])) continue;
            for (const std::size_t tap : kept) rows.push_back(change.x[row * taps + tap]);
            if (has_bias) rows.push_back(1.0F);
            rows.push_back(change.wanted[row]);
        }
        RowProducts products(kept.size() + (has_bias ? 2 : 1));
        products.add(rows);
        const std::vector<double> step = damped_step(products.gram, products.width, products.count, damping_);
        if (step.empty()) return;
        for (const double share : {1.0, 0.5}) {
            std::vector<float> kernel = change.kernel;
            for (std::size_t at = 0; at < kept.size(); ++at) kernel[kept[at]] += static_cast<float>(share * step[at]);
            const float bias = change.kernel_bias + (has_bias ? static_cast<float>(share * step.back()) : 0.0F);
            if (!take_hidden(hidden_of(change.x, kernel, bias), change)) continue;
            change.kernel = std::move(kernel);
            change.kernel_bias = bias;
            return;
        }
    }

    /// What the weights of a row of E do to hidden values: for each row of samples in [begin, end) that passes, one number a weight, one for the bias, and what is
    /// wanted.
    std::vector<float> row_effects(const Change& change, std::span<const std::size_t> kept, std::size_t begin, std::size_t end) const {
        const PassedRange& passed = weights_.expand->passed;
        const std::size_t taps = fit_.taps();
        const std::size_t width = kept.size() + (weights_.expand->has_bias ? 2 : 1);
        std::vector<float> rows((end - begin) * width), effect(fit_.inputs()), factors(taps);
        float* to = rows.data();
        for (std::size_t row = begin; row < end; ++row) {
            if (!is_passed(change.hidden[row])) continue;
            float constant = 0.0F;
            for (std::size_t tap = 0; tap < taps; ++tap) {
                const float x = change.x[row * taps + tap];
                factors[tap] = !fit_.is_padding(row, tap) && x > passed.low && x < passed.high ? change.kernel[tap] : 0.0F;
                constant += factors[tap];
            }
            linalg::combine_rows(fit_.sources(row), factors, effect);
            for (const std::size_t at : kept) *to++ = effect[at];
            if (weights_.expand->has_bias) *to++ = constant;
            *to++ = change.wanted[row];
        }
        rows.resize(static_cast<std::size_t>(to - rows.data()));
        return rows;
    }

    /// Steps of the rows of E; a part of the samples' rows is looked at for all channels before the next one is.
    std::vector<std::vector<double>> row_steps(std::span<const Change> changes, std::span<const std::vector<std::size_t>> kept) const {
        std::vector<RowProducts> products;
        for (std::size_t at = 0; at < changes.size(); ++at) products.emplace_back(kept[at].size() + (weights_.expand->has_bias ? 2 : 1));
        for (std::size_t begin = 0; begin < fit_.rows(); begin += kRowsAtOnce)
            for (std::size_t at = 0; at < changes.size(); ++at)
                products[at].add(row_effects(changes[at], kept[at], begin, std::min(fit_.rows(), begin + kRowsAtOnce)));
        std::vector<std::vector<double>> steps;
        for (const RowProducts& each : products) steps.push_back(damped_step(each.gram, each.width, each.count, damping_));
        return steps;
    }

    void change_rows(std::size_t first, std::span<Change> changes) const {
        const BlockLayer& expand = *weights_.expand;
        const std::size_t inputs = fit_.inputs(), size = fit_.rows() * fit_.taps();
        std::vector<std::vector<std::size_t>> kept;
        for (std::size_t at = 0; at < changes.size(); ++at)
            kept.push_back(kept_of(std::span(expand.mask).subspan((first + at) * inputs, inputs)));
        const std::vector<std::vector<double>> steps = row_steps(changes, kept);
        std::vector<float> matrix, biases;
        for (std::size_t at = 0; at < changes.size(); ++at) {
            std::vector<float> row = changes[at].row;
            const std::vector<double>& step = steps[at];
            for (std::size_t each = 0; !step.empty() && each < kept[at].size(); ++each)
                row[kept[at][each]] += static_cast<float>(step[each]);
            matrix.insert(matrix.end(), row.begin(), row.end());
            biases.push_back(changes[at].row_bias + (!step.empty() && expand.has_bias ? static_cast<float>(step.back()) : 0.0F));
        }
        const std::vector<float> x = fit_.depthwise_inputs(first, changes.size(), matrix, biases);
        for (std::size_t at = 0; at < changes.size(); ++at) {
            Change& change = changes[at];
            if (!take_hidden(hidden_of(std::span(x).subspan(at * size, size), change.kernel, change.kernel_bias), change)) continue;
            const auto row = matrix.begin() + static_cast<std::ptrdiff_t>(at * inputs);
            change.row.assign(row, row + static_cast<std::ptrdiff_t>(inputs));
            change.row_bias = biases[at];
        }
    }

    /// All together, or where what is lacking would grow, each half for itself.
    void apply(std::size_t first, std::span<const Change> changes) {
        std::vector<std::vector<float>> hidden;
        for (const Change& change : changes) hidden.push_back(change.is_any ? change.hidden : std::vector<float>{});
        if (!fit_.take_hidden(first, hidden)) {
            const std::size_t half = changes.size() / 2;
            if (half == 0) return;
            apply(first, changes.first(half));
            apply(first + half, changes.subspan(half));
            return;
        }
        for (std::size_t at = 0; at < changes.size(); ++at)
            if (changes[at].is_any) write(first + at, changes[at]);
    }

    void write(std::size_t channel, const Change& change) {
        LayerWeights& depthwise = weights_.depthwise.weights;
        std::copy(change.kernel.begin(), change.kernel.end(),
                  depthwise.matrix.begin() + static_cast<std::ptrdiff_t>(channel * fit_.taps()));
        depthwise.bias[channel] = change.kernel_bias;
        if (!weights_.expand) return;
        LayerWeights& expand = weights_.expand->weights;
        std::copy(change.row.begin(), change.row.end(), expand.matrix.begin() + static_cast<std::ptrdiff_t>(channel * fit_.inputs()));
        expand.bias[channel] = change.row_bias;
    }

    void fit_projection() {
        BlockLayer& project = weights_.project;
        const auto count = static_cast<std::int64_t>(fit_.rows()), channels = static_cast<std::int64_t>(fit_.channels()),
                   outputs = static_cast<std::int64_t>(fit_.outputs());
        std::vector<float> hidden = fit_.hidden_rows(), wanted = fit_.projection_targets();
        std::vector<double> hidden_mean(fit_.channels(), 0.0), wanted_mean(fit_.outputs(), 0.0);
        if (project.has_bias) {
            hidden_mean = linalg::column_means(hidden, count, channels);
            wanted_mean = linalg::column_means(wanted, count, outputs);
            subtract_means(hidden_mean, hidden);
            subtract_means(wanted_mean, wanted);
        } else {
            for (std::size_t at = 0; at < wanted.size(); ++at) wanted[at] -= project.weights.bias[at % fit_.outputs()];
        }
        std::vector<double> moments(fit_.channels() * fit_.channels(), 0.0), cross(fit_.outputs() * fit_.channels(), 0.0);
        linalg::accumulate_gram(hidden, count, channels, moments);
        linalg::accumulate_cross(wanted, hidden, count, outputs, channels, cross);
        for (double& value : moments) value /= static_cast<double>(count);
        for (double& value : cross) value /= static_cast<double>(count);
        std::vector<float> matrix = fit_masked({.outputs = outputs,
                                                .inputs = channels,
                                                .weights = project.weights.matrix,
                                                .given = FitMoments{moments, cross},
                                                .damping = damping_,
                                                .threads = threads_},
                                               project.mask);
        if (matrix.empty()) return;
        project.weights.matrix = std::move(matrix);
        for (std::size_t output = 0; project.has_bias && output < fit_.outputs(); ++output) {
            double bias = wanted_mean[output];
            for (std::size_t at = 0; at < fit_.channels(); ++at)
                bias -= static_cast<double>(project.weights.matrix[output * fit_.channels() + at]) * hidden_mean[at];
            project.weights.bias[output] = static_cast<float>(bias);
        }
    }

    BlockWeights weights_;
    BlockState fit_, held_out_;
    int threads_, most_rounds_;
    double damping_ = kFirstDamping;
};

}  // namespace

FittedBlock fit_block(const BlockWeights& weights, const BlockRows& fit, const BlockRows& held_out, int threads, int most_rounds) {
    MCOMPRESS_CHECK(fit.count > 0 && held_out.count > 0);
    return BlockFit(weights, fit, held_out, threads, most_rounds).run();
}

}  // namespace mcompress
