// A digest of samples: their order and source do not matter, everything they hold does.
#include "data/data_digest.h"

#include "catch.h"
#include "support/sha256.h"

using namespace mcompress;

namespace {

class Samples : public Dataset {
public:
    explicit Samples(std::vector<Sample> samples) : samples_(std::move(samples)) {}
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override { return samples_[index]; }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }

private:
    std::vector<Sample> samples_;
};

Sample numbers(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    return {{name, Tensor::from_values<float>(shape, values)}};
}

std::string digest(std::vector<Sample> samples, int threads = 1) { return data_digest(Samples(std::move(samples)), threads); }

}  // namespace

TEST_CASE("a digest of samples is that of what they hold") {
    const Sample a = numbers("x", {2, 2}, {1, 2, 3, 4}), b = numbers("x", {2, 2}, {1, 2, 3, 5});
    const std::string both = digest({a, b});
    CHECK(both == digest({b, a}));
    CHECK(both == digest({a, b}, 3));
    CHECK(both != digest({a}));
    CHECK(both != digest({a, b, b}));
    CHECK(digest({a}) != digest({b}));
    CHECK(digest({a}) != digest({numbers("y", {2, 2}, {1, 2, 3, 4})}));
    CHECK(digest({a}) != digest({numbers("x", {4}, {1, 2, 3, 4})}));
    CHECK(digest({a}) != digest({{{"x", Tensor::from_values<std::int32_t>({2, 2}, {1, 2, 3, 4})}}}));
    // By its definition.
    std::string bytes = "1:x5:float5:[2,2]";
    const float values[] = {1, 2, 3, 4};
    bytes.append(reinterpret_cast<const char*>(values), sizeof values);
    CHECK(digest({a}) == sha256_hex("64:" + sha256_hex(bytes)));
}
