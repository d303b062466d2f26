// What changed in ONNX's default operator set from version to version, and how a node of the older version says the same in the newer one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"
#include "ops/infer.h"

namespace mcompress {

inline constexpr int kOldestUpgradableOpset = 6;
inline constexpr int kNewestUpgradeOpset = 21;

/// The types before the upgrade.
class KnownTypes {
public:
    explicit KnownTypes(const InferredTypes* inferred) : inferred_(inferred) {}
    /// The inferred type, or the declared one where inference knows less.
    const ValueType& of(const Value* value) const;

private:
    const InferredTypes* inferred_;  // null: only what the model declares is known
};

/// Why this node cannot be upgraded; empty when it can. Asked of the node as it was before any upgrade.
using Refusal = std::string (*)(const Node&, const KnownTypes&);
/// Rewrites one node. Its opset version still reads as the old one.
using Adapter = void (*)(Graph&, Node*, const KnownTypes&);

/// One operator at the version that changed its meaning or signature.
struct OpsetChange {
    std::string_view op;
    int since;
    Refusal refusal = nullptr;      // null: never refused
    Adapter adapt = nullptr;        // null: nothing to rewrite
    std::string_view becomes = {};  // the operator's new name
};

/// Changes that need a rewrite, or a look at the node.
std::span<const OpsetChange> opset_changes();

/// Operators whose new version at `since` accepts every old node and means the same: further types, negative axes, optional inputs, attributes
/// whose default is the old behaviour.
struct CompatibleChanges {
    int since;
    std::string_view ops;  // separated and surrounded by spaces
};
std::span<const CompatibleChanges> compatible_changes();

/// The IR version that came with an opset.
int ir_version_of_opset(int opset);

}  // namespace mcompress
