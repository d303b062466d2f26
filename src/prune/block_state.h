// What a block (fit_block.h) makes of some rows with given weights.
#pragma once

#include <span>
#include <vector>

#include "prune/fit_block.h"

namespace mcompress {

/// That are computed at a time.
inline constexpr std::size_t kChannelsAtOnce = 16;

/// The sum of squares.
double squares(std::span<const float> values);

class BlockState {
public:
    /// Both must outlive it.
    BlockState(const BlockRows& rows, const BlockWeights& weights);

    /// Results anew, of the weights as they are.
    void run(int threads);

    std::size_t rows() const { return rows_; }
    std::size_t taps() const { return taps_; }
    std::size_t inputs() const { return inputs_; }
    std::size_t channels() const { return channels_; }
    std::size_t outputs() const { return outputs_; }

    /// What goes into the depthwise convolution with these rows of E and their biases, [rows of E, rows, taps]; `first` is the first one's channel.
    std::vector<float> depthwise_inputs(std::size_t first, std::size_t count, std::span<const float> matrix,
                                        std::span<const float> bias) const;
    std::vector<float> depthwise_inputs(std::size_t first, std::size_t count) const;
    /// v = D x + b of one channel, before its activation.
    std::vector<float> depthwise_results(std::span<const float> x, std::span<const float> kernel, float bias) const;

    /// u at all taps of a row, [taps, inputs]; of a block with E.
    std::span<const float> sources(std::size_t row) const { return std::span(sources_).subspan(row * taps_ * inputs_, taps_ * inputs_); }
    bool is_padding(std::size_t row, std::size_t tap) const { return padding_[row * taps_ + tap] != 0; }

    /// clamp(v) of a channel, [rows].
    std::span<const float> hidden(std::size_t channel) const { return std::span(hidden_).subspan(channel * rows_, rows_); }
    /// Takes new hidden values of channels [first, first + hidden.size()); empty ones stay. False, and nothing changes, where the squares of what the results lack do
    /// not shrink.
    bool take_hidden(std::size_t first, std::span<const std::vector<float>> hidden);
    /// The hidden values as rows, [rows, channels].
    std::vector<float> hidden_rows() const;

    /// What a result lacks: 0 where the activation behind the block takes it for what is wanted.
    float lack(std::size_t row, std::size_t output) const { return lacks_[row * outputs_ + output]; }
    /// e p_c / |p_c|^2 by channel and row, [count, rows]; 0 for channels that P does not read.
    std::vector<float> wanted_changes(std::size_t first, std::size_t count) const;
    /// What P's results and bias are to be, [rows, outputs].
    std::vector<float> projection_targets() const;
    /// Squares of errors behind the activation over those of what is wanted.
    double error() const;

private:
    std::vector<float> lacks_of(std::span<const float> results) const;
    /// Columns of P as rows, [count, outputs].
    std::vector<float> columns(std::size_t first, std::size_t count) const;

    const BlockRows& data_;
    const BlockWeights& weights_;
    std::size_t rows_, channels_, taps_, inputs_, outputs_;
    std::vector<float> windows_;         // [inputs, rows, taps] without E
    std::vector<float> sources_;         // [rows, taps, inputs] with E
    std::vector<std::uint8_t> padding_;  // [rows, taps]
    std::vector<float> hidden_;          // [channels, rows]
    std::vector<float> results_;         // [rows, outputs]
    std::vector<float> lacks_;           // likewise
};

}  // namespace mcompress
