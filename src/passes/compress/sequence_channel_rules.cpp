// Channel rules of recurrent and attention operators: their units are hidden units and heads.
#include <algorithm>
#include <map>

#include "ops/matmul.h"
#include "ops/microsoft.h"
#include "ops/recurrent.h"
#include "ops/transformer.h"
#include "passes/compress/channel_relations.h"

namespace mcompress {

namespace {

constexpr std::string_view kGates = "it holds the gates of a unit";
constexpr std::string_view kHead = "it lies inside an attention head";
constexpr std::string_view kOther = "it is no axis of hidden units or heads";

std::span<const Atom> at(Axes axes, int axis) { return ChannelRelations::at(axes, axis); }
std::span<const Atom> last(Axes axes) { return at(axes, static_cast<int>(axes.size()) - 1); }
std::vector<Atom> list(std::span<const Atom> axis) { return {axis.begin(), axis.end()}; }

std::vector<Atom> frozen_part(const Node& node, ChannelRelations& relations, std::size_t extent, std::string_view clause) {
    std::vector<Atom> part = relations.atoms.create(static_cast<std::int64_t>(extent));
    relations.freeze(node, part, clause);
    return part;
}

// ---- LSTM, GRU, RNN ----

/// [gates of one unit behind the other, units]
void compose_gates(const Node& node, ChannelRelations& relations, std::span<const Atom> whole, const std::vector<Atom>& hidden) {
    if (whole.empty() || hidden.empty()) return;
    relations.compose(node, whole, {frozen_part(node, relations, whole.size() / hidden.size(), kGates), hidden});
}

void relate_recurrent(Node& node, ChannelRelations& relations) {
    const Axes weight = relations.in(node, 1), recurrence = relations.in(node, 2);
    const std::vector<Atom> hidden = list(at(recurrence, 2));
    if (hidden.empty() || at(weight, 1).empty()) return relations.freeze(node, "its weights are not known");
    relations.join(node, at(relations.in(node, 0), 2), at(weight, 2));
    relations.freeze_others(node, relations.in(node, 0), 2, kOther);
    compose_gates(node, relations, at(weight, 1), hidden);
    compose_gates(node, relations, at(recurrence, 1), hidden);
    for (const int input : {3, 7}) compose_gates(node, relations, at(relations.in(node, input), 1), hidden);
    for (const int input : {0, 1, 2, 3, 7}) relations.freeze(node, at(relations.in(node, input), 0), kOther);
    relations.freeze(node, relations.in(node, 4), kOther);
    const auto follow = [&](Axes state) {
        if (state.empty()) return;
        relations.join(node, last(state), hidden);
        relations.freeze_others(node, state, static_cast<int>(state.size()) - 1, kOther);
    };
    for (const int input : {5, 6}) follow(relations.in(node, input));
    for (int output = 0; output < node.output_count(); ++output) follow(relations.out(node, output));
    if (node.attribute("hidden_size")) relations.count_attribute(node, "hidden_size", hidden);
}

// ---- attention ----

/// Key and value heads, and the query heads that read each of them.
struct Heads {
    std::vector<Atom> query, kv, repeated;
};

/// Heads go with the key and value head that they read; alone where there is one of those only.
Heads make_heads(const Node& node, ChannelRelations& relations, std::int64_t query, std::int64_t kv) {
    Heads heads{relations.atoms.create(query), relations.atoms.create(kv), relations.atoms.create(query / kv)};
    if (kv > 1) relations.freeze(node, heads.repeated, "its query heads share a key and value head");
    relations.compose(node, heads.query, {heads.kv, heads.repeated});
    return heads;
}

/// Channels [heads, size of a head].
void compose_heads(const Node& node, ChannelRelations& relations, std::span<const Atom> channels, const std::vector<Atom>& heads) {
    if (channels.empty()) return;
    relations.compose(node, channels, {heads, frozen_part(node, relations, channels.size() / heads.size(), kHead)});
}

/// A mask, bias or cache whose axis 1 may hold heads.
void join_heads(const Node& node, ChannelRelations& relations, Axes axes, const std::vector<Atom>& heads) {
    const bool has_heads = axes.size() == 4 && axes[1].size() > 1;
    relations.freeze_others(node, axes, has_heads ? 1 : -1, kOther);
    if (has_heads) relations.join(node, axes[1], heads);
}

/// [batch, steps, heads · size]: all of them.
bool have_rank(std::initializer_list<Axes> operands, std::size_t rank) {
    return std::all_of(operands.begin(), operands.end(), [&](Axes axes) { return axes.size() == rank; });
}

void relate_projected_attention(Node& node, ChannelRelations& relations) {
    const MicrosoftAttentionAttrs attention = attrs<MicrosoftAttentionAttrs>(node);
    const Axes input = relations.in(node, 0), weight = relations.in(node, 1), bias = relations.in(node, 2), result = relations.out(node, 0);
    const std::span<const Atom> columns = at(weight, 1);
    if (!have_rank({input, result}, 3) || weight.size() != 2 || columns.empty()) return relations.freeze(node, "its weights are not known");
    const Heads heads = make_heads(node, relations, attention.heads, attention.heads);
    relations.join(node, at(input, 2), at(weight, 0));
    if (!bias.empty()) relations.join(node, at(bias, 0), columns);
    std::size_t begin = 0;
    for (int part = 0; part < 3; ++part) {
        const std::size_t size = attention.hidden_sizes.empty()
                                     ? columns.size() / 3
                                     : static_cast<std::size_t>(attention.hidden_sizes[static_cast<std::size_t>(part)]);
        if (begin + size > columns.size()) return relations.freeze(node, "its weights are not known");
        const std::span<const Atom> channels = columns.subspan(begin, size);
        compose_heads(node, relations, channels, heads.query);
        if (!attention.hidden_sizes.empty()) relations.count_element(node, -1, "qkv_hidden_sizes", part, channels);
        begin += size;
    }
    compose_heads(node, relations, at(result, 2), heads.query);
    relations.count_attribute(node, "num_heads", heads.query);
    for (const int other : {3, 4, 6}) relations.freeze(node, relations.in(node, other), kOther);
    if (node.input(4)) relations.freeze(node, heads.query, "it has a cache");
    join_heads(node, relations, relations.in(node, 5), heads.query);
    relations.freeze(node, relations.out(node, 1), kOther);
    if (node.output(1)) relations.freeze(node, heads.query, "it has a cache");
}

void relate_multi_head_attention(Node& node, ChannelRelations& relations) {
    const MicrosoftAttentionAttrs attention = attrs<MicrosoftAttentionAttrs>(node);
    const Axes query = relations.in(node, 0), key = relations.in(node, 1), value = relations.in(node, 2), result = relations.out(node, 0);
    if (!have_rank({query, key, value, result}, 3)) return relations.freeze(node, "its keys or values are packed");
    const Heads heads = make_heads(node, relations, attention.heads, attention.heads);
    for (const Axes axes : {query, key, value, result}) compose_heads(node, relations, at(axes, 2), heads.query);
    const std::span<const Atom> bias = at(relations.in(node, 3), 0);
    if (!bias.empty()) {
        const std::size_t size = at(query, 2).size();
        if (bias.size() < 2 * size) return relations.freeze(node, "its bias is not known");
        for (const std::span<const Atom> part : {bias.first(size), bias.subspan(size, size), bias.subspan(2 * size)})
            compose_heads(node, relations, part, heads.query);
    }
    relations.count_attribute(node, "num_heads", heads.query);
    relations.freeze(node, relations.in(node, 4), kOther);
    for (const int input : {5, 6, 7}) join_heads(node, relations, relations.in(node, input), heads.query);
    relations.freeze_inputs(node, 8, kOther);
    for (const int output : {1, 2, 3}) join_heads(node, relations, relations.out(node, output), heads.query);
}

void relate_group_query_attention(Node& node, ChannelRelations& relations) {
    const MicrosoftAttentionAttrs attention = attrs<MicrosoftAttentionAttrs>(node);
    const Axes query = relations.in(node, 0), key = relations.in(node, 1), value = relations.in(node, 2), result = relations.out(node, 0);
    if (!have_rank({query, key, value, result}, 3)) return relations.freeze(node, "its keys or values are packed");
    const Heads heads = make_heads(node, relations, attention.heads, attention.kv_heads);
    for (const Axes axes : {query, result}) compose_heads(node, relations, at(axes, 2), heads.query);
    for (const Axes axes : {key, value}) compose_heads(node, relations, at(axes, 2), heads.kv);
    relations.count_attribute(node, "num_heads", heads.query);
    relations.count_attribute(node, "kv_num_heads", heads.kv);
    for (const int input : {3, 4}) join_heads(node, relations, relations.in(node, input), heads.kv);
    for (int input = 5; input < node.input_count(); ++input)
        if (input != 10) relations.freeze(node, relations.in(node, input), kOther);
    join_heads(node, relations, relations.in(node, 10), heads.query);
    for (const int output : {1, 2}) join_heads(node, relations, relations.out(node, output), heads.kv);
    join_heads(node, relations, relations.out(node, 3), heads.query);
}

/// ai.onnx: heads are axis 1, or part of the channels when their number is an attribute.
void relate_attention(Node& node, ChannelRelations& relations) {
    const AttentionAttrs attention = attrs<AttentionAttrs>(node);
    const Axes query = relations.in(node, 0), key = relations.in(node, 1), value = relations.in(node, 2), result = relations.out(node, 0);
    const bool is_split = have_rank({query, key, value, result}, 4);
    const auto extent = [](Axes axes) { return static_cast<std::int64_t>(at(axes, 1).size()); };
    const std::int64_t q = is_split ? extent(query) : attention.q_heads.value_or(0);
    const std::int64_t kv = is_split ? extent(key) : attention.kv_heads.value_or(0);
    if (q < 1 || kv < 1 || q % kv != 0 || (!is_split && !have_rank({query, key, value, result}, 3)))
        return relations.freeze(node, "its heads are not known");
    const Heads heads = make_heads(node, relations, q, kv);
    for (const Axes axes : {query, key, value, result}) {
        const std::vector<Atom>& own = &axes[0] == &query[0] || &axes[0] == &result[0] ? heads.query : heads.kv;
        if (is_split) join_heads(node, relations, axes, own);
        else compose_heads(node, relations, at(axes, 2), own);
    }
    if (!is_split) {
        relations.count_attribute(node, "q_num_heads", heads.query);
        relations.count_attribute(node, "kv_num_heads", heads.kv);
    }
    join_heads(node, relations, relations.in(node, 3), heads.query);
    for (const int input : {4, 5}) join_heads(node, relations, relations.in(node, input), heads.kv);
    relations.freeze_inputs(node, 6, kOther);
    for (const int output : {1, 2}) join_heads(node, relations, relations.out(node, output), heads.kv);
    join_heads(node, relations, relations.out(node, 3), heads.query);
}

/// [batch, heads, steps, size], or [batch, steps, heads · size].
void relate_rotation(Node& node, ChannelRelations& relations, std::int64_t heads) {
    const Axes data = relations.in(node, 0);
    relations.join(node, data, relations.out(node, 0));
    relations.freeze_inputs(node, 1, kOther);
    if (data.size() == 4) return relations.freeze_others(node, data, 1, kOther);
    const std::span<const Atom> channels = last(data);
    if (data.size() != 3 || heads < 1 || channels.size() % static_cast<std::size_t>(heads) != 0)
        return relations.freeze(node, "its heads are not known");
    const std::vector<Atom> parts = relations.atoms.create(heads);
    compose_heads(node, relations, channels, parts);
    relations.count_attribute(node, "num_heads", parts);
}

void relate_rotary(Node& node, ChannelRelations& relations) {
    relate_rotation(node, relations, attrs<RotaryEmbeddingAttrs>(node).heads.value_or(0));
}
void relate_microsoft_rotary(Node& node, ChannelRelations& relations) {
    relate_rotation(node, relations, attrs<MicrosoftRotaryAttrs>(node).heads);
}

// ---- Einsum ----

void relate_einsum(Node& node, ChannelRelations& relations) {
    const EinsumAttrs einsum = attrs<EinsumAttrs>(node);
    std::map<char, std::vector<std::span<const Atom>>> axes_of;
    const auto add = [&](const std::string& labels, Axes axes) {
        if (labels.find('.') != std::string::npos || labels.size() != axes.size()) return false;
        for (std::size_t axis = 0; axis < labels.size(); ++axis) axes_of[labels[axis]].push_back(axes[axis]);
        return true;
    };
    bool is_plain = add(einsum.output, relations.out(node, 0));
    for (std::size_t input = 0; input < einsum.inputs.size(); ++input)
        is_plain = add(einsum.inputs[input], relations.in(node, static_cast<int>(input))) && is_plain;
    if (!is_plain) return relations.freeze(node, "its axes are not all named");
    for (const auto& [label, axes] : axes_of)
        for (const std::span<const Atom> axis : axes) {
            if (axes.size() == 1) relations.freeze(node, axis, "it is summed over");
            relations.join(node, axes[0], axis);
        }
}

// clang-format off
constexpr ChannelRule kRules[] = {
    {"", "Attention", relate_attention},
    {"", "Einsum", relate_einsum},
    {"", "GRU", relate_recurrent},
    {"", "LSTM", relate_recurrent},
    {"", "RNN", relate_recurrent},
    {"", "RotaryEmbedding", relate_rotary},
    {"com.microsoft", "Attention", relate_projected_attention},
    {"com.microsoft", "GroupQueryAttention", relate_group_query_attention},
    {"com.microsoft", "MultiHeadAttention", relate_multi_head_attention},
    {"com.microsoft", "RotaryEmbedding", relate_microsoft_rotary},
};
// clang-format on

}  // namespace

std::span<const ChannelRule> sequence_channel_rules() { return kRules; }

}  // namespace mcompress
