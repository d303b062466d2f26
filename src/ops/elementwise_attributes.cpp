#include "ops/elementwise.h"
#include "ops/softmax.h"
#include "support/plain_text.h"

namespace mcompress {

namespace {

DType dtype_from_number(const Node& node, std::int64_t number) {
    if (number < 1 || number > 255 || !is_known_dtype(static_cast<int>(number)))
        reject_attribute(node, "to", format("is {}, which is no element type", number));
    return static_cast<DType>(number);
}

// Cast of opset 1 names the type: "FLOAT", "INT64".
DType dtype_from_name(const Node& node, std::string_view text) {
    const std::string name = to_lower(text);
    for (int number = 1; is_known_dtype(number); ++number)
        if (dtype_name(static_cast<DType>(number)) == name) return static_cast<DType>(number);
    reject_attribute(node, "to", format("is '{}', which is no element type", name));
}

}  // namespace

ClipAttrs ClipAttrs::read(const Node& node) {
    if (node.opset_version() < 11) return {ScalarSource::from_attribute(node, "min"), ScalarSource::from_attribute(node, "max")};
    return {ScalarSource::from_input(node, 1), ScalarSource::from_input(node, 2)};
}

LeakyReluAttrs LeakyReluAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 0.01F)}; }
EluAttrs EluAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.0F)}; }
CeluAttrs CeluAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.0F)}; }

SeluAttrs SeluAttrs::read(const Node& node) {
    SeluAttrs attrs;
    if (node.opset_version() < 6) attrs = {1.6732F, 1.0507F};
    return {float_attribute(node, "alpha", attrs.alpha), float_attribute(node, "gamma", attrs.gamma)};
}

HardSigmoidAttrs HardSigmoidAttrs::read(const Node& node) {
    return {float_attribute(node, "alpha", 0.2F), float_attribute(node, "beta", 0.5F)};
}
ThresholdedReluAttrs ThresholdedReluAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.0F)}; }
ShrinkAttrs ShrinkAttrs::read(const Node& node) { return {float_attribute(node, "bias", 0.0F), float_attribute(node, "lambd", 0.5F)}; }
SwishAttrs SwishAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.0F)}; }

GeluAttrs GeluAttrs::read(const Node& node) {
    static constexpr std::string_view kNames[] = {"none", "tanh"};
    return {enum_attribute(node, "approximate", Approximation::None, kNames)};
}

CastAttrs CastAttrs::read(const Node& node) {
    CastAttrs attrs;
    static constexpr std::string_view kRoundings[] = {"up", "down", "nearest"};
    if (!flag_attribute(node, "saturate", 1)) attrs.float8_overflow = Overflow::Wraps;
    attrs.power_rounding = enum_attribute(node, "round_mode", PowerRounding::Up, kRoundings);
    if (node.is("CastLike")) return attrs;
    if (node.opset_version() < 6) attrs.to = dtype_from_name(node, string_attribute(node, "to", {}));
    else attrs.to = dtype_from_number(node, required_int_attribute(node, "to"));
    return attrs;
}

ModAttrs ModAttrs::read(const Node& node) { return {flag_attribute(node, "fmod", 0) ? Sign::OfDividend : Sign::OfDivisor}; }

BitShiftAttrs BitShiftAttrs::read(const Node& node) {
    static constexpr std::string_view kNames[] = {"LEFT", "RIGHT"};
    if (!has_attribute(node, "direction")) reject_attribute(node, "direction", "is missing");
    return {enum_attribute(node, "direction", Direction::Left, kNames)};
}

IsInfAttrs IsInfAttrs::read(const Node& node) {
    return {flag_attribute(node, "detect_negative", 1), flag_attribute(node, "detect_positive", 1)};
}

DropoutAttrs DropoutAttrs::read(const Node& node) {
    DropoutAttrs attrs;
    if (node.opset_version() < 12) {
        attrs.ratio = ScalarSource::from_attribute(node, "ratio");
        if (node.opset_version() < 7 && !flag_attribute(node, "is_test", 0)) attrs.mode = Mode::Training;
        return attrs;
    }
    if (has_attribute(node, "seed")) attrs.seed = int_attribute(node, "seed", 0);
    attrs.ratio = ScalarSource::from_input(node, 1);
    const ScalarSource trains = ScalarSource::from_input(node, 2);
    if (!trains.is_settled()) attrs.mode = Mode::Unknown;
    else if (trains.value && *trains.value != 0.0) attrs.mode = Mode::Training;
    return attrs;
}

BroadcastAttrs BroadcastAttrs::read(const Node& node) {
    BroadcastAttrs attrs;
    if (node.opset_version() >= 7 || !node.domain().empty()) return attrs;
    attrs.rule = flag_attribute(node, "broadcast", 0) ? Rule::Legacy : Rule::None;
    const std::int64_t axis = int_attribute(node, "axis", 0);
    if (attrs.rule == Rule::Legacy && has_attribute(node, "axis")) attrs.axis = axis;
    return attrs;
}

SoftmaxAttrs SoftmaxAttrs::read(const Node& node) {
    const bool is_old = node.opset_version() < 13;
    return {int_attribute(node, "axis", is_old ? 1 : -1), is_old ? Extent::AxisAndFollowing : Extent::OneAxis};
}

}  // namespace mcompress
