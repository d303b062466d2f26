#include "engine/reference/scaled_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference/attention.h"
#include "engine/reference/product.h"

namespace mcompress::reference {

namespace {

/// Keys [first, last) that a query sees.
struct KeyRange {
    std::int64_t first, last;
};

KeyRange seen_keys(const AttentionTask& t, std::int64_t batch, std::int64_t query) {
    const auto b = static_cast<std::size_t>(batch);
    KeyRange range{0, t.visible.empty() ? t.keys : t.visible[b]};
    if (!t.position.empty()) {
        const std::int64_t own = t.position[b] + query;
        range.last = std::min(range.last, own + 1);
        if (t.window > 0) range.first = std::max<std::int64_t>(0, own + 1 - t.window);
    }
    range.first = std::min(range.first, std::max<std::int64_t>(range.last, 0));
    range.last = std::max(range.last, range.first);
    return range;
}

/// Keys of one head as columns, so that the products of a query with all of them run along memory.
std::vector<float> key_columns(const AttentionTask& t, std::int64_t batch, std::int64_t head, std::int64_t keys) {
    std::vector<float> columns(static_cast<std::size_t>(t.size * keys));
    for (std::int64_t key = 0; key < keys; ++key) {
        const float* row = t.k.row(batch, head, key);
        for (std::int64_t i = 0; i < t.size; ++i) columns[static_cast<std::size_t>(i * keys + key)] = row[i];
    }
    return columns;
}

/// From scaled products to scores.
template <typename Number>
void finish_scores(const AttentionTask& t, std::int64_t batch, std::int64_t head, std::int64_t query, const KeyRange& seen,
                   Number* scores) {
    const float* mask = t.mask.data ? t.mask.row(batch, head, query) : nullptr;
    const float* bias = t.bias.data ? t.bias.row(batch, head, query) : nullptr;
    const auto cap = static_cast<Number>(t.softcap);
    if (cap > 0)
        for (std::int64_t key = seen.first; key < seen.last; ++key) scores[key] = cap * std::tanh(scores[key] / cap);
    for (const float* added : {mask, bias})
        for (std::int64_t key = seen.first; added && key < seen.last; ++key) scores[key] += static_cast<Number>(added[key]);
}

void softmax(const AttentionTask& t, std::int64_t head, const KeyRange& seen, std::vector<double>& scores) {
    const auto first = scores.begin() + seen.first, last = scores.begin() + seen.last;
    if (first == last) return;
    double top = *std::max_element(first, last), total = 0.0;
    if (!t.sinks.empty()) {
        const double sink = t.sinks[static_cast<std::size_t>(head)];
        top = std::max(top, sink);
        total = std::exp(sink - top);
    }
    if (std::isinf(top) && top < 0.0) return std::fill(first, last, 0.0);
    for (auto score = first; score != last; ++score) total += * score = std::exp(*score - top);
    for (auto score = first; score != last; ++score) *score /= total;
}

template <typename Number>
void store_scores(const AttentionTask& t, float* to, std::int64_t row, const KeyRange& seen, const Number* scores) {
    if (!to) return;
    to += row * t.score_step;
    std::fill_n(to, t.score_step, 0.0F);
    for (std::int64_t key = seen.first; key < seen.last; ++key) to[key] = static_cast<float>(scores[key]);
}

void attend_head(const AttentionTask& t, std::int64_t batch, std::int64_t head, float* to) {
    const std::int64_t kv_head = head / (t.heads / t.kv_heads);
    const std::int64_t keys = t.visible.empty() ? t.keys : std::max<std::int64_t>(0, t.visible[static_cast<std::size_t>(batch)]);
    const bool turns = t.queries > 1;
    const std::vector<float> columns = turns ? key_columns(t, batch, kv_head, keys) : std::vector<float>{};
    const MatrixView<float> right =
        turns ? MatrixView<float>{columns.data(), keys, 1} : MatrixView<float>{t.k.row(batch, kv_head, 0), 1, t.k.row_step};
    std::vector<double> scores(static_cast<std::size_t>(keys)), values(static_cast<std::size_t>(t.value_size));
    for (std::int64_t query = 0; query < t.queries; ++query) {
        const KeyRange seen = seen_keys(t, batch, query);
        product_row(MatrixView<float>{t.q.row(batch, head, query), t.size, 1}, 0, right, t.size, scores, 0.0,
                    [](std::int64_t) { return 0.0; });
        for (std::int64_t key = seen.first; key < seen.last; ++key) scores[static_cast<std::size_t>(key)] *= t.scale;
        finish_scores(t, batch, head, query, seen, scores.data());
        const std::int64_t row = (batch * t.heads + head) * t.queries + query;
        store_scores(t, t.raw_scores, row, seen, scores.data());
        softmax(t, head, seen, scores);
        store_scores(t, t.probabilities, row, seen, scores.data());
        std::fill(values.begin(), values.end(), 0.0);
        for (std::int64_t key = seen.first; key < seen.last; ++key) {
            const double weight = scores[static_cast<std::size_t>(key)];
            const float* value = t.v.row(batch, kv_head, key);
            for (std::int64_t i = 0; i < t.value_size; ++i) values[static_cast<std::size_t>(i)] += weight * static_cast<double>(value[i]);
        }
        float* out = to + ((batch * t.queries + query) * t.heads + head) * t.value_size;
        std::transform(values.begin(), values.end(), out, [](double value) { return static_cast<float>(value); });
    }
}

constexpr std::int64_t kWorthRoutineThreads = kWorthThreads / 4;
constexpr std::int64_t kPadding = 16;  // scores of a row, so that routines see few different sizes while a text grows

/// Rows that meet the same keys: queries of one head, or, of a single query, the heads that share a key head.
struct Block {
    std::int64_t batch, head, query, count;
    bool is_of_heads;

    std::int64_t head_of(std::int64_t row) const { return is_of_heads ? head + row : head; }
    std::int64_t query_of(std::int64_t row) const { return is_of_heads ? query : query + row; }
};

/// All blocks of a task, by number.
struct Blocks {
    explicit Blocks(const AttentionTask& t) : task(t), are_of_heads(t.queries == 1 && t.heads > t.kv_heads) {
        each = are_of_heads ? t.heads / t.kv_heads : t.queries;
        a_group = (each + kRoutineRows - 1) / kRoutineRows;
        groups = are_of_heads ? t.kv_heads : t.heads;
    }

    std::int64_t count() const { return task.batch * groups * a_group; }
    Block at(std::int64_t number) const {
        const std::int64_t group = number / a_group % groups, first = number % a_group * kRoutineRows;
        Block block{number / a_group / groups, group, first, std::min(kRoutineRows, each - first), are_of_heads};
        if (are_of_heads) block.head = group * each + first, block.query = 0;
        return block;
    }

    const AttentionTask& task;
    bool are_of_heads;
    std::int64_t each, a_group, groups;  // rows of a group, blocks of a group
};

/// Scores of a block as probabilities, rows `step` apart; unseen keys have 0.
void block_probabilities(const Routines& routines, const AttentionTask& t, const Block& block, std::int64_t step, float* scores) {
    constexpr float kUnseen = -std::numeric_limits<float>::infinity();
    const auto number_of = [&](std::int64_t at) { return (block.batch * t.heads + block.head_of(at)) * t.queries + block.query_of(at); };
    for (std::int64_t at = 0; at < block.count; ++at) {
        float* row = scores + at * step;
        const KeyRange seen = seen_keys(t, block.batch, block.query_of(at));
        finish_scores(t, block.batch, block.head_of(at), block.query_of(at), seen, row);
        store_scores(t, t.raw_scores, number_of(at), seen, row);
        std::fill(row, row + seen.first, kUnseen);
        std::fill(row + seen.last, row + step, kUnseen);
    }
    softmax_rows(&routines, scores, block.count, step);
    for (std::int64_t at = 0; at < block.count; ++at)
        store_scores(t, t.probabilities, number_of(at), seen_keys(t, block.batch, block.query_of(at)), scores + at * step);
}

void attend_block(const Routines& routines, const AttentionTask& t, const Block& block, float* to) {
    const std::int64_t kv_head = block.head / (t.heads / t.kv_heads);
    std::int64_t reach = 0;
    for (std::int64_t at = 0; at < block.count; ++at) reach = std::max(reach, seen_keys(t, block.batch, block.query_of(at)).last);
    const std::int64_t step = std::max<std::int64_t>(1, (reach + kPadding - 1) / kPadding) * kPadding;
    std::vector<float> scores(static_cast<std::size_t>(block.count * step));
    routines.multiply(
        {block.count, t.size, reach}, {t.q.row(block.batch, block.head, block.query), block.is_of_heads ? t.q.head_step : t.q.row_step},
        {t.k.row(block.batch, kv_head, 0), t.k.row_step, MatrixOrder::Transposed}, static_cast<float>(t.scale), scores.data(), step, 1);
    block_probabilities(routines, t, block, step, scores.data());
    routines.multiply({block.count, reach, t.value_size}, {scores.data(), step}, {t.v.row(block.batch, kv_head, 0), t.v.row_step}, 1.0F,
                      to + ((block.batch * t.queries + block.query) * t.heads + block.head) * t.value_size,
                      block.is_of_heads ? t.value_size : t.heads * t.value_size, 1);
}

}  // namespace

void attend(const KernelContext& context, const AttentionTask& task, float* to) {
    const std::int64_t tasks = task.batch * task.heads;
    const std::int64_t work = tasks * task.queries * task.keys * (task.size + task.value_size);
    if (context.routines && task.sinks.empty()) {
        const Blocks blocks(task);
        context.routines->for_each(blocks.count(), work > kWorthRoutineThreads ? context.threads : 1,
                                   [&](std::int64_t at) { attend_block(*context.routines, task, blocks.at(at), to); });
        return;
    }
    parallel_for(static_cast<std::size_t>(tasks), work > kWorthThreads ? context.threads : 1, [&](int, std::size_t index) {
        const auto at = static_cast<std::int64_t>(index);
        attend_head(task, at / task.heads, at % task.heads, to);
    });
}

}  // namespace mcompress::reference
