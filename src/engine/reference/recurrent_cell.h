// What LSTM, GRU and RNN share: shapes, weights of one direction, activation functions, the walk over time.
#pragma once

#include <algorithm>
#include <type_traits>
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

/// Products of one sequence with the weights of its direction, biases added: by the engine's routines where it has them, else in double precision.
template <typename T> class SequenceProducts {
public:
    SequenceProducts(const KernelContext& context, const RecurrentSizes& sizes, const RecurrentWeights<T>& weights, std::int64_t entry,
                     std::int64_t length)
        : routines_(context.routines), sizes_(sizes), weights_(weights), x_(context.input(0).data<T>() + sizes.x_row(0, entry)) {
        if constexpr (std::is_same_v<T, float>)
            if (routines_) {
                const std::int64_t rows = sizes.gates * sizes.hidden;
                projected_.resize(static_cast<std::size_t>(length * rows));
                routines_->multiply({length, sizes.inputs, rows}, {x_, x_step()}, {weights.w, sizes.inputs, MatrixOrder::Transposed}, 1.0F,
                                    projected_.data(), rows, 1);
            }
    }

    /// Of a step's input, for all units of all gates.
    std::vector<double> of_input(std::int64_t step) const {
        const std::int64_t rows = sizes_.gates * sizes_.hidden;
        std::vector<double> result(static_cast<std::size_t>(rows));
        for (std::int64_t row = 0; row < rows; ++row) {
            const double product = projected_.empty() ? dot(weights_.w + row * sizes_.inputs, x_ + step * x_step(), sizes_.inputs)
                                                      : static_cast<double>(projected_[static_cast<std::size_t>(step * rows + row)]);
            result[static_cast<std::size_t>(row)] = product + (weights_.b ? static_cast<double>(weights_.b[row]) : 0.0);
        }
        return result;
    }

    /// Of a state, for all units of gates [first, last).
    std::vector<double> of_state(const std::vector<double>& h, std::int64_t first, std::int64_t last) const {
        const std::int64_t hidden = sizes_.hidden, begin = first * hidden, rows = (last - first) * hidden;
        std::vector<double> result(static_cast<std::size_t>(rows));
        if constexpr (std::is_same_v<T, float>)
            if (routines_) {
                const std::vector<float> narrow(h.begin(), h.end());
                std::vector<float> products(result.size());
                routines_->multiply({1, hidden, rows}, {narrow.data(), hidden},
                                    {weights_.r + begin * hidden, hidden, MatrixOrder::Transposed}, 1.0F, products.data(), rows, 1);
                std::copy(products.begin(), products.end(), result.begin());
                return with_bias(std::move(result), begin);
            }
        for (std::int64_t row = 0; row < rows; ++row)
            result[static_cast<std::size_t>(row)] = dot(weights_.r + (begin + row) * hidden, h.data(), hidden);
        return with_bias(std::move(result), begin);
    }

private:
    std::int64_t x_step() const { return sizes_.x_row(1, 0) - sizes_.x_row(0, 0); }

    std::vector<double> with_bias(std::vector<double> products, std::int64_t begin) const {
        if (weights_.b)
            for (std::size_t row = 0; row < products.size(); ++row)
                products[row] += static_cast<double>(weights_.b[sizes_.gates * sizes_.hidden + begin + static_cast<std::int64_t>(row)]);
        return products;
    }

    const Routines* routines_;
    const RecurrentSizes& sizes_;
    const RecurrentWeights<T>& weights_;
    const T* x_;
    std::vector<float> projected_;  // of all steps; empty without routines
};

/// Everything a cell needs to advance a state by one step.
template <typename T> struct CellInput {
    const RecurrentWeights<T>& weights;
    const std::vector<Activation>& activations;
    const RecurrentAttrs& attrs;
    const SequenceProducts<T>& products;
    std::vector<double> from_input;  // the products of this step, gate by gate

    double clipped(double value) const {
        if (!attrs.clip) return value;
        const double limit = static_cast<double>(*attrs.clip);
        return value < -limit ? -limit : value > limit ? limit : value;
    }
};

}  // namespace mcompress::reference
