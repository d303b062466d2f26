// Attributes of LSTM, GRU and RNN.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct RecurrentAttrs {
    enum class Direction { Forward, Reverse, Bidirectional };
    enum class Layout { SequenceFirst, BatchFirst };  // [seq, batch, …], [batch, seq, …] (from 14)

    std::int64_t hidden_size = 0;  // 0: not given, follows from the weights
    Direction direction = Direction::Forward;
    Layout layout = Layout::SequenceFirst;
    std::vector<std::string> activations;  // as given or the defaults, one set a direction
    std::vector<float> activation_alpha, activation_beta;
    std::optional<float> clip;
    bool linear_before_reset = false;  // GRU
    bool input_forget = false;         // LSTM

    static RecurrentAttrs read(const Node& node);
    int directions() const { return direction == Direction::Bidirectional ? 2 : 1; }
};

}  // namespace mcompress
