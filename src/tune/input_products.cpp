#include "tune/input_products.h"

#include <algorithm>
#include <map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::int64_t kRowsOfSample = 2048;
constexpr std::int64_t kWidest = 4096;
constexpr std::size_t kSamplesAtOnce = 8;  // not the number of threads: sums are formed in the order of the samples

/// Rows of one value in one sample.
struct Rows {
    std::int64_t inner = 0;
    std::vector<float> values;
};

void take_rows(const Tensor& tensor, Rows& rows) {
    if (tensor.dtype() != DType::Float32 || tensor.shape().rank() < 1 || tensor.element_count() == 0) return;
    const std::int64_t inner = tensor.shape()[tensor.shape().rank() - 1], count = tensor.element_count() / inner;
    if (rows.inner != 0 && rows.inner != inner) return;
    rows.inner = inner;
    const std::int64_t seen = static_cast<std::int64_t>(rows.values.size()) / inner;
    const std::int64_t taken = std::min(count, std::max<std::int64_t>(kRowsOfSample - seen, 0));
    const std::span<const float> values = tensor.values<float>();
    for (std::int64_t at = 0; at < taken; ++at) {
        const auto row = values.subspan(static_cast<std::size_t>(at * count / taken * inner), static_cast<std::size_t>(inner));
        rows.values.insert(rows.values.end(), row.begin(), row.end());
    }
}

void add(const Rows& rows, std::int64_t block, InputProducts& sum) {
    if (rows.values.empty() || (sum.inner != 0 && sum.inner != rows.inner)) return;
    if (sum.inner == 0) sum.segments = product_segments(rows.inner, block);
    sum.inner = rows.inner;
    const std::int64_t count = static_cast<std::int64_t>(rows.values.size()) / rows.inner;
    std::vector<float> part;
    for (ProductSegment& segment : sum.segments) {
        segment.products.resize(static_cast<std::size_t>(segment.width * segment.width));
        std::span<const float> values = rows.values;
        if (segment.width < rows.inner) {
            part.clear();
            for (std::int64_t row = 0; row < count; ++row) {
                const auto from = rows.values.begin() + row * rows.inner + segment.first;
                part.insert(part.end(), from, from + segment.width);
            }
            values = part;
        }
        linalg::accumulate_gram(values, count, segment.width, segment.products);
    }
    sum.rows += count;
}

}  // namespace

std::vector<ProductSegment> product_segments(std::int64_t inner, std::int64_t block) {
    std::vector<ProductSegment> segments;
    const std::int64_t parts = block > kWidest ? 1 : (inner + kWidest - 1) / kWidest;
    const std::int64_t even = parts > 1 ? (inner + parts - 1) / parts : inner,
                       width = parts > 1 ? (even + block - 1) / block * block : inner;
    for (std::int64_t first = 0; first < inner; first += width) segments.push_back({first, std::min(width, inner - first), {}});
    return segments;
}

std::vector<InputProducts> collect_input_products(const Graph& graph, const Engine& engine, const Dataset& data,
                                                  std::span<const Value* const> values, std::int64_t block, int threads) {
    std::map<const Value*, std::size_t> places;
    for (std::size_t at = 0; at < values.size(); ++at) places[values[at]] = at;
    PlanCache plans(engine, graph, {.threads = 1, .tapped = {values.begin(), values.end()}});
    std::vector<InputProducts> sums(values.size());
    for (std::size_t first = 0; first < data.size(); first += kSamplesAtOnce) {
        std::vector<std::vector<Rows>> rows(std::min(kSamplesAtOnce, data.size() - first), std::vector<Rows>(values.size()));
        parallel_for(rows.size(), threads, [&](int, std::size_t index) {
            const std::vector<Tensor> inputs = bind_inputs(graph, data.sample(first + index));
            plans.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
                if (const auto place = places.find(&value); place != places.end()) take_rows(tensor, rows[index][place->second]);
            });
        });
        parallel_for(values.size(), threads, [&](int, std::size_t at) {
            for (const std::vector<Rows>& sample : rows) add(sample[at], block, sums[at]);
        });
    }
    return sums;
}

}  // namespace mcompress
