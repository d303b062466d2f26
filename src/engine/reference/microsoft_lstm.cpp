// com.microsoft DynamicQuantizeLSTM: an LSTM whose inputs and states are quantized to 8 bits before each product with 8-bit weights.
#include <algorithm>
#include <cmath>

#include "engine/reference/codes.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/product.h"
#include "engine/reference/recurrent_cell.h"
#include "quant/choose_params.h"

namespace mcompress::reference {

namespace {

constexpr std::int64_t kGates = 4;

struct LstmSizes {
    std::int64_t steps, batch, inputs, hidden, directions;
    std::int64_t columns() const { return kGates * hidden; }

    LstmSizes(const KernelContext& context, const RecurrentAttrs& a) : directions(a.directions()) {
        const Shape &x = context.required(0).shape(), &r = context.required(2).shape();
        if (x.rank() != 3 || r.rank() != 3) context.reject("X and R must have rank 3");
        if (context.input(0).dtype() != DType::Float32) context.reject_dtype(context.input(0).dtype());
        steps = x[0], batch = x[1], inputs = x[2], hidden = r[1];
        if (a.hidden_size != 0 && a.hidden_size != hidden) context.reject(format("hidden_size is {}, R has {}", a.hidden_size, hidden));
        if (r != Shape{directions, hidden, columns()} || context.required(1).shape() != Shape{directions, inputs, columns()})
            context.reject("the weights do not fit the input");
        check(context, 3, directions * 2 * columns());
        check(context, 5, directions * batch * hidden);
        check(context, 6, directions * batch * hidden);
        check(context, 7, directions * 3 * hidden);
    }
    static void check(const KernelContext& context, int index, std::int64_t count) {
        const Tensor& tensor = context.input(index);
        if (tensor.defined() && (tensor.element_count() != count || tensor.dtype() != DType::Float32))
            context.reject(format("input {} of shape {} should hold {} numbers", index, tensor.shape().to_string(), count));
    }
};

/// The weights of one direction [rows, columns] as numbers; a scale and zero point a direction or a column.
std::vector<float> dequantized(const KernelContext& context, int weights, int scale, std::int64_t direction, std::int64_t rows,
                               std::int64_t columns, std::int64_t directions) {
    const Tensor &codes = context.required(weights), &scales = context.required(scale), &zeros = context.required(scale + 1);
    const bool by_column = scales.element_count() == directions * columns;
    if (scales.dtype() != DType::Float32) context.reject_dtype(scales.dtype());
    if ((!by_column && scales.element_count() != directions) || zeros.element_count() != scales.element_count())
        context.reject(format("scales of shape {} fit no {} columns", scales.shape().to_string(), columns));
    const std::uint8_t *bytes = code_bytes(context, codes) + direction * rows * columns, *zero_bytes = code_bytes(context, zeros);
    std::vector<float> result(static_cast<std::size_t>(rows * columns));
    for (std::int64_t i = 0; i < rows * columns; ++i) {
        const std::int64_t at = by_column ? direction * columns + i % columns : direction;
        const std::int32_t difference = code_of(bytes[i], codes.dtype()) - code_of(zero_bytes[at], zeros.dtype());
        result[static_cast<std::size_t>(i)] = static_cast<float>(difference) * scales.data<float>()[at];
    }
    return result;
}

/// What 8 bits over the range of all values and 0 leave of them (DynamicQuantizeLinear).
void round_to_8_bits(const float* from, std::int64_t count, float* to) {
    ValueRange range;
    for (std::int64_t i = 0; i < count; ++i) range = {std::min(range.min, from[i]), std::max(range.max, from[i])};
    const auto [scale, zero, dtype] = choose_dynamic_params(range);
    if (scale == 0.0F) {
        std::fill_n(to, count, 0.0F);
        return;
    }
    for (std::int64_t i = 0; i < count; ++i)
        to[i] = static_cast<float>(quantize_value(from[i], scale, zero, integer_range(dtype)) - zero) * scale;
}

/// [rows, inner] · [inner, columns].
std::vector<double> multiplied(const KernelContext& context, const std::vector<float>& a, const std::vector<float>& b, std::int64_t rows,
                               std::int64_t inner, std::int64_t columns) {
    std::vector<double> result(static_cast<std::size_t>(rows * columns));
    parallel_for(static_cast<std::size_t>(rows), rows * inner * columns > kWorthThreads ? context.threads : 1, [&](int, std::size_t row) {
        std::vector<double> sums(static_cast<std::size_t>(columns));
        product_row(MatrixView<float>{a.data(), inner, 1}, static_cast<std::int64_t>(row), MatrixView<float>{b.data(), columns, 1}, inner,
                    sums, 0.0, [](std::int64_t) { return 0.0; });
        std::copy(sums.begin(), sums.end(), result.begin() + static_cast<std::int64_t>(row) * columns);
    });
    return result;
}

/// One direction of the operator.
struct Direction {
    const LstmSizes& s;
    const RecurrentAttrs& a;
    std::vector<Activation> activations;
    std::vector<float> recurrence;   // [hidden, 4 hidden]
    std::vector<double> from_input;  // [steps·batch, 4 hidden]
    const float* bias;               // [8 hidden], or null
    const float* peepholes;          // [3 hidden], or null
    std::vector<float> h, c;         // [batch, hidden]

    double limited(double value) const {
        if (!a.clip) return value;
        const double limit = static_cast<double>(*a.clip);
        return value < -limit ? -limit : value > limit ? limit : value;
    }
    double peephole(std::int64_t gate, std::int64_t unit, double cell) const {
        return peepholes ? static_cast<double>(peepholes[gate * s.hidden + unit]) * cell : 0.0;
    }
    double biased(std::int64_t gate, std::int64_t unit, double sum) const {
        const std::int64_t at = gate * s.hidden + unit;
        return bias ? sum + static_cast<double>(bias[at]) + static_cast<double>(bias[s.columns() + at]) : sum;
    }

    /// Gates in the order i, o, f, c; peepholes i, o, f.
    void advance_unit(std::int64_t entry, std::int64_t unit, const double* input, const double* state) {
        const auto sum = [&](std::int64_t gate) {
            const std::int64_t at = gate * s.hidden + unit;
            return biased(gate, unit, input[at] + state[at]);
        };
        float &hidden = h[static_cast<std::size_t>(entry * s.hidden + unit)],
              &memory = c[static_cast<std::size_t>(entry * s.hidden + unit)];
        const auto before = static_cast<double>(memory);
        const double i = activations[0](limited(sum(0) + peephole(0, unit, before)));
        const double f = a.input_forget ? 1.0 - i : activations[0](limited(sum(2) + peephole(2, unit, before)));
        const double cell = f * before + i * activations[1](limited(sum(3)));
        memory = static_cast<float>(cell);
        hidden = static_cast<float>(activations[0](limited(sum(1) + peephole(1, unit, cell))) * activations[2](cell));
    }
};

std::vector<float> state_of(const KernelContext& context, int index, const LstmSizes& s, std::int64_t direction) {
    std::vector<float> state(static_cast<std::size_t>(s.batch * s.hidden), 0.0F);
    if (context.has_input(index))
        std::copy_n(context.input(index).data<float>() + direction * s.batch * s.hidden, state.size(), state.begin());
    return state;
}

std::vector<std::int64_t> sequence_lengths(const KernelContext& context, const LstmSizes& s) {
    std::vector<std::int64_t> lengths(static_cast<std::size_t>(s.batch), s.steps);
    if (context.has_input(4)) lengths = integers(context, context.input(4));
    if (static_cast<std::int64_t>(lengths.size()) != s.batch) context.reject("there must be one sequence length a batch entry");
    for (const std::int64_t length : lengths)
        if (length < 0 || length > s.steps) context.reject(format("sequence length {} lies outside 0…{}", length, s.steps));
    return lengths;
}

/// All steps of a direction; `y` (null: not wanted) gets the hidden state of every step.
void run_direction(const KernelContext& context, Direction& d, std::int64_t direction, bool reverse, float* y) {
    const LstmSizes& s = d.s;
    const std::vector<std::int64_t> lengths = sequence_lengths(context, s);
    std::vector<float> rounded(d.h.size());
    for (std::int64_t step = 0; step < s.steps; ++step) {
        round_to_8_bits(d.h.data(), static_cast<std::int64_t>(d.h.size()), rounded.data());
        const std::vector<double> from_state = multiplied(context, rounded, d.recurrence, s.batch, s.hidden, s.columns());
        for (std::int64_t entry = 0; entry < s.batch; ++entry) {
            const std::int64_t length = lengths[static_cast<std::size_t>(entry)];
            if (step >= length) continue;
            const std::int64_t at = reverse ? length - 1 - step : step;
            for (std::int64_t unit = 0; unit < s.hidden; ++unit)
                d.advance_unit(entry, unit, d.from_input.data() + (at * s.batch + entry) * s.columns(),
                               from_state.data() + entry * s.columns());
            if (y) std::copy_n(d.h.data() + entry * s.hidden, s.hidden, y + ((at * s.directions + direction) * s.batch + entry) * s.hidden);
        }
    }
}

/// X, W, R, B, sequence lengths, initial h and c, P, then scale and zero point of W and of R.
void dynamic_quantize_lstm(const KernelContext& context) {
    const auto a = attrs<RecurrentAttrs>(context.node);
    const LstmSizes s(context, a);
    const auto output = [&](int index, const Shape& shape) -> float* {
        if (!context.wants_output(index)) return nullptr;
        Tensor& tensor = context.make_output(index, DType::Float32, shape);
        std::fill_n(tensor.mutable_data<float>(), tensor.element_count(), 0.0F);
        return tensor.mutable_data<float>();
    };
    float* y = output(0, Shape{s.steps, s.directions, s.batch, s.hidden});
    float *last_h = output(1, Shape{s.directions, s.batch, s.hidden}), *last_c = output(2, Shape{s.directions, s.batch, s.hidden});
    const Tensor& x = context.input(0);
    std::vector<float> rounded(static_cast<std::size_t>(x.element_count()));
    round_to_8_bits(x.data<float>(), x.element_count(), rounded.data());
    for (std::int64_t direction = 0; direction < s.directions; ++direction) {
        const auto weights = dequantized(context, 1, 8, direction, s.inputs, s.columns(), s.directions);
        Direction d{s,
                    a,
                    read_activations(context, a, static_cast<int>(direction)),
                    dequantized(context, 2, 10, direction, s.hidden, s.columns(), s.directions),
                    multiplied(context, rounded, weights, s.steps * s.batch, s.inputs, s.columns()),
                    context.has_input(3) ? context.input(3).data<float>() + direction * 2 * s.columns() : nullptr,
                    context.has_input(7) ? context.input(7).data<float>() + direction * 3 * s.hidden : nullptr,
                    state_of(context, 5, s, direction),
                    state_of(context, 6, s, direction)};
        run_direction(context, d, direction, a.direction == RecurrentAttrs::Direction::Reverse || direction == 1, y);
        if (last_h) std::copy(d.h.begin(), d.h.end(), last_h + direction * s.batch * s.hidden);
        if (last_c) std::copy(d.c.begin(), d.c.end(), last_c + direction * s.batch * s.hidden);
    }
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"com.microsoft", "DynamicQuantizeLSTM", dynamic_quantize_lstm},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_lstm_kernels() { return kRows; }

}  // namespace mcompress::reference
