#include "validate/latency.h"

#include <chrono>
#include <thread>

#include "catch.h"

using namespace mcompress;

namespace {

/// Writes its letter at every run, and takes `duration`.
class LoggingPlan final : public ExecutionPlan {
public:
    LoggingPlan(char letter, std::chrono::microseconds duration, std::string& log) : letter_(letter), duration_(duration), log_(log) {}
    std::vector<RuntimeValue> run_values(std::span<const RuntimeValue> /*inputs*/, const Tap& /*tap*/) const override {
        log_ += letter_;
        std::this_thread::sleep_for(duration_);
        return {};
    }
    std::span<const StepInfo> steps() const override { return {}; }

private:
    char letter_;
    std::chrono::microseconds duration_;
    std::string& log_;
};

/// The lengths of the sequences of equal letters.
std::vector<std::size_t> turns(const std::string& log) {
    std::vector<std::size_t> lengths;
    for (std::size_t at = 0; at < log.size(); ++at)
        if (at > 0 && log[at] == log[at - 1]) ++lengths.back();
        else lengths.push_back(1);
    return lengths;
}

constexpr std::chrono::milliseconds kMs{1};

}  // namespace

TEST_CASE("short runs alternate in turns of equally many, of which the first is not counted") {
    std::string log;
    const LoggingPlan fast('f', kMs, log), slow('s', 3 * kMs, log);
    const TimedPlan plans[] = {{&fast, {}}, {&slow, {}}};
    const auto times = time_alternating(plans, 0.2);
    const std::vector<std::size_t> lengths = turns(log.substr(6));
    REQUIRE(lengths.size() >= 2);
    CHECK(lengths.size() % 2 == 0);
    CHECK(lengths[0] >= 2);  // 20 ms of runs that sleep for 3 ms or, on a busy machine, more
    CHECK(lengths[0] <= 8);
    for (const std::size_t length : lengths) CHECK(length == lengths[0]);
    CHECK(times[0].size() == (lengths[0] - 1) * lengths.size() / 2);
    CHECK(times[1].size() == times[0].size());
    CHECK(median_ratio(times[1], times[0]) > 1.0);
}

TEST_CASE("long runs alternate one by one, ten times each at least") {
    std::string log;
    const LoggingPlan fast('f', kMs, log), slow('s', 25 * kMs, log);
    const TimedPlan plans[] = {{&fast, {}}, {&slow, {}}};
    const auto times = time_alternating(plans, 0.01);
    for (const std::size_t length : turns(log.substr(6))) CHECK(length == 1);
    CHECK(times[0].size() == 10);
    CHECK(times[1].size() == 10);
}

TEST_CASE("a plan alone has every run counted") {
    std::string log;
    const LoggingPlan only('o', kMs, log);
    const TimedPlan plans[] = {{&only, {}}};
    const auto times = time_alternating(plans, 0.05);
    CHECK(times[0].size() == log.size() - 3);
    CHECK(times[0].size() >= 10);
    CHECK(summarize_times(times[0]).minimum_ms >= 1.0);
}
