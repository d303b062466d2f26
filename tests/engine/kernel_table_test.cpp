// The table of reference kernels.
#include <map>

#include "catch.h"
#include "engine/reference/kernel.h"

using namespace mcompress;

TEST_CASE("no operator has two kernels and every row has a function") {
    std::map<std::pair<std::string_view, std::string_view>, int> count;
    for (const KernelRow& row : all_reference_kernels()) {
        CHECK(row.run != nullptr);
        INFO(row.type);
        CHECK(++count[{row.domain, row.type}] == 1);
    }
}
