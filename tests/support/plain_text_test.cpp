#include "support/plain_text.h"

#include "catch.h"

using namespace mcompress;

TEST_CASE("numbers are read whole or not at all", "[plain_text]") {
    CHECK(read_number<double>("0.5") == 0.5);
    CHECK(read_number<double>("-2e-3") == -0.002);
    CHECK(read_number<double>("+7") == 7.0);
    CHECK(read_number<float>("0.485") == 0.485f);
    for (const char* text : {"", "+", "+-1", "-+1", "0,5", "0.5 ", " 0.5", "1/2", "1e", "half", "1e999"})
        CHECK_FALSE(read_number<double>(text));
    CHECK_FALSE(read_number<float>("1e99"));
}

TEST_CASE("case is that of ASCII, other bytes stay", "[plain_text]") {
    CHECK(to_lower("HardSigmoid I") == "hardsigmoid i");
    CHECK(to_lower("\xC4\xB0\xDD") == "\xC4\xB0\xDD");
    for (int code = 0; code < 256; ++code) {
        const char letter = static_cast<char>(code);
        CHECK(is_letter(letter) == (to_lower(letter) >= 'a' && to_lower(letter) <= 'z'));
    }
}
