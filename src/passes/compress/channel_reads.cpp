#include "passes/compress/channel_reads.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ops/matmul.h"
#include "ops/recurrent.h"
#include "passes/compress/product_entries.h"
#include "passes/constant_values.h"
#include "passes/fuse/linear_node.h"
#include "passes/rewriter.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr int kStays = -1;

/// "The unit `read` cannot go unless the unit `by` goes": collected over all products.
class Reads {
public:
    explicit Reads(int units) : readers_(static_cast<std::size_t>(units)), is_needed_(static_cast<std::size_t>(units), false) {}

    void add(int read, int by) {
        if (read < 0 || read == by) return;
        if (by < 0) is_needed_[static_cast<std::size_t>(read)] = true;
        else if (!is_needed_[static_cast<std::size_t>(read)]) reads_.emplace_back(by, read);
    }
    void add_all(const std::vector<int>& read) {
        for (const int unit : read) add(unit, kStays);
    }
    /// What is needed needs what it reads.
    std::vector<bool> resolve() {
        for (const auto& [by, read] : reads_) readers_[static_cast<std::size_t>(by)].push_back(read);
        std::vector<int> pending;
        for (std::size_t unit = 0; unit < is_needed_.size(); ++unit)
            if (is_needed_[unit]) pending.push_back(static_cast<int>(unit));
        while (!pending.empty()) {
            const int by = pending.back();
            pending.pop_back();
            for (const int read : readers_[static_cast<std::size_t>(by)]) {
                if (is_needed_[static_cast<std::size_t>(read)]) continue;
                is_needed_[static_cast<std::size_t>(read)] = true;
                pending.push_back(read);
            }
        }
        return is_needed_;
    }

private:
    std::vector<std::pair<int, int>> reads_;
    std::vector<std::vector<int>> readers_;  // by the reading unit: what it reads
    std::vector<bool> is_needed_;
};

/// A product with constant weights: what it reads of its input.
struct ProductReads {
    Node* node;
    ProductAxes axes;
    Tensor weight;
    std::vector<int> inputs, outputs;            // units
    std::vector<std::optional<double>> numbers;  // of the input channels
    bool folds = false;                          // numbers other than 0 can go into its bias
};

std::vector<int> units_along(const ChannelUnits& units, Axes axes, int axis) { return units.units_of(ChannelRelations::at(axes, axis)); }

bool folds_numbers(const Node& node) {
    if (border_effect(node) == BorderEffect::Differs) return false;
    if (node.is("MatMul")) return known_tensor(node.input(1)) != nullptr;
    return is_linear_node(node) && why_not_constant_weights(node).empty();
}

std::optional<ProductReads> product_reads(Node& node, const ChannelUnits& units, const KnownChannelTable& known,
                                          const Evaluator& evaluator) {
    const auto axes = product_axes(node);
    auto weight = axes ? product_weight(node, evaluator) : std::nullopt;
    if (!weight) return std::nullopt;
    const ChannelRelations& relations = units.relations;
    ProductReads reads{&node,
                       *axes,
                       *weight,
                       units_along(units, relations.in(node, 0), axes->input),
                       units_along(units, relations.out(node, 0), axes->output),
                       {},
                       folds_numbers(node)};
    if (reads.inputs.empty() || reads.outputs.empty()) return std::nullopt;
    reads.numbers = known_numbers(known, node.input(0), axes->input, static_cast<std::int64_t>(reads.inputs.size()));
    return reads;
}

bool is_harmless(const ProductReads& product, const ProductEntry& entry) {
    const std::optional<double> number = product.numbers[static_cast<std::size_t>(entry.input)];
    return entry.is_zero || (number && (*number == 0.0 || product.folds));
}

void read_product(const ProductReads& product, Reads& reads) {
    for_each_entry(*product.node, product.weight, [&](const ProductEntry& entry) {
        if (!is_harmless(product, entry))
            reads.add(product.inputs[static_cast<std::size_t>(entry.input)], product.outputs[static_cast<std::size_t>(entry.output)]);
    });
}

/// LSTM, GRU, RNN: W [directions, gates · hidden, inputs] and R [directions, gates · hidden, hidden] read into hidden units.
void read_recurrent(const Node& node, const ChannelUnits& units, const KnownChannelTable& known, Reads& reads) {
    const std::vector<int> hidden = units_along(units, units.relations.in(node, 2), 2);
    const auto numbers =
        known_numbers(known, node.input(0), 2, static_cast<std::int64_t>(units_along(units, units.relations.in(node, 1), 2).size()));
    for (const int input : {1, 2}) {
        const std::vector<int> read = units_along(units, units.relations.in(node, input), 2);
        const Tensor* tensor = known_tensor(node.input(input));
        const auto weights = tensor ? doubles_of(*tensor) : std::nullopt;
        if (read.empty()) continue;
        if (!weights || hidden.empty()) {
            reads.add_all(read);
            continue;
        }
        for (std::size_t at = 0; at < weights->size(); ++at) {
            const std::size_t column = at % read.size();
            const bool is_zero_input = input == 1 && column < numbers.size() && numbers[column] == 0.0;
            if ((*weights)[at] != 0.0 && !is_zero_input) reads.add(read[column], hidden[at / read.size() % hidden.size()]);
        }
    }
}

/// com.microsoft's Attention: weights [inputs, columns], which belong to heads.
void read_projection(const Node& node, const ChannelUnits& units, Reads& reads) {
    const std::vector<int> read = units_along(units, units.relations.in(node, 1), 0);
    const std::vector<int> columns = units_along(units, units.relations.in(node, 1), 1);
    const Tensor* tensor = known_tensor(node.input(1));
    const auto weights = tensor ? doubles_of(*tensor) : std::nullopt;
    if (!weights || columns.empty()) return reads.add_all(read);
    for (std::size_t at = 0; at < weights->size(); ++at)
        if ((*weights)[at] != 0.0) reads.add(read[at / columns.size()], columns[at % columns.size()]);
}

/// Products of activations need the channels that they sum over unless one side is 0 there.
void read_activations(const Node& node, const ChannelUnits& units, const KnownChannelTable& known, Reads& reads) {
    const Axes a = units.relations.in(node, 0), b = units.relations.in(node, 1);
    const int a_axis = node.is("Gemm") && attrs<GemmAttrs>(node).a == MatrixOrder::Transposed ? 0 : static_cast<int>(a.size()) - 1;
    const int b_axis = node.is("Gemm") ? (attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? 1 : 0) : static_cast<int>(b.size()) - 2;
    const std::vector<int> summed = units_along(units, a, a_axis);
    const auto count = static_cast<std::int64_t>(summed.size());
    // One entry a summed channel, whatever is known.
    const auto left = known_numbers(known, node.input(0), a_axis, count), right = known_numbers(known, node.input(1), b_axis, count);
    for (std::size_t at = 0; at < summed.size(); ++at)
        if (left[at] != 0.0 && right[at] != 0.0) reads.add(summed[at], kStays);
}

/// Convolutions whose weight is computed, integer products, Einsum: whatever they read is needed, but for what goes with their own outputs' units.
void read_everything(const Node& node, const ChannelUnits& units, Reads& reads) {
    std::vector<bool> is_own(static_cast<std::size_t>(units.count), false);
    for (int output = 0; output < node.output_count(); ++output)
        for (const std::vector<Atom>& axis : units.relations.out(node, output))
            for (const int unit : units.units_of(axis))
                if (unit >= 0) is_own[static_cast<std::size_t>(unit)] = true;
    for (int input = 0; input < node.input_count(); ++input)
        for (const std::vector<Atom>& axis : units.relations.in(node, input))
            for (const int unit : units.units_of(axis))
                if (unit >= 0 && !is_own[static_cast<std::size_t>(unit)]) reads.add(unit, kStays);
}

bool sums_over_channels(const Node& node) {
    constexpr std::string_view kOps[] = {"Conv", "ConvInteger", "ConvTranspose", "Einsum",     "FusedConv",
                                         "Gemm", "MatMul",      "MatMulInteger", "QLinearConv"};
    return std::find(std::begin(kOps), std::end(kOps), node.op_type()) != std::end(kOps);
}

void read_other(const Node& node, const ChannelUnits& units, const KnownChannelTable& known, Reads& reads) {
    if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) return read_recurrent(node, units, known, reads);
    if (node.is("com.microsoft", "Attention")) return read_projection(node, units, reads);
    if (node.is("MatMul") || node.is("Gemm")) return read_activations(node, units, known, reads);
    if (sums_over_channels(node)) read_everything(node, units, reads);
}

// ---- what follows ----

std::optional<FoldedRead> fold(const ProductReads& product, const std::vector<bool>& removed) {
    FoldedRead folded{product.node, std::vector<double>(product.outputs.size(), 0.0)};
    const double alpha = product.node->is("Gemm") ? static_cast<double>(attrs<GemmAttrs>(*product.node).alpha) : 1.0;
    bool is_any = false;
    for_each_entry(*product.node, product.weight, [&](const ProductEntry& entry) {
        const int unit = product.inputs[static_cast<std::size_t>(entry.input)];
        const std::optional<double>& number = product.numbers[static_cast<std::size_t>(entry.input)];
        if (unit < 0 || !removed[static_cast<std::size_t>(unit)] || !number || *number == 0.0 || entry.is_zero || !product.folds) return;
        folded.added[static_cast<std::size_t>(entry.output)] += alpha * *number * entry.sum;
        is_any = true;
    });
    return is_any ? std::optional(std::move(folded)) : std::nullopt;
}

/// Channels that are one number and stay, because the border of the product that reads them would differ.
void explain_borders(const ProductReads& product, std::vector<Skip>& kept) {
    if (product.folds) return;
    std::vector<bool> is_read(product.inputs.size(), false);
    for_each_entry(*product.node, product.weight, [&](const ProductEntry& entry) {
        if (!entry.is_zero) is_read[static_cast<std::size_t>(entry.input)] = true;
    });
    std::int64_t count = 0;
    for (std::size_t at = 0; at < product.inputs.size(); ++at)
        if (product.inputs[at] >= 0 && product.numbers[at].value_or(0.0) != 0.0 && is_read[at]) ++count;
    if (count == 0) return;
    const char* why =
        border_effect(*product.node) == BorderEffect::Differs ? "its border would differ without them" : "its bias cannot take them in";
    kept.push_back(skip(*product.node, format("{} of the channels that it reads are constant and not 0, but {}", count, why)));
}

/// Filters that give one number, of a product that keeps all of its channels.
void explain_frozen(const Graph& graph, const ChannelUnits& units, const KnownChannelTable& known, std::vector<Skip>& kept) {
    std::map<std::string, const Skip*> reasons;
    for (const Skip& frozen : units.frozen) reasons.emplace(frozen.node, &frozen);
    for (const Node* node : graph.order()) {
        const auto found = reasons.find(node->display_name());
        const auto channels = found != reasons.end() && product_axes(*node) ? known.find(node->output(0)) : known.end();
        if (channels == known.end()) continue;
        const auto count = std::count(channels->second.is_known.begin(), channels->second.is_known.end(), true);
        kept.push_back(skip(*node, format("{} of its channels are constant, but {}", count, found->second->reason)));
    }
}

}  // namespace

DeadUnits find_dead_units(Graph& graph, const ChannelUnits& units, const KnownChannelTable& known, const Evaluator& evaluator) {
    Reads reads(units.count);
    std::vector<ProductReads> products;
    for (Node* node : graph.order()) {
        auto product = product_reads(*node, units, known, evaluator);
        if (!product) {
            read_other(*node, units, known, reads);
            continue;
        }
        read_product(*product, reads);
        products.push_back(std::move(*product));
    }
    const std::vector<bool> needed = reads.resolve();
    std::vector<int> dead;
    for (int unit = 0; unit < units.count; ++unit)
        if (!needed[static_cast<std::size_t>(unit)]) dead.push_back(unit);
    DeadUnits result{choosable(units, dead), {}, {}};
    for (const ProductReads& product : products) {
        if (auto folded = fold(product, result.removed)) result.folded.push_back(std::move(*folded));
        explain_borders(product, result.kept);
    }
    explain_frozen(graph, units, known, result.kept);
    return result;
}

}  // namespace mcompress
