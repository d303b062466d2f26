// Scaled dot-product attention: softmax(scale·Q·Kᵀ + what is added)·V, head by head.
#pragma once

#include <vector>

#include "engine/reference/kernel.h"

namespace mcompress::reference {

/// Rows of one head of one sample lie `row_step` elements apart; the elements of a row are contiguous.
struct HeadRows {
    const float* data = nullptr;
    std::int64_t batch_step = 0, head_step = 0, row_step = 0;

    const float* row(std::int64_t batch, std::int64_t head, std::int64_t index) const {
        return data + batch * batch_step + head * head_step + index * row_step;
    }
};

struct AttentionTask {
    std::int64_t batch = 0, heads = 0, kv_heads = 0;  // query head h meets key head h / (heads / kv_heads)
    std::int64_t queries = 0, keys = 0, size = 0, value_size = 0;
    HeadRows q, k, v;
    double scale = 1.0;
    double softcap = 0.0;  // above 0: scores become softcap·tanh(score / softcap)
    HeadRows mask, bias;   // a row of `keys` numbers a query, added to the scores; null data: none

    std::vector<std::int64_t> visible;   // keys that exist, one a sample; empty: all
    std::vector<std::int64_t> position;  // of query 0 among the keys, one a sample; empty: no order
    std::int64_t window = -1;            // with positions: keys a query sees, its own included

    std::vector<double> sinks;  // one a head: one more score, without a value; empty: none

    float* raw_scores = nullptr;     // [batch, heads, queries, score_step] before softmax
    float* probabilities = nullptr;  // the same after softmax
    std::int64_t score_step = 0;
};

/// Writes [batch, queries, heads·value_size]. A query that sees no key gives zeros.
void attend(const KernelContext& context, const AttentionTask& task, float* to);

}  // namespace mcompress::reference
