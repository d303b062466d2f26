// Every code of the table is explained, once.
#include "support/error_catalog.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "catch.h"

using namespace mcompress;

TEST_CASE("every error code has an entry of its own") {
    std::stringstream header;
    for (const char* name : {"error_codes.h", "file_codes.h"})
        header << std::ifstream(std::string(MCOMPRESS_SOURCE_DIR) + "/src/support/" + name).rdbuf();
    const std::string text = header.str();
    std::set<std::string> declared, explained;
    const std::regex id("ErrorCode k[A-Za-z]+\\{\"(E[0-9]{4})\"");
    for (std::sregex_iterator at(text.begin(), text.end(), id), end; at != end; ++at) CHECK(declared.insert((*at)[1]).second);
    for (const ErrorEntry& entry : all_errors()) {
        INFO(entry.code.id);
        CHECK(explained.insert(entry.code.id).second);
        CHECK(std::string(entry.meaning).size() > 30);
        CHECK(std::string(entry.remedy).size() > 10);
        // The first digit says the kind, so that logs can be sorted by it.
        const int digit = entry.code.id[1] - '0', kind = static_cast<int>(entry.code.kind);
        CHECK((digit == kind || (digit == 0 && kind == 1) || (digit == 1 && kind == 2) || (digit == 7 && kind == 70)));
    }
    CHECK(declared.size() >= 35);
    CHECK(declared == explained);
}
