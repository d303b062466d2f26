#include "prune/block_state.h"

#include <algorithm>
#include <cmath>

#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {

double squares(std::span<const float> values) {
    double sum = 0.0;
    for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
    return sum;
}

BlockState::BlockState(const BlockRows& rows, const BlockWeights& weights)
    : data_(rows),
      weights_(weights),
      rows_(static_cast<std::size_t>(rows.count)),
      channels_(weights.depthwise.weights.bias.size()),
      taps_(weights.depthwise.weights.matrix.size() / channels_),
      inputs_(weights.expand ? weights.expand->weights.matrix.size() / channels_ : channels_),
      outputs_(weights.project.weights.bias.size()),
      windows_(weights.expand ? 0 : rows.windows.size()),
      sources_(weights.expand ? rows.windows.size() : 0),
      padding_(rows_ * taps_, 0) {
    MCOMPRESS_CHECK(rows.windows.size() == rows_ * inputs_ * taps_ && rows.wanted.size() == rows_ * outputs_);
    for (std::size_t row = 0; row < rows_; ++row)
        for (std::size_t input = 0; input < inputs_; ++input)
            for (std::size_t tap = 0; tap < taps_; ++tap) {
                const float value = rows.windows[(row * inputs_ + input) * taps_ + tap];
                const bool is_outside = std::isnan(value);
                if (is_outside) padding_[row * taps_ + tap] = 1;
                if (weights.expand) sources_[(row * taps_ + tap) * inputs_ + input] = is_outside ? 0.0F : value;
                else windows_[(input * rows_ + row) * taps_ + tap] = is_outside ? 0.0F : value;
            }
}

std::vector<float> BlockState::depthwise_inputs(std::size_t first, std::size_t count, std::span<const float> matrix,
                                                std::span<const float> bias) const {
    const std::size_t size = rows_ * taps_;
    if (!weights_.expand) {
        const auto begin = windows_.begin() + static_cast<std::ptrdiff_t>(first * size);
        return {begin, begin + static_cast<std::ptrdiff_t>(count * size)};
    }
    std::vector<float> x(count * size);
    linalg::gemm({matrix}, {sources_, linalg::Transpose::Yes}, x,
                 {static_cast<std::int64_t>(count), static_cast<std::int64_t>(size), static_cast<std::int64_t>(inputs_)});
    for (std::size_t channel = 0; channel < count; ++channel)
        for (std::size_t at = 0; at < size; ++at) {
            float& value = x[channel * size + at];
            value = padding_[at] ? 0.0F : weights_.expand->passed.clamped(value + bias[channel]);
        }
    return x;
}

std::vector<float> BlockState::depthwise_inputs(std::size_t first, std::size_t count) const {
    if (!weights_.expand) return depthwise_inputs(first, count, {}, {});
    const LayerWeights& expand = weights_.expand->weights;
    return depthwise_inputs(first, count, std::span(expand.matrix).subspan(first * inputs_, count * inputs_),
                            std::span(expand.bias).subspan(first, count));
}

std::vector<float> BlockState::depthwise_results(std::span<const float> x, std::span<const float> kernel, float bias) const {
    std::vector<float> results(rows_, bias);
    for (std::size_t row = 0; row < rows_; ++row)
        for (std::size_t tap = 0; tap < taps_; ++tap) results[row] += kernel[tap] * x[row * taps_ + tap];
    return results;
}

void BlockState::run(int threads) {
    hidden_.resize(channels_ * rows_);
    parallel_chunks(channels_, kChannelsAtOnce, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        const std::vector<float> x = depthwise_inputs(begin, end - begin);
        for (std::size_t channel = begin; channel < end; ++channel) {
            const std::vector<float> found = depthwise_results(std::span(x).subspan((channel - begin) * rows_ * taps_, rows_ * taps_),
                                                               std::span(weights_.depthwise.weights.matrix).subspan(channel * taps_, taps_),
                                                               weights_.depthwise.weights.bias[channel]);
            for (std::size_t row = 0; row < rows_; ++row) hidden_[channel * rows_ + row] = weights_.depthwise.passed.clamped(found[row]);
        }
    });
    results_.assign(rows_ * outputs_, 0.0F);
    linalg::gemm({hidden_, linalg::Transpose::Yes}, {weights_.project.weights.matrix, linalg::Transpose::Yes}, results_,
                 {data_.count, static_cast<std::int64_t>(outputs_), static_cast<std::int64_t>(channels_)});
    for (std::size_t at = 0; at < results_.size(); ++at)
        results_[at] += weights_.project.weights.bias[at % outputs_] + (data_.added.empty() ? 0.0F : data_.added[at]);
    lacks_ = lacks_of(results_);
}

bool BlockState::take_hidden(std::size_t first, std::span<const std::vector<float>> hidden) {
    std::vector<float> changes(hidden.size() * rows_, 0.0F);
    for (std::size_t at = 0; at < hidden.size(); ++at)
        for (std::size_t row = 0; row < hidden[at].size(); ++row)
            changes[at * rows_ + row] = hidden[at][row] - hidden_[(first + at) * rows_ + row];
    std::vector<float> results = results_;
    linalg::gemm({changes, linalg::Transpose::Yes}, {columns(first, hidden.size())}, results,
                 {data_.count, static_cast<std::int64_t>(outputs_), static_cast<std::int64_t>(hidden.size())}, linalg::Store::Add);
    std::vector<float> lacks = lacks_of(results);
    if (!(squares(lacks) < squares(lacks_))) return false;
    results_ = std::move(results);
    lacks_ = std::move(lacks);
    for (std::size_t at = 0; at < hidden.size(); ++at)
        std::copy(hidden[at].begin(), hidden[at].end(), hidden_.begin() + static_cast<std::ptrdiff_t>((first + at) * rows_));
    return true;
}

std::vector<float> BlockState::hidden_rows() const {
    std::vector<float> rows(hidden_.size());
    for (std::size_t channel = 0; channel < channels_; ++channel)
        for (std::size_t row = 0; row < rows_; ++row) rows[row * channels_ + channel] = hidden_[channel * rows_ + row];
    return rows;
}

std::vector<float> BlockState::lacks_of(std::span<const float> results) const {
    const PassedRange& passed = weights_.project.passed;
    std::vector<float> lacks(results.size());
    for (std::size_t at = 0; at < lacks.size(); ++at) {
        const float wanted = data_.wanted[at];
        lacks[at] = wanted <= passed.low    ? std::min(0.0F, passed.low - results[at])
                    : wanted >= passed.high ? std::max(0.0F, passed.high - results[at])
                                            : wanted - results[at];
    }
    return lacks;
}

std::vector<float> BlockState::wanted_changes(std::size_t first, std::size_t count) const {
    std::vector<float> factors = columns(first, count), changes(count * rows_);
    for (std::size_t at = 0; at < count; ++at) {
        const std::span<float> column = std::span(factors).subspan(at * outputs_, outputs_);
        const double norm = squares(column);
        for (float& value : column) value = norm > 0.0 ? static_cast<float>(static_cast<double>(value) / norm) : 0.0F;
    }
    linalg::gemm({factors}, {lacks_, linalg::Transpose::Yes}, changes,
                 {static_cast<std::int64_t>(count), data_.count, static_cast<std::int64_t>(outputs_)});
    return changes;
}

std::vector<float> BlockState::projection_targets() const {
    std::vector<float> targets = results_;
    for (std::size_t at = 0; at < targets.size(); ++at) targets[at] += lacks_[at] - (data_.added.empty() ? 0.0F : data_.added[at]);
    return targets;
}

double BlockState::error() const {
    const PassedRange& passed = weights_.project.passed;
    double noise = 0.0, power = 1e-30;
    for (std::size_t at = 0; at < results_.size(); ++at) {
        const double wanted = static_cast<double>(passed.clamped(data_.wanted[at]));
        const double error = static_cast<double>(passed.clamped(results_[at])) - wanted;
        noise += error * error;
        power += wanted * wanted;
    }
    return noise / power;
}

std::vector<float> BlockState::columns(std::size_t first, std::size_t count) const {
    std::vector<float> columns(count * outputs_);
    for (std::size_t at = 0; at < count; ++at)
        for (std::size_t output = 0; output < outputs_; ++output)
            columns[at * outputs_ + output] = weights_.project.weights.matrix[output * channels_ + first + at];
    return columns;
}

}  // namespace mcompress
