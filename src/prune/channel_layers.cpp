#include "prune/channel_layers.h"

#include <algorithm>
#include <map>

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "prune/input_moments.h"
#include "prune/prune_layer.h"
#include "support/splitmix.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::int64_t kWidest = 1536;
constexpr double kDamping = 0.01;

/// The axis of the weight as it is stored that the layer sums over.
int summed_axis(const Node& node) {
    if (node.is("Conv")) return 1;
    if (node.is("Gemm")) return attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? 1 : 0;
    return 0;
}

/// (A + d I)^-1, row by row; empty when there is none.
std::vector<double> inverse(const std::vector<double>& moments, std::int64_t size) {
    std::vector<double> identity(moments.size(), 0.0);
    for (std::int64_t at = 0; at < size; ++at) identity[static_cast<std::size_t>(at * size + at)] = 1.0;
    if (linalg::cholesky_solve(moments, size, kDamping, identity, size) != linalg::Factorization::Done) return {};
    return identity;
}

/// tr(W_S B^-1 W_S^T) for the block B of the inverse at the columns S.
double block_error(const std::vector<float>& weights, std::int64_t outputs, std::int64_t inputs, const std::vector<double>& inverse,
                   const std::vector<std::size_t>& columns) {
    const std::size_t size = columns.size(), stride = static_cast<std::size_t>(inputs), rows = static_cast<std::size_t>(outputs);
    std::vector<double> block(size * size), right(size * rows);
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j < size; ++j) block[i * size + j] = inverse[columns[i] * stride + columns[j]];
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t row = 0; row < rows; ++row) right[i * rows + row] = static_cast<double>(weights[row * stride + columns[i]]);
    const std::vector<double> left = right;
    if (linalg::cholesky_solve(block, static_cast<std::int64_t>(size), 0.0, right, outputs) != linalg::Factorization::Done) return 0.0;
    double trace = 0.0;
    for (std::size_t at = 0; at < left.size(); ++at) trace += left[at] * right[at];
    return trace;
}

/// Mean square of the result: tr(W A W^T).
double result_power(const std::vector<float>& weights, std::int64_t outputs, std::int64_t inputs, const std::vector<double>& moments) {
    const auto stride = static_cast<std::size_t>(inputs);
    double power = 0.0;
    for (std::size_t row = 0; row < static_cast<std::size_t>(outputs); ++row)
        for (std::size_t i = 0; i < stride; ++i) {
            double through = 0.0;
            for (std::size_t j = 0; j < stride; ++j) through += moments[i * stride + j] * static_cast<double>(weights[row * stride + j]);
            power += through * static_cast<double>(weights[row * stride + i]);
        }
    return power;
}

/// The same with nothing but the diagonal of A.
double diagonal_power(const std::vector<float>& weights, const std::vector<double>& spread) {
    double power = 0.0;
    for (std::size_t at = 0; at < weights.size(); ++at)
        power += static_cast<double>(weights[at]) * static_cast<double>(weights[at]) * spread[at % spread.size()];
    return power;
}

}  // namespace

std::vector<int> column_units(const Layer& layer, const ChannelUnits& units) {
    const Axes weight = units.relations.in(*layer.node, 1);
    const std::vector<int> channels = units.units_of(ChannelRelations::at(weight, summed_axis(*layer.node)));
    std::vector<int> columns(static_cast<std::size_t>(layer.inputs), -1);
    if (channels.empty() || columns.size() % channels.size() != 0) return columns;
    const std::size_t taps = columns.size() / channels.size();
    for (std::size_t column = 0; column < columns.size(); ++column) columns[column] = channels[column / taps];
    return columns;
}

Mask column_mask(const Layer& layer, const std::vector<int>& columns, const std::vector<bool>& removed) {
    Mask row(columns.size(), 1);
    for (std::size_t column = 0; column < columns.size(); ++column)
        if (columns[column] >= 0 && removed[static_cast<std::size_t>(columns[column])]) row[column] = 0;
    Mask mask;
    for (std::int64_t output = 0; output < layer.groups * layer.outputs; ++output) mask.insert(mask.end(), row.begin(), row.end());
    return mask;
}

std::vector<double> magnitude_scores(const ChannelUnits& units) {
    std::vector<double> scores(static_cast<std::size_t>(units.count), 0.0);
    std::vector<int> members(scores.size(), 0);
    for (const UnitAxis& axis : units.axes) {
        const Tensor* tensor = axis.input >= 0 ? known_tensor(axis.node->input(axis.input)) : nullptr;
        if (!tensor || tensor->dtype() != DType::Float32 || tensor->shape().rank() < 2) continue;
        const std::span<const float> values = tensor->values<float>();
        const std::int64_t inner = tensor->shape().product(axis.axis + 1, tensor->shape().rank()), count = tensor->shape()[axis.axis];
        std::vector<double> squares(static_cast<std::size_t>(count), 0.0);
        for (std::size_t at = 0; at < values.size(); ++at)
            squares[at / static_cast<std::size_t>(inner) % squares.size()] +=
                static_cast<double>(values[at]) * static_cast<double>(values[at]);
        double total = 0.0;
        for (const double square : squares) total += square;
        for (std::size_t at = 0; at < squares.size(); ++at)
            if (const int unit = axis.units[at]; unit >= 0 && total > 0.0) {
                scores[static_cast<std::size_t>(unit)] += squares[at] / total;
                ++members[static_cast<std::size_t>(unit)];
            }
    }
    for (std::size_t unit = 0; unit < scores.size(); ++unit) scores[unit] /= std::max(1, members[unit]);
    return scores;
}

std::vector<double> random_scores(const ChannelUnits& units) {
    std::vector<double> scores;
    std::uint64_t state = kSplitMixStep;
    for (int unit = 0; unit < units.count; ++unit, state += kSplitMixStep)
        scores.push_back(static_cast<double>(splitmix64(state) >> 11) * 0x1.0p-53);
    return scores;
}

void add_reconstruction_scores(const Layer& layer, const std::vector<int>& columns, const LayerRows& rows, std::vector<double>& scores,
                               std::vector<bool>& is_scored) {
    std::map<int, std::vector<std::size_t>> columns_of;
    for (std::size_t column = 0; column < columns.size(); ++column)
        if (columns[column] >= 0) columns_of[columns[column]].push_back(column);
    if (columns_of.empty() || rows.count == 0) return;
    const Centering centering = layer.bias_input >= 0 ? Centering::AboutMeans : Centering::AboutZero;
    const LayerWeights exact = exact_weights(layer);
    const auto size = static_cast<std::size_t>(layer.outputs * layer.inputs);
    for (std::int64_t group = 0; group < layer.groups; ++group) {
        const InputMoments moments = input_moments(layer, rows, group, centering);
        const auto begin = exact.matrix.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(group) * size);
        const std::vector<float> weights(begin, begin + static_cast<std::ptrdiff_t>(size));
        const bool is_small = layer.groups == 1 && layer.inputs <= kWidest;
        const std::vector<double> products = is_small ? moments.products() : std::vector<double>{};
        const double power =
            is_small ? result_power(weights, layer.outputs, layer.inputs, products) : diagonal_power(weights, moments.spread);
        const std::vector<double> inverted = is_small ? inverse(products, layer.inputs) : std::vector<double>{};
        if (!(power > 0.0)) continue;
        for (const auto& [unit, own] : columns_of) {
            double error = 0.0;
            if (!inverted.empty()) error = block_error(weights, layer.outputs, layer.inputs, inverted, own);
            else
                for (const std::size_t column : own)
                    for (std::int64_t row = 0; row < layer.outputs; ++row) {
                        const auto weight = static_cast<double>(weights[static_cast<std::size_t>(row * layer.inputs) + column]);
                        error += weight * weight * moments.spread[column];
                    }
            scores[static_cast<std::size_t>(unit)] += error / power / static_cast<double>(layer.groups);
            is_scored[static_cast<std::size_t>(unit)] = true;
        }
    }
}

}  // namespace mcompress
