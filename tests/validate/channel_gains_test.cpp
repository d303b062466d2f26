#include "validate/channel_gains.h"

#include <limits>

#include "catch.h"

using namespace mcompress;

namespace {

std::vector<float> applied(const ChannelGains& gains, const Shape& shape, std::vector<float> values) {
    gains.apply(shape, values);
    return values;
}

}  // namespace

TEST_CASE("factors of channels are found along the second axis and along the last") {
    const Shape shape{1, 2, 3};
    const std::vector<float> reference{1, 2, 3, 4, 5, 6};
    const std::vector<float> by_second{2, 4, 6, 1, 1.25, 1.5};
    const std::vector<float> by_last{2, 1, 30, 8, 2.5, 60};
    ChannelGains second, last;
    second.add(shape, reference, by_second);
    last.add(shape, reference, by_last);
    CHECK(applied(second, shape, by_second) == reference);
    CHECK(applied(last, shape, by_last) == reference);
}

TEST_CASE("one factor a channel holds for all samples: what differs from sample to sample stays an error") {
    const Shape shape{1, 1};
    ChannelGains gains;
    gains.add(shape, std::vector<float>{1}, std::vector<float>{2});
    ChannelGains more;
    more.add(shape, std::vector<float>{3}, std::vector<float>{4});
    gains.add(more);
    // g = (1·2 + 3·4) / (2² + 4²)
    CHECK(applied(gains, shape, {2}) == std::vector<float>{1.4F});
    CHECK(applied(gains, shape, {4}) == std::vector<float>{2.8F});
}

TEST_CASE("zero channels, turned signs and numbers that are not finite get no factor out of them") {
    const Shape shape{3};
    ChannelGains gains;
    gains.add(shape, std::vector<float>{0, 5, 1}, std::vector<float>{0, -5, std::numeric_limits<float>::infinity()});
    gains.add(shape, std::vector<float>{7, 5, 1}, std::vector<float>{0, -5, 0.5F});
    CHECK(applied(gains, shape, {3, -5, 0.5F}) == std::vector<float>{3, 0, 1});
    CHECK(applied(gains, Shape{2}, {3, 4}) == std::vector<float>{3, 4});  // another number of channels
    CHECK(applied(gains, Shape{}, {3}) == std::vector<float>{3});
}
