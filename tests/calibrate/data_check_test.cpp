// Data that cannot be what a model was made for is told from data that can.
#include "calibrate/data_check.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"

using namespace mcompress;

namespace {

class ListDataset : public Dataset {
public:
    explicit ListDataset(std::vector<Tensor> samples) : samples_(std::move(samples)) {}
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override { return {{"x", samples_.at(index)}}; }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }

private:
    std::vector<Tensor> samples_;
};

Tensor noise(const Shape& shape, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
    for (float& value : values) value = uniform(random);
    return Tensor::from_values(shape, values);
}

/// Waves: smooth like a picture.
Tensor waves(const Shape& shape, unsigned seed) {
    std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
    for (std::size_t at = 0; at < values.size(); ++at)
        values[at] = std::sin(0.2F * static_cast<float>(at % static_cast<std::size_t>(shape[3])) + static_cast<float>(seed)) +
                     0.01F * static_cast<float>(at / static_cast<std::size_t>(shape[3]));
    return Tensor::from_values(shape, values);
}

ListDataset many(std::size_t count, Tensor (*make)(const Shape&, unsigned), const Shape& shape) {
    std::vector<Tensor> samples;
    for (std::size_t at = 0; at < count; ++at) samples.push_back(make(shape, static_cast<unsigned>(at)));
    return ListDataset(std::move(samples));
}

/// "U:what" or "W:what", one a finding.
std::vector<std::string> found_in(const Dataset& data) {
    std::vector<std::string> result;
    for (const DataFinding& finding : check_samples(data, 2)) {
        CHECK(!finding.remedy.empty());
        result.push_back((finding.verdict == DataFinding::Verdict::Unfit ? "U:" : "W:") + finding.what);
    }
    return result;
}

bool starts(const std::vector<std::string>& findings, const std::string& with) {
    return findings.size() == 1 && findings.front().starts_with(with);
}

}  // namespace

TEST_CASE("pictures are fit, noise in their place is not", "[data][trap25]") {
    for (const Shape& shape : {Shape{1, 3, 24, 24}, Shape{1, 1, 28, 28}}) {
        CHECK(found_in(many(40, waves, shape)).empty());
        CHECK(starts(found_in(many(40, noise, shape)), "U:the samples look like random noise"));
    }
    CHECK(starts(found_in(many(40, noise, {1, 20, 20, 3})), "U:the samples look like random noise"));
    // Features that are no pictures may look like noise.
    for (const Shape& shape : {Shape{1, 40}, Shape{1, 1, 49, 10}, Shape{1, 64, 20, 20}, Shape{1, 257, 1, 2}})
        CHECK(found_in(many(40, noise, shape)).empty());
}

TEST_CASE("states of a stream are no pictures", "[data]") {
    class Stream : public Dataset {
    public:
        std::size_t size() const override { return 40; }
        std::string sample_name(std::size_t) const override { return "stream"; }
        Sample sample(std::size_t index) const override {
            const auto seed = static_cast<unsigned>(index);
            return {{"x", noise({1, 257, 1, 2}, seed)}, {"state", noise({2, 1, 33, 16}, seed + 100)}};
        }
    };
    CHECK(found_in(Stream()).empty());
}

TEST_CASE("the correlation of neighbours is that of the field", "[data]") {
    CHECK(neighbour_correlation(noise({1, 3, 64, 64}, 1)) < 0.1);
    CHECK(neighbour_correlation(waves({1, 3, 64, 64}, 1)) > 0.9);
    CHECK(neighbour_correlation(Tensor::from_values<float>({1, 1, 1, 1}, {1.0F})) == -2.0);
    CHECK(neighbour_correlation(Tensor::from_values(Shape{1, 1, 16, 16}, std::vector<float>(256, 3.0F))) == -2.0);
}

TEST_CASE("too few samples are unfit or doubtful", "[data]") {
    const Shape shape{1, 40};
    CHECK(starts(found_in(many(7, noise, shape)), "U:there are 7 samples"));
    CHECK(starts(found_in(many(8, noise, shape)), "W:there are 8 samples"));
    CHECK(starts(found_in(many(31, noise, shape)), "W:there are 31 samples"));
    CHECK(found_in(many(32, noise, shape)).empty());
    CHECK(found_in(many(1, noise, {64, 40})).empty());  // a whole batch
}

TEST_CASE("equal and repeated samples are told", "[data]") {
    const auto repeated = [](std::size_t count, std::size_t different) {
        std::vector<Tensor> samples;
        for (std::size_t at = 0; at < count; ++at) samples.push_back(noise({1, 40}, static_cast<unsigned>(at % different)));
        return found_in(ListDataset(std::move(samples)));
    };
    CHECK(starts(repeated(40, 1), "U:all 40 samples looked at are equal"));
    CHECK(starts(repeated(40, 10), "U:only 10 of 40"));
    CHECK(starts(repeated(40, 30), "W:only 30 of 40"));
    CHECK(repeated(40, 38).empty());
}

TEST_CASE("constant samples are told", "[data]") {
    const auto with_constants = [](std::size_t constant) {
        std::vector<Tensor> samples;
        for (std::size_t at = 0; at < 40; ++at)
            samples.push_back(at < constant ? Tensor::from_values(Shape{1, 50}, std::vector<float>(50, static_cast<float>(at)))
                                            : noise({1, 50}, static_cast<unsigned>(at)));
        return found_in(ListDataset(std::move(samples)));
    };
    CHECK(starts(with_constants(40), "U:in 40 of 40"));
    CHECK(starts(with_constants(3), "W:in 3 of 40"));
    CHECK(with_constants(0).empty());
}
