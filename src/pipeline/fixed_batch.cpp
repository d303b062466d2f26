#include "pipeline/fixed_batch.h"

#include <algorithm>

#include "calibrate/sample_check.h"
#include "data/subset.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

namespace {

/// As many samples as fill whole batches; behind the end comes the last one again and again.
class Padded : public Dataset {
public:
    Padded(std::shared_ptr<const Dataset> data, std::size_t size) : data_(std::move(data)), size_(size) {}

    std::size_t size() const override { return size_; }
    Sample sample(std::size_t index) const override { return data_->sample(std::min(index, data_->size() - 1)); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(std::min(index, data_->size() - 1)); }

private:
    std::shared_ptr<const Dataset> data_;
    std::size_t size_;
};

}  // namespace

FixedBatch fit_batch(const Graph& graph, const Dataset& data, LastBatch last) {
    if (data.size() == 0) throw Error(codes::kDataEmpty, "there is no sample to run", "pass --data with at least one sample");
    std::shared_ptr<const Dataset> borrowed(&data, [](const Dataset*) {});
    const std::size_t size = samples_per_run(graph, data.sample(0));
    if (size == 1) return {take(std::move(borrowed), data.size()), 1};
    const std::size_t rest = data.size() % size;
    if (rest > 0 && last == LastBatch::Fill) borrowed = std::make_shared<Padded>(std::move(borrowed), data.size() + size - rest);
    else if (rest > 0) log_warning("the model takes batches of {}: the last {} of {} samples are left out", size, rest, data.size());
    return {batches(std::move(borrowed), size), size};
}

std::shared_ptr<const Dataset> in_batches(const Graph& graph, std::shared_ptr<const Dataset> data) {
    if (!data) return nullptr;
    struct Held {
        std::shared_ptr<const Dataset> given;
        FixedBatch batch;
    };
    const auto held = std::make_shared<Held>(Held{data, fit_batch(graph, *data, LastBatch::LeaveOut)});
    return {held, held->batch.samples.get()};
}

}  // namespace mcompress
