#include "engine/reference/scaled_attention.h"

#include <algorithm>
#include <cmath>

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

/// From products to scores.
void finish_scores(const AttentionTask& t, std::int64_t batch, std::int64_t head, std::int64_t query, const KeyRange& seen,
                   std::vector<double>& scores) {
    const float* mask = t.mask.data ? t.mask.row(batch, head, query) : nullptr;
    const float* bias = t.bias.data ? t.bias.row(batch, head, query) : nullptr;
    for (std::int64_t key = seen.first; key < seen.last; ++key) {
        double& score = scores[static_cast<std::size_t>(key)];
        score *= t.scale;
        if (t.softcap > 0.0) score = t.softcap * std::tanh(score / t.softcap);
        if (mask) score += static_cast<double>(mask[key]);
        if (bias) score += static_cast<double>(bias[key]);
    }
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

void store_scores(const AttentionTask& t, float* to, std::int64_t row, const KeyRange& seen, const std::vector<double>& scores) {
    if (!to) return;
    to += row * t.score_step;
    std::fill_n(to, t.score_step, 0.0F);
    for (std::int64_t key = seen.first; key < seen.last; ++key) to[key] = static_cast<float>(scores[static_cast<std::size_t>(key)]);
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
        finish_scores(t, batch, head, query, seen, scores);
        const std::int64_t row = (batch * t.heads + head) * t.queries + query;
        store_scores(t, t.raw_scores, row, seen, scores);
        softmax(t, head, seen, scores);
        store_scores(t, t.probabilities, row, seen, scores);
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

}  // namespace

void attend(const KernelContext& context, const AttentionTask& task, float* to) {
    const std::int64_t tasks = task.batch * task.heads;
    const std::int64_t work = tasks * task.queries * task.keys * (task.size + task.value_size);
    parallel_for(static_cast<std::size_t>(tasks), work > kWorthThreads ? context.threads : 1, [&](int, std::size_t index) {
        const auto at = static_cast<std::int64_t>(index);
        attend_head(task, at / task.heads, at % task.heads, to);
    });
}

}  // namespace mcompress::reference
