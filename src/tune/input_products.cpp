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

void add(const Rows& rows, InputProducts& sum) {
    if (rows.values.empty() || (sum.inner != 0 && sum.inner != rows.inner)) return;
    sum.inner = rows.inner;
    sum.products.resize(static_cast<std::size_t>(rows.inner * rows.inner));
    const std::int64_t count = static_cast<std::int64_t>(rows.values.size()) / rows.inner;
    linalg::accumulate_gram(rows.values, count, rows.inner, sum.products);
    sum.rows += count;
}

}  // namespace

std::vector<InputProducts> collect_input_products(const Graph& graph, const Engine& engine, const Dataset& data,
                                                  std::span<const Value* const> values, int threads) {
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
            for (const std::vector<Rows>& sample : rows) add(sample[at], sums[at]);
        });
    }
    return sums;
}

}  // namespace mcompress
