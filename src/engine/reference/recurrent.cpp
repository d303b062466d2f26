// LSTM, GRU and RNN, as the formulas of the operator definitions say.
#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "engine/reference/recurrent_cell.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

struct RnnCell {
    static constexpr int kGates = 1;
    template <typename T> static void advance(const CellInput<T>& in, RecurrentState& state) {
        const std::vector<double> from_state = in.products.of_state(state.h, 0, 1);
        for (std::size_t u = 0; u < state.h.size(); ++u) state.h[u] = in.activations[0](in.clipped(in.from_input[u] + from_state[u]));
    }
};

/// Gates in the order z, r, h.
struct GruCell {
    static constexpr int kGates = 3;
    template <typename T> static void advance(const CellInput<T>& in, RecurrentState& state) {
        const std::size_t hidden = state.h.size();
        const bool is_linear = in.attrs.linear_before_reset;
        const std::vector<double> from_state = in.products.of_state(state.h, 0, is_linear ? 3 : 2);
        std::vector<double> update(hidden), reset(hidden), gated(hidden);
        for (std::size_t u = 0; u < hidden; ++u) {
            update[u] = in.activations[0](in.clipped(in.from_input[u] + from_state[u]));
            reset[u] = in.activations[0](in.clipped(in.from_input[hidden + u] + from_state[hidden + u]));
            gated[u] = reset[u] * state.h[u];
        }
        const std::vector<double> from_gated = is_linear ? std::vector<double>{} : in.products.of_state(gated, 2, 3);
        for (std::size_t u = 0; u < hidden; ++u) {
            const double recurrent = is_linear ? reset[u] * from_state[2 * hidden + u] : from_gated[u];
            const double candidate = in.activations[1](in.clipped(in.from_input[2 * hidden + u] + recurrent));
            state.h[u] = (1.0 - update[u]) * candidate + update[u] * state.h[u];
        }
    }
};

/// Gates in the order i, o, f, c; peepholes i, o, f.
struct LstmCell {
    static constexpr int kGates = 4;
    template <typename T> static void advance(const CellInput<T>& in, RecurrentState& state) {
        const std::size_t hidden = state.h.size();
        const std::vector<double> from_state = in.products.of_state(state.h, 0, 4);
        const auto peephole = [&](std::size_t gate, std::size_t unit, double cell) {
            return in.weights.p ? static_cast<double>(in.weights.p[gate * hidden + unit]) * cell : 0.0;
        };
        for (std::size_t u = 0; u < hidden; ++u) {
            const auto gate = [&](std::size_t index) { return in.from_input[index * hidden + u] + from_state[index * hidden + u]; };
            const double i = in.activations[0](in.clipped(gate(0) + peephole(0, u, state.c[u])));
            const double f = in.attrs.input_forget ? 1.0 - i : in.activations[0](in.clipped(gate(2) + peephole(2, u, state.c[u])));
            const double cell = f * state.c[u] + i * in.activations[1](in.clipped(gate(3)));
            const double o = in.activations[0](in.clipped(gate(1) + peephole(1, u, cell)));
            state.c[u] = cell;
            state.h[u] = o * in.activations[2](cell);
        }
    }
};

template <typename T> std::vector<double> initial(const KernelContext& context, int index, std::int64_t row, std::int64_t hidden) {
    std::vector<double> result(static_cast<std::size_t>(hidden), 0.0);
    if (context.has_input(index)) std::copy_n(context.input(index).data<T>() + row, hidden, result.begin());
    return result;
}

std::vector<std::int64_t> sequence_lengths(const KernelContext& context, const RecurrentSizes& s) {
    std::vector<std::int64_t> lengths(static_cast<std::size_t>(s.batch), s.steps);
    if (!context.has_input(4)) return lengths;
    lengths = integers(context, context.input(4));
    if (static_cast<std::int64_t>(lengths.size()) != s.batch) context.reject("there must be one sequence length a batch entry");
    for (const std::int64_t length : lengths)
        if (length < 0 || length > s.steps) context.reject(format("sequence length {} lies outside 0…{}", length, s.steps));
    return lengths;
}

template <typename T> void store(T* to, const std::vector<double>& values) {
    if (to) std::transform(values.begin(), values.end(), to, [](double value) { return static_cast<T>(value); });
}

/// The three outputs; null where nobody wants them. Elements beyond a sequence's length stay 0.
template <typename T> struct Outputs {
    T *y, *h, *c;
    Outputs(const KernelContext& context, const RecurrentSizes& s)
        : y(make(context, 0, s.y_shape())), h(make(context, 1, s.state_shape())), c(make(context, 2, s.state_shape())) {}
    static T* make(const KernelContext& context, int index, const Shape& shape) {
        if (!context.wants_output(index)) return nullptr;
        Tensor& tensor = context.make_output(index, dtype_of<T>, shape);
        std::fill_n(tensor.mutable_data<T>(), tensor.element_count(), T{});
        return tensor.mutable_data<T>();
    }
};

/// Batch entry `n` in direction `d`.
template <typename Cell, typename T>
void run_sequence(const KernelContext& context, const RecurrentAttrs& a, const RecurrentSizes& s, std::int64_t d, std::int64_t n,
                  std::int64_t length, const Outputs<T>& out) {
    const RecurrentWeights<T> weights(context, s, d);
    const SequenceProducts<T> products(context, s, weights, n, length);
    const std::vector<Activation> activations = read_activations(context, a, static_cast<int>(d));
    const bool reverse = a.direction == RecurrentAttrs::Direction::Reverse || d == 1;
    const std::int64_t row = s.state_row(d, n);
    RecurrentState state{initial<T>(context, 5, row, s.hidden), {}};
    if (Cell::kGates == 4) state.c = initial<T>(context, 6, row, s.hidden);
    for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t step = reverse ? length - 1 - i : i;
        Cell::advance(CellInput<T>{weights, activations, a, products, products.of_input(step)}, state);
        store(out.y ? out.y + s.y_row(step, d, n) : nullptr, state.h);
    }
    store(out.h ? out.h + row : nullptr, state.h);
    if (Cell::kGates == 4) store(out.c ? out.c + row : nullptr, state.c);
}

template <typename Cell, typename T> void run(const KernelContext& context) {
    const auto a = attrs<RecurrentAttrs>(context.node);
    const RecurrentSizes s(context, a, Cell::kGates);
    const std::vector<std::int64_t> lengths = sequence_lengths(context, s);
    const Outputs<T> out(context, s);
    const double products = static_cast<double>(s.batch) * static_cast<double>(s.steps) * static_cast<double>(s.gates * s.hidden) *
                            static_cast<double>(s.inputs + s.hidden);
    for_ranges(s.directions * s.batch, 1, static_cast<std::int64_t>(std::min(products, 1e15)), context.threads,
               [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t sequence = begin; sequence < end; ++sequence)
                       run_sequence<Cell>(context, a, s, sequence / s.batch, sequence % s.batch,
                                          lengths[static_cast<std::size_t>(sequence % s.batch)], out);
               });
}

template <typename Cell> void recurrent(const KernelContext& context) {
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() { run<Cell, T>(context); });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "GRU", widened<recurrent<GruCell>>},
    {"", "LSTM", widened<recurrent<LstmCell>>},
    {"", "RNN", widened<recurrent<RnnCell>>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> recurrent_kernels() { return kRows; }

}  // namespace mcompress::reference
