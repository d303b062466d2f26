// Every operator that is new or changed since opset 18 has its rows in the op table and three text cases.
#include <fstream>
#include <map>
#include <sstream>

#include "catch.h"
#include "fixtures/text_case.h"
#include "ops/op_info.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

constexpr int kFirstOpset = 18;
constexpr int kCasesNeeded = 3;

struct ChangedOperators {
    std::map<std::string, std::vector<int>> versions;  // by name
    std::map<std::string, std::string> exceptions;     // name → reason
};

ChangedOperators read_changed_operators() {
    ChangedOperators changed;
    std::ifstream file(std::string(MCOMPRESS_TESTS_DIR) + "/conformance/changed_operators.txt");
    for (std::string line, first, name; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        words >> first;
        if (first == "except") {
            words >> name;
            std::getline(words >> std::ws, changed.exceptions[name]);
            continue;
        }
        while (words >> name) changed.versions[name].push_back(std::stoi(first));
    }
    return changed;
}

/// Cases that use a version of the operator since opset 18.
std::map<std::string, int> count_cases() {
    std::map<std::string, int> count;
    for (const TextCase& text_case : read_text_cases()) {
        if (!text_case.domain.empty()) continue;
        std::map<std::string, int> here;
        const auto model = make_model(text_case, Inputs::AsInputs);
        for (const Node* node : model->graph->nodes()) {
            const OpInfo* row = op_info(*node);
            if (row && row->domain.empty() && row->since_version >= kFirstOpset) here[std::string(row->type)] = 1;
        }
        for (const auto& [name, one] : here) count[name] += one;
    }
    return count;
}

}  // namespace

TEST_CASE("operators of opset 18 to 24: the op table has every version") {
    const auto changed = read_changed_operators();
    REQUIRE(changed.versions.size() > 100);
    for (const auto& [name, versions] : changed.versions) {
        for (const int version : versions) {
            INFO(name << " of opset " << version);
            const OpInfo* row = find_op("", name, version);
            REQUIRE(row != nullptr);
            CHECK(row->since_version == version);
        }
    }
}

TEST_CASE("operators of opset 18 to 24: each has three text cases") {
    const auto changed = read_changed_operators();
    auto count = count_cases();
    for (const auto& [name, versions] : changed.versions) {
        INFO(name << " has " << count[name] << " cases");
        CHECK((count[name] >= kCasesNeeded) !=
              changed.exceptions.contains(name));  // an exception that is not needed any more is an error, too
    }
    for (const auto& [name, reason] : changed.exceptions) {
        INFO("the exception for " << name);
        CHECK(changed.versions.contains(name));
        CHECK(!reason.empty());
    }
}
