// What a command judged, case by case, for the formats that pipelines read: SARIF, JUnit and GitHub's annotations.
#pragma once

#include <string>
#include <vector>

#include "support/error_codes.h"

namespace mcompress {

struct CheckReport;
struct ClusterReport;
struct ConvertReport;
struct DiffReport;
struct FactorizeReport;
struct FloatReport;
struct QuantizeReport;
struct RecipeReport;
struct ValidateReport;

enum class Verdict { Passed, Failed, Warned };

struct JudgedCase {
    ErrorCode code;     // the rule
    std::string group;  // "gates", "findings"
    std::string name;   // "min-sqnr", "tensor 'w'"
    Verdict verdict = Verdict::Passed;
    std::string message;  // limit and measure, or what was found and expected
    std::string remedy = {};
    std::vector<std::string> details = {};  // a line each
};

struct Judgement {
    std::string command;
    std::string artifact;  // the file that was judged
    std::vector<JudgedCase> cases;
};

/// Of a limit that was asked for.
JudgedCase gate_case(std::string name, bool passed, std::string message);

Judgement judgement_of(const CheckReport& report);
Judgement judgement_of(const ClusterReport& report);
Judgement judgement_of(const ConvertReport& report);  // of no gates
Judgement judgement_of(const DiffReport& report);
Judgement judgement_of(const FactorizeReport& report);
Judgement judgement_of(const FloatReport& report);
Judgement judgement_of(const QuantizeReport& report);
Judgement judgement_of(const RecipeReport& report);
Judgement judgement_of(const ValidateReport& report);

/// SARIF 2.1.0: a result for every case that did not pass, the code as its rule, the object as its logical location.
std::string to_sarif(const Judgement& judgement);
/// JUnit XML: a test case each; warnings pass, and say what they found.
std::string to_junit(const Judgement& judgement);
/// GitHub's workflow commands (::error …), ten errors and ten warnings at most, which is what it shows of a step.
std::string to_github(const Judgement& judgement);

}  // namespace mcompress
