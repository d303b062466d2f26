// What the steps of a recipe found, one after the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/judgement.h"

namespace mcompress {

struct RecipeReport {
    struct Step {
        std::string command;
        Document document;
        std::string json;
        std::optional<Judgement> judgement = {};  // of a step with gates
    };
    std::string recipe;  // the file
    std::vector<Step> steps;
    bool has_passed = true;  // every gate
    std::string output;      // empty when a gate failed: nothing was written
};

Document describe(const RecipeReport& report);
std::string to_json(const RecipeReport& report);

}  // namespace mcompress
