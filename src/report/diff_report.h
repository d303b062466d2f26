// What tells two models apart, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/document.h"

namespace mcompress {

/// Something by its name on both sides; nothing where a side does not have it.
struct Change {
    std::string name;
    std::optional<std::string> before, after;
};

struct NodeRef {
    std::string node, op;
};

/// A node that both models have, and what is different about it.
struct NodeDifference {
    std::string node, op;  // in the second model
    std::vector<std::string> changes;
};

struct WeightDifference {
    std::string name;
    std::string new_name = {};     // where the second model calls it otherwise
    std::string type_before = {};  // as stored; empty on the side that does not have it
    std::string type_after = {};
    std::optional<double> max_difference = {};  // of values, dequantized; only for equal shapes
    std::optional<double> sqnr_db = {};         // of the second against the first; infinite when exact
};

struct DiffReport {
    std::string before, after;  // files
    bool is_identical = false;  // in everything that mcompress carries of a model
    std::vector<Change> model;  // IR version, producer, opsets, documentation …
    std::vector<Change> metadata;
    std::vector<Change> functions;
    std::vector<Change> inputs, outputs;                   // name, type
    std::map<std::string, std::pair<int, int>> operators;  // type → nodes before and after, where these differ
    std::size_t nodes_before = 0, nodes_after = 0, nodes_same = 0;
    std::vector<NodeRef> nodes_removed, nodes_added;
    std::vector<NodeDifference> nodes_changed;
    std::vector<std::pair<std::string, std::string>> nodes_renamed;  // before, after: the same node by structure
    std::size_t weights_same = 0;
    std::vector<WeightDifference> weights;  // changed, removed, added
    std::vector<Change> quantizers;         // value → type, scale, zero point
    bool must_be_identical = false;         // a gate was asked for
    std::size_t most_shown = 20;            // rows of a table in text

    /// Everything above is empty though the models are not identical.
    bool is_only_carried() const;
};

Document describe(const DiffReport& report);
std::string to_json(const DiffReport& report);

}  // namespace mcompress
