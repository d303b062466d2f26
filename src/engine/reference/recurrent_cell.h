// What LSTM, GRU and RNN share: shapes, weights of one direction, activation functions, the walk over time.
#pragma once

#include <vector>

#include "engine/reference/kernel.h"
#include "ops/recurrent.h"

namespace mcompress::reference {

/// An activation function with its parameters.
struct Activation {
    double (*function)(double x, double alpha, double beta);
    double alpha, beta;
    double operator()(double x) const { return function(x, alpha, beta); }
};

/// The functions of one direction. Parameters are consumed in the order of the functions that have them.
std::vector<Activation> read_activations(const KernelContext& context, const RecurrentAttrs& a, int direction);

/// Sizes of a recurrent operator, whatever the layout.
struct RecurrentSizes {
    std::int64_t steps, batch, inputs, hidden, directions, gates;
    bool batch_first;

    RecurrentSizes(const KernelContext& context, const RecurrentAttrs& a, int gate_count);
    /// Offset of X's row for (step, batch entry).
    std::int64_t x_row(std::int64_t step, std::int64_t entry) const;
    /// Offset of Y's row, and of a state's (initial_h, Y_h …).
    std::int64_t y_row(std::int64_t step, std::int64_t direction, std::int64_t entry) const;
    std::int64_t state_row(std::int64_t direction, std::int64_t entry) const;
    Shape y_shape() const;
    Shape state_shape() const;
};

/// One direction of an operator over elements of type T (float or double).
template <typename T> struct RecurrentWeights {
    const T* w;  // [gates·hidden, inputs]
    const T* r;  // [gates·hidden, hidden]
    const T* b;  // [2·gates·hidden], or null
    const T* p;  // peepholes, or null

    RecurrentWeights(const KernelContext& context, const RecurrentSizes& s, std::int64_t direction) {
        const std::int64_t rows = s.gates * s.hidden;
        w = context.required(1).data<T>() + direction * rows * s.inputs;
        r = context.required(2).data<T>() + direction * rows * s.hidden;
        b = context.has_input(3) ? context.input(3).data<T>() + direction * 2 * rows : nullptr;
        p = s.gates == 4 && context.has_input(7) ? context.input(7).data<T>() + direction * 3 * s.hidden : nullptr;
    }
};

/// A row of a matrix times a vector, in double: eight sums that do not wait for each other, joined pairwise.
template <typename T, typename V> double dot(const T* row, const V* vector, std::int64_t count) {
    constexpr std::int64_t kLanes = 8;
    double lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        for (std::int64_t lane = 0; lane < kLanes; ++lane)
            lanes[lane] += static_cast<double>(row[i + lane]) * static_cast<double>(vector[i + lane]);
    for (std::int64_t lane = 0; i < count; ++i, ++lane) lanes[lane] += static_cast<double>(row[i]) * static_cast<double>(vector[i]);
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// State of one sequence: hidden and (LSTM) cell values.
struct RecurrentState {
    std::vector<double> h, c;
};

/// Everything a cell needs to advance a state by one step.
template <typename T> struct CellInput {
    const RecurrentSizes& sizes;
    const RecurrentWeights<T>& weights;
    const std::vector<Activation>& activations;
    const RecurrentAttrs& attrs;
    const T* x;

    double clipped(double value) const {
        if (!attrs.clip) return value;
        const double limit = static_cast<double>(*attrs.clip);
        return value < -limit ? -limit : value > limit ? limit : value;
    }
    double from_input(std::int64_t gate, std::int64_t unit) const {
        const std::int64_t row = gate * sizes.hidden + unit;
        return dot(weights.w + row * sizes.inputs, x, sizes.inputs) + (weights.b ? static_cast<double>(weights.b[row]) : 0.0);
    }
    double from_state(std::int64_t gate, std::int64_t unit, const std::vector<double>& h) const {
        const std::int64_t row = gate * sizes.hidden + unit;
        const double bias = weights.b ? static_cast<double>(weights.b[sizes.gates * sizes.hidden + row]) : 0.0;
        return dot(weights.r + row * sizes.hidden, h.data(), sizes.hidden) + bias;
    }
};

}  // namespace mcompress::reference
