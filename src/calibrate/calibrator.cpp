#include "calibrate/calibrator.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "calibrate/observer.h"
#include "calibrate/sample_check.h"
#include "data/subset.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/error.h"
#include "support/log.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

/// The samples to run: cut to the wanted number and grouped when the model's batch is fixed.
std::unique_ptr<Dataset> prepare(const Graph& graph, const Dataset& data, std::size_t max_samples) {
    if (data.size() == 0) throw Error(codes::kDataEmpty, "there is no sample to calibrate on", "give at least one, better a hundred");
    const std::shared_ptr<const Dataset> borrowed(&data, [](const Dataset*) {});
    std::unique_ptr<Dataset> samples = take(borrowed, max_samples == 0 ? data.size() : max_samples);
    const std::size_t batch = samples_per_run(graph, samples->sample(0));
    if (batch == 1) return samples;
    if (const std::size_t rest = samples->size() % batch; rest > 0)
        log_warning("the model takes batches of {}: the last {} of {} samples are left out", batch, rest, samples->size());
    return batches(std::move(samples), batch);
}

/// Calls the progress function from one thread at a time.
class Counter {
public:
    Counter(const CalibrateOptions& options, std::size_t total) : options_(options), total_(total) {}

    void advance() {
        const std::lock_guard lock(mutex_);
        ++done_;
        if (options_.progress) options_.progress(done_, total_);
    }

private:
    const CalibrateOptions& options_;
    std::size_t total_;
    std::mutex mutex_;
    std::size_t done_ = 0;
};

void warn_about_values(const CalibrationTable& table) {
    for (const auto& [name, statistics] : table.values)
        if (statistics.nan_count + statistics.infinite_count > 0)
            log_warning("'{}' became NaN {} times and infinite {} times of {}; its range looks at the rest", name, statistics.nan_count,
                        statistics.infinite_count, statistics.count + statistics.nan_count + statistics.infinite_count);
}

}  // namespace

CalibrationTable calibrate(const Graph& graph, const Engine& engine, const Dataset& data, const CalibrateOptions& options) {
    const auto samples = prepare(graph, data, options.max_samples);
    describe_first_sample(graph, samples->sample(0));
    PlanCache plans(engine, graph, CompileOptions{.threads = 1, .tap_access = TapAccess::Borrowed});
    const std::size_t own = options.max_samples == 0 ? data.size() : std::min(data.size(), options.max_samples);
    std::vector<Observer> observers(static_cast<std::size_t>(std::max(1, options.threads)),
                                    Observer(std::max(own, options.samples_of_all_shards)));
    Counter counter(options, samples->size());
    parallel_for(samples->size(), options.threads, [&](int worker, std::size_t index) {
        with_context([&] { return format("sample '{}'", samples->sample_name(index)); },
                     [&] {
                         const Sample sample = samples->sample(index);
                         check_finite(sample);
                         const std::vector<Tensor> inputs = bind_inputs(graph, sample);
                         plans.plan_for(inputs)->run(inputs, observers[static_cast<std::size_t>(worker)].tap());
                     });
        counter.advance();
    });
    CalibrationTable table;
    table.samples = samples->size();
    for (const Observer& observer : observers) observer.merge_into(table);
    warn_about_values(table);
    return table;
}

}  // namespace mcompress
