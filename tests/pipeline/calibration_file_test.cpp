#include "pipeline/calibration_file.h"

#include "catch.h"
#include "support/error.h"

using namespace mcompress;

namespace {

CalibrationTable small_table() {
    CalibrationTable table;
    table.fingerprint = "0123";
    table.samples = 2;
    table.values["a"].add_sample(std::vector<float>{-1.5f, 0.0f, 0.1f, 3.0e-7f});
    table.values["a"].add_sample(std::vector<float>{2.25f, 0.0f});
    table.values["b"].add_sample(std::vector<float>{0.0f});
    return table;
}

}  // namespace

TEST_CASE("a calibration table survives its file to the last bit") {
    const CalibrationTable table = small_table();
    const std::string text = calibration_table_to_json(table);
    const CalibrationTable back = calibration_table_from_json(text);
    CHECK(back.fingerprint == table.fingerprint);
    CHECK(back.samples == 2);
    CHECK(back.values == table.values);
    CHECK(calibration_table_to_json(back) == text);
}

TEST_CASE("a damaged table is refused") {
    const std::string text = calibration_table_to_json(small_table());
    CHECK_THROWS_AS(calibration_table_from_json(""), Error);
    CHECK_THROWS_AS(calibration_table_from_json("{}"), Error);
    CHECK_THROWS_AS(calibration_table_from_json(text.substr(0, text.size() / 2)), Error);
    std::string wrong = text;
    wrong.replace(wrong.find("\"schema_version\":1"), 18, "\"schema_version\":9");
    CHECK_THROWS_AS(calibration_table_from_json(wrong), Error);
    wrong = text;
    wrong.replace(wrong.find("\"min\":-1.5"), 10, "\"min\":99999");
    CHECK_THROWS_AS(calibration_table_from_json(wrong), Error);
    wrong = text;
    const std::string minima = "\"sum_of_minima\":[", maxima = "\"sum_of_maxima\":[";
    wrong.replace(wrong.find(minima), minima.size(), "\"sum_of_other\":[");
    wrong.replace(wrong.find(maxima), maxima.size(), minima);
    wrong.replace(wrong.find("\"sum_of_other\":["), minima.size(), maxima);  // means that cross: no range could be made of them
    CHECK_THROWS_AS(calibration_table_from_json(wrong), Error);
}

TEST_CASE("numbers of a table that are no integers, or none of their width, are refused") {
    const std::string text = calibration_table_to_json(small_table());
    const auto with = [&](const std::string& found, const std::string& put) {
        std::string changed = text;
        REQUIRE(changed.find(found) != std::string::npos);
        return changed.replace(changed.find(found), found.size(), put);
    };
    const auto refusal = [](const std::string& changed) {
        try {
            calibration_table_from_json(changed);
        } catch (const Error& error) {
            CHECK(std::string(error.code().id) == codes::kTableInvalid.id);
            return std::string(error.what());
        }
        return std::string();
    };
    for (const char* number : {"-1", "4.0", "1.5", "1e30", "18446744073709551616", "\"4\"", "null"}) {
        CAPTURE(number);
        CHECK_THAT(refusal(with("\"count\":6", std::string("\"count\":") + number)), contains_text("is not an integer of 64 bits"));
        CHECK_THAT(refusal(with("\"positive\":[", std::string("\"positive\":[") + number + ",")),
                   contains_text("is not an integer of 64 bits"));
    }
    CHECK_THAT(refusal(with("\"exponent\":", "\"exponent\":1000000000000,\"other\":")), contains_text("is not an integer of 32 bits"));
    CHECK_THAT(refusal(with("\"positive\":[", "\"positive\":7,\"other\":[")), contains_text("a list of integers"));
}
