#include "ops/type_constraints.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "support/check.h"

namespace mcompress {

namespace {

/// Element types: bit n is the type of number n.
using TypeSet = std::uint64_t;

constexpr TypeSet bits(std::initializer_list<DType> types) {
    TypeSet set = 0;
    for (const DType type : types) set |= TypeSet{1} << static_cast<unsigned>(type);
    return set;
}

constexpr TypeSet kAny = ~TypeSet{0};
constexpr TypeSet kFloat = bits({DType::Float16, DType::Float32, DType::Float64});
constexpr TypeSet kInteger =
    bits({DType::Int8, DType::Int16, DType::Int32, DType::Int64, DType::UInt8, DType::UInt16, DType::UInt32, DType::UInt64});
constexpr TypeSet kPlain = kFloat | kInteger | bits({DType::Bool, DType::String});

struct Word {
    std::string_view text;
    TypeSet types;
};

constexpr Word kWords[] = {
    {"any", kAny},
    {"all", kPlain | bits({DType::Complex64, DType::Complex128})},
    {"plain", kPlain},
    {"number", kFloat | kInteger},
    {"wide", kFloat | bits({DType::Int32, DType::Int64, DType::UInt32, DType::UInt64})},
    {"float", kFloat},
    {"integer", kInteger},
    {"unsigned", bits({DType::UInt8, DType::UInt16, DType::UInt32, DType::UInt64})},
    {"index", bits({DType::Int32, DType::Int64})},
    {"byte", bits({DType::Int8, DType::UInt8})},
    {"bool", bits({DType::Bool})},
    {"str", bits({DType::String})},
    {"f16", bits({DType::Float16})},
    {"f32", bits({DType::Float32})},
    {"f64", bits({DType::Float64})},
    {"bf16", bits({DType::BFloat16})},
    {"f8", bits({DType::Float8E4M3FN, DType::Float8E4M3FNUZ, DType::Float8E5M2, DType::Float8E5M2FNUZ})},
    {"i8", bits({DType::Int8})},
    {"i16", bits({DType::Int16})},
    {"i32", bits({DType::Int32})},
    {"i64", bits({DType::Int64})},
    {"u8", bits({DType::UInt8})},
    {"u32", bits({DType::UInt32})},
    {"u64", bits({DType::UInt64})},
};

/// Takes what stands before the separator off the text, and the separator.
std::string_view take(std::string_view& text, std::string_view separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + separator.size(), text.size()));
    return taken;
}

TypeSet types_of(std::string_view words, int opset) {
    constexpr int kAllIsAny = 19;
    TypeSet set = 0;
    while (!words.empty()) {
        const std::string_view text = take(words, "+");
        const auto* word = std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& each) { return each.text == text; });
        MCOMPRESS_CHECK(word != std::end(kWords));
        set |= opset >= kAllIsAny && word->text == "all" ? kAny : word->types;
    }
    return set;
}

/// What the rule says since the newest version that is not above the opset; empty before the first.
std::string_view inputs_at(std::string_view versions, int opset) {
    std::string_view inputs;
    while (!versions.empty()) {
        std::string_view each = take(versions, "; ");
        const std::string_view number = take(each, ": ");
        int since = 0;
        const auto read = std::from_chars(number.data(), number.data() + number.size(), since);
        MCOMPRESS_CHECK(read.ec == std::errc() && read.ptr == number.data() + number.size());
        if (since > opset) break;
        inputs = each;
    }
    return inputs;
}

/// A type that several inputs must have.
struct NamedType {
    std::string_view name;
    std::string_view words;
    DType dtype = DType::Undefined;  // of the first input that has it and whose type is known
    std::size_t input = 0;           // that one
};

std::string text_of(TypeSet set) {
    std::string text;
    for (int number = 1; is_known_dtype(number); ++number)
        if (set >> number & 1U) text += (text.empty() ? "" : ", ") + std::string(dtype_name(static_cast<DType>(number)));
    return text;
}

/// Looks at the inputs in turn.
class Inputs {
public:
    Inputs(const Node& node, std::span<const ValueType> types) : node_(node), types_(types) {}

    /// What is wrong with the next one, of which a rule says "T=float+bf16", "T" (a name begins with a capital letter) or "float".
    std::string take_next(std::string_view rule) {
        const std::size_t at = at_++;
        NamedType* named = name_of(rule);
        const DType dtype = types_[at].is_tensor() ? types_[at].dtype : DType::Undefined;
        if (dtype == DType::Undefined) return {};
        const TypeSet taken = types_of(named ? named->words : rule, node_.opset_version());
        if (!(taken >> static_cast<unsigned>(dtype) & 1U))
            return format("input {} is of type {}, in opset {} it takes {}", at, dtype_name(dtype), node_.opset_version(), text_of(taken));
        if (!named || named->dtype == dtype) return {};
        if (named->dtype != DType::Undefined)
            return format("inputs {} and {} are of types {} and {}, they must have one", named->input, at, dtype_name(named->dtype),
                          dtype_name(dtype));
        named->dtype = dtype;
        named->input = at;
        return {};
    }

    bool are_left() const { return at_ < types_.size(); }

private:
    /// Null where nothing else must have the type.
    NamedType* name_of(std::string_view rule) {
        if (rule.front() < 'A' || rule.front() > 'Z') return nullptr;
        const std::string_view name = take(rule, "=");
        const auto known = std::find_if(named_.begin(), named_.end(), [&](const NamedType& each) { return each.name == name; });
        if (known != named_.end()) return &*known;
        MCOMPRESS_CHECK(!rule.empty());
        return &named_.emplace_back(NamedType{name, rule});
    }

    const Node& node_;
    std::span<const ValueType> types_;
    std::size_t at_ = 0;
    std::vector<NamedType> named_;
};

}  // namespace

std::string type_problem(const Node& node, std::span<const ValueType> types) {
    if (!node.domain().empty()) return {};
    const auto rules = type_rules();
    const auto rule = std::lower_bound(rules.begin(), rules.end(), node.op_type(),
                                       [](const TypeRule& each, std::string_view op) { return each.op < op; });
    if (rule == rules.end() || rule->op != node.op_type()) return {};
    std::string_view left = inputs_at(rule->versions, node.opset_version());
    Inputs inputs(node, types);
    while (!left.empty() && inputs.are_left()) {
        std::string_view text = take(left, " ");
        const bool is_repeated = text.ends_with('*');
        if (is_repeated) text.remove_suffix(1);
        do
            if (std::string problem = inputs.take_next(text); !problem.empty()) return problem;
        while (is_repeated && inputs.are_left());
    }
    return {};
}

}  // namespace mcompress
