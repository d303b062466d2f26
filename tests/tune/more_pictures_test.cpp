// Mirror images and enlarged parts among samples: what they hold, and that they stay in the part of their pictures.
#include "tune/more_pictures.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "data/array_dataset.h"
#include "tune/samples.h"

using namespace mcompress;

namespace {

/// Picture i holds 100 i + its column.
std::shared_ptr<const Dataset> pictures(std::int64_t count, const Shape& shape, int column_axis) {
    std::vector<std::int64_t> extents{count};
    extents.insert(extents.end(), shape.begin(), shape.end());
    const Shape all(extents);
    std::vector<float> values(static_cast<std::size_t>(all.element_count()));
    const std::int64_t behind = shape.product(column_axis, shape.rank()), each = shape.element_count();
    for (std::size_t at = 0; at < values.size(); ++at) {
        const auto place = static_cast<std::int64_t>(at);
        values[at] = static_cast<float>(100 * (place / each) + place / behind % shape[column_axis - 1]);
    }
    return make_array_dataset({{"x", "rows", Tensor::from_values(all, values)}}, SampleAxis::Leading);
}

std::vector<float> values_of(const Dataset& data, std::size_t index) {
    const Tensor tensor = data.sample(index)[0].second;
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

}  // namespace

TEST_CASE("mirror images: columns in reverse order, in the part of their pictures, what does not fill five as it is") {
    for (const auto& [shape, axis] : {std::pair(Shape{3, 2, 4}, 3), std::pair(Shape{2, 4, 3}, 2)}) {
        const auto data = pictures(12, shape, axis);
        const auto both = with_mirror_images(data);
        REQUIRE(both->size() == 22);
        std::set<int> seen[2];
        for (std::size_t index = 0; index < both->size(); ++index) {
            const std::vector<float> found = values_of(*both, index);
            const auto of = static_cast<std::size_t>(found[0]) / 100;
            const bool is_image = static_cast<int>(found[0]) % 100 != 0;
            std::vector<float> expected = values_of(*data, of);
            for (float& value : expected)
                if (is_image) value = static_cast<float>(100 * of) + 3.0F - (value - static_cast<float>(100 * of));
            CHECK(found == expected);
            CHECK(seen[is_image ? 1 : 0].insert(static_cast<int>(of)).second);
            if (of < 10) CHECK(is_held_out(index, both->size()) == is_held_out(of, data->size()));
        }
        CHECK(seen[0].size() == 12);
        CHECK(seen[1].size() == 10);
        CHECK(both->sample_name(5) == data->sample_name(0) + ", mirrored");
    }
}

TEST_CASE("mirror images: only of pictures in three colours") {
    const auto grey = pictures(10, Shape{1, 2, 4}, 3);
    CHECK(with_mirror_images(grey) == grey);
    const auto few = pictures(4, Shape{3, 2, 4}, 3);
    CHECK(with_mirror_images(few) == few);
}

TEST_CASE("enlarged parts: three quarters of a ramp, by the formula of bilinear interpolation between points at their centres") {
    for (const auto& [shape, axis] : {std::pair(Shape{3, 8, 16}, 3), std::pair(Shape{8, 16, 3}, 2)}) {
        const auto data = pictures(10, shape, axis);
        const auto both = with_enlarged_parts(data);
        REQUIRE(both->size() == 20);
        const std::int64_t behind = shape.product(axis, shape.rank());
        for (std::size_t index = 5; index < 10; ++index) {
            const std::size_t of = index - 5;
            CHECK(is_held_out(index, both->size()) == is_held_out(of, data->size()));
            CHECK(both->sample_name(index) == data->sample_name(of) + ", a part of it");
            const std::vector<float> found = values_of(*both, index);
            const double left = (of & 2U) != 0 ? 4.0 : 0.0;
            for (std::size_t at = 0; at < found.size(); ++at) {
                const auto column = static_cast<double>(static_cast<std::int64_t>(at) / behind % 16);
                const double place = std::clamp((column + 0.5) * 12.0 / 16.0 - 0.5, 0.0, 11.0);
                CHECK(static_cast<double>(found[at]) == Approx(100.0 * static_cast<double>(of) + left + place));
            }
        }
        CHECK(with_more_pictures(data)->size() == 40);
        CHECK(with_more_pictures(data)->sample_name(15) == data->sample_name(0) + ", a part of it, mirrored");
    }
    const auto small = pictures(10, Shape{3, 2, 4}, 3);
    CHECK(with_enlarged_parts(small) == small);
}
