#include "ops/experimental.h"

namespace mcompress {

AffineAttrs AffineAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.0F), float_attribute(node, "beta", 0.0F)}; }

ImageScalerAttrs ImageScalerAttrs::read(const Node& node) { return {float_attribute(node, "scale", 1.0F), floats_attribute(node, "bias")}; }

CropAttrs CropAttrs::read(const Node& node) {
    const auto border = ints_attribute(node, "border"), scale = ints_attribute(node, "scale");
    if (border.size() != 4) reject_attribute(node, "border", format("has {} entries, expected 4", border.size()));
    if (!scale.empty() && scale.size() != 2) reject_attribute(node, "scale", format("has {} entries, expected 2", scale.size()));
    for (const auto* list : {&border, &scale})
        for (const std::int64_t entry : *list)
            if (entry < 0) reject_attribute(node, list == &border ? "border" : "scale", format("holds {}", entry));
    CropAttrs attrs{border[0], border[1], border[2], border[3], std::nullopt, std::nullopt};
    if (!scale.empty()) {
        attrs.height = scale[0];
        attrs.width = scale[1];
    }
    return attrs;
}

}  // namespace mcompress
