// Which nodes of a graph compute in another float type, and why the others do not.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "passes/compress/float_conversion.h"
#include "passes/compress/half_rounding.h"
#include "passes/compress/half_rules.h"
#include "quant/calibration_table.h"

namespace mcompress {

/// More of a constant's numbers would become 0 than may, and what is left is not the same constant.
bool vanishes(const RoundingCounts& counts, const FloatConversion& conversion);

class FloatPlan {
public:
    /// What becomes of one tensor of a node.
    enum class Slot {
        Converted,  // it gets the new type
        Original,   // it has the type it had
        Free        // whatever type it happens to have will do
    };

    /// Types are inferred. `calibration` (may be null) holds what values were observed to be.
    FloatPlan(const Graph& graph, const FloatConversion& conversion, const CalibrationTable* calibration);

    /// A tensor of a type that is to be converted.
    bool is_source(const Value* value) const;
    bool is_converted(const Node& node) const { return converted_.contains(&node); }
    /// It computes in float32 on constants that are stored in the new type.
    bool is_stored(const Node& node) const { return stored_.contains(&node); }
    /// Nodes with a tensor to convert that are left alone, in the order of computation.
    const std::vector<std::pair<const Node*, std::string>>& kept() const { return kept_; }
    Slot input_slot(const Node& node, int index) const;
    /// Whether the plan gives the output of a node the new type.
    bool converts_output(const Node& node, int index) const;
    /// What rounding does to the constants that operators with a half form read.
    const std::map<std::string, RoundingCounts>& rounding() const { return rounding_; }
    /// Constants whose numbers below the range only mask what a Softmax reads: the lowest finite number does the same.
    const std::set<std::string>& masks() const { return masks_; }

private:
    void decide(const Node& node);
    bool touches(const Node& node, const HalfRule* rule) const;
    std::string why_kept(const Node& node, const HalfRule* rule);
    std::string why_not_by_types(const Node& node, const HalfRule& rule) const;
    std::string why_not_by_constants(const Node& node);
    std::string why_not_by_ranges(const Node& node) const;
    std::string why_not_by_neighbours(const Node& node);
    std::string constant_problem(const std::string& name, const Tensor& tensor, const Value* value);
    std::string range_problem(const Value& value) const;
    bool computes_with_shapes(const Node& node) const;
    bool only_masks(const Value* constant, const Tensor& tensor);
    bool is_boundary(const Node& node) const;
    void spread(const Node& node);

    FloatConversion conversion_;
    const CalibrationTable* calibration_;
    std::unordered_set<const Graph*> of_other_domains_;  // bodies of operators of other domains, and bodies in them
    std::unordered_set<const Node*> converted_;
    std::unordered_set<const Node*> kept_nodes_;
    std::unordered_set<const Node*> stored_;
    std::unordered_set<const Value*> large_;        // may hold what float16 cannot
    std::unordered_set<const Value*> from_shapes_;  // computed from shapes alone
    std::vector<std::pair<const Node*, std::string>> kept_;
    std::map<std::string, RoundingCounts> rounding_;
    std::set<std::string> masks_;
    std::unordered_set<const Value*> masked_;  // what these reach before a Softmax
};

}  // namespace mcompress
