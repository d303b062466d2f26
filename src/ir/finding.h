// What is wrong with a model, as data: rules are checked into lists of findings, and whoever cannot go on throws the first.
#pragma once

#include <string>
#include <vector>

#include "support/error.h"

namespace mcompress {

enum class Severity { Error, Warning };

struct Finding {
    ErrorCode code;
    std::string object;         // "node 'Conv_3' (Conv)", "tensor 'w'"
    std::string found;          // "reads 'x', which nothing defines"
    std::string expected = {};  // what the rule asks for; empty where `found` says all there is to say
    std::string remedy = {};    // empty: that of the code
    Severity severity = Severity::Error;

    /// What was found and what was expected.
    std::string problem() const { return expected.empty() ? found : found + ", expected " + expected; }
};

/// An Error as a finding: its frames are the object ("model" when there are none), its message "…, expected …" is taken apart.
Finding finding_of(const Error& error);

/// As above for something that fails at `object`, which is not said twice.
Finding finding_at(const std::string& object, const Error& error);

/// Runs a step of reading a model; an Error that leaves it is added to the list, so that reading can go on, unless it is a bug of ours. Whether it succeeded.
template <typename Body> bool collect(std::vector<Finding>& findings, Body&& body) {
    try {
        std::forward<Body>(body)();
        return true;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Internal) throw;
        findings.push_back(finding_of(error));
        return false;
    }
}

/// Throws the first finding that is an error, when there is one; faults of structure (kModelInvalid) all at once.
void throw_if_any(const std::vector<Finding>& findings);

}  // namespace mcompress
