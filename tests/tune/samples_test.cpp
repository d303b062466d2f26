#include "tune/samples.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "data/cached_dataset.h"
#include "data/content_order.h"

using namespace mcompress;

namespace {

/// Sample i is the number i; counts how often one was made.
class Numbers : public Dataset {
public:
    explicit Numbers(std::size_t count) : count_(count) {}
    std::size_t size() const override { return count_; }
    Sample sample(std::size_t index) const override {
        ++made;
        return {{"x", Tensor::scalar(static_cast<float>(index))}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }
    mutable int made = 0;

private:
    std::size_t count_;
};

std::set<float> values(const Dataset& data) {
    std::set<float> found;
    for (std::size_t at = 0; at < data.size(); ++at) found.insert(data.sample(at)[0].second.data<float>()[0]);
    return found;
}

}  // namespace

TEST_CASE("split_samples: every sample is in one part, a fifth is held out") {
    for (const std::size_t count : {2U, 4U, 5U, 7U, 100U}) {
        const SampleSplit split = split_samples(std::make_shared<Numbers>(count));
        std::set<float> all = values(*split.fit);
        const std::set<float> held_out = values(*split.held_out);
        CHECK(all.size() + held_out.size() == count);
        all.insert(held_out.begin(), held_out.end());
        CHECK(all.size() == count);
        CHECK(held_out.size() >= std::max<std::size_t>(1, count / 5));
    }
}

TEST_CASE("split_samples: one sample has to serve as both") {
    const SampleSplit split = split_samples(std::make_shared<Numbers>(1));
    CHECK(split.fit->size() == 1);
    CHECK(split.held_out->size() == 1);
}

TEST_CASE("cached: samples within the limit are made once, the others each time") {
    const auto numbers = std::make_shared<Numbers>(3);
    const auto data = cached(numbers, 2 * sizeof(float));
    for (int round = 0; round < 3; ++round) CHECK(values(*data) == std::set<float>{0, 1, 2});
    CHECK(numbers->made == 2 + 3);
}

TEST_CASE("ordered_by_content: the same order however samples are listed") {
    class Reversed : public Numbers {
    public:
        using Numbers::Numbers;
        Sample sample(std::size_t index) const override { return Numbers::sample(size() - 1 - index); }
    };
    const auto forward = ordered_by_content(std::make_shared<Numbers>(20), 1),
               backward = ordered_by_content(std::make_shared<Reversed>(20), 3);
    CHECK(values(*forward).size() == 20);
    for (std::size_t at = 0; at < 20; ++at)
        CHECK(forward->sample(at)[0].second.data<float>()[0] == backward->sample(at)[0].second.data<float>()[0]);
}

TEST_CASE("cached: no more than what a hundred samples take, however many fit the limit") {
    const auto numbers = std::make_shared<Numbers>(250);
    const auto data = cached(numbers);
    for (int round = 0; round < 3; ++round) CHECK(values(*data).size() == 250);
    CHECK(numbers->made == 100 + 3 * 150);
    CHECK(cached_bytes(250, 4) == 400);
    CHECK(cached_bytes(250, kCachedSamples) == kCachedSamples);
}
