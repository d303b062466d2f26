// Rows of a product behind a global average pool: what each of them is, from the formula.
#include "tune/pooled_pictures.h"

#include <numeric>

#include "catch.h"

using namespace mcompress;

TEST_CASE("pooled pictures: the whole, the corners, and the way to single positions") {
    // Two pictures of two channels, 3 x 4; element = its number.
    const Shape shape{2, 2, 3, 4};
    std::vector<float> values(48);
    std::iota(values.begin(), values.end(), 0.0F);
    const PooledPictures reader(shape, 16);
    CHECK(reader.rows_of_picture() == 8);
    CHECK(reader.rows() == 16);
    CHECK(reader.chosen_positions() == 3);
    CHECK(reader.positions() == 12);
    const std::vector<std::int64_t> chosen{0, 5, 11};
    const auto row = [&](std::int64_t number) {
        std::vector<float> found(2);
        reader.read(values.data(), number, chosen, found.data());
        return found;
    };
    for (const std::int64_t picture : {0, 1}) {
        const float first = static_cast<float>(24 * picture);
        const auto expected = [&](float within) { return std::vector<float>{first + within, first + 12.0F + within}; };
        CHECK(row(8 * picture) == expected(5.5F));
        CHECK(row(8 * picture + 1) == expected(3.0F));  // rows 0 and 1, columns 0 to 2: 0 1 2 4 5 6
        CHECK(row(8 * picture + 2) == expected(4.0F));
        CHECK(row(8 * picture + 3) == expected(7.0F));
        CHECK(row(8 * picture + 4) == expected(8.0F));
        CHECK(row(8 * picture + 5) == expected(2.75F));  // half-way to 0
        CHECK(row(8 * picture + 6) == expected(5.25F));
        CHECK(row(8 * picture + 7) == expected(8.25F));
    }
}

TEST_CASE("pooled pictures: no more rows than there is room for or a picture has") {
    CHECK(PooledPictures(Shape{1, 8, 7, 7}, 1000).rows() == 5 + 49);
    CHECK(PooledPictures(Shape{1, 8, 7, 7}, 3).rows() == 3);
    CHECK(PooledPictures(Shape{4, 8, 7, 7}, 3).rows_of_picture() == 1);
}
