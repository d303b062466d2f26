// Random and damaged nodes: inference, checks and work counts end in a result or an Error, whatever they are given.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "catch.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "support/error.h"

using namespace mcompress;

namespace {

class Fuzzer {
public:
    explicit Fuzzer(std::uint32_t seed) : random_(seed) {}

    int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }

    std::int64_t integer() {
        static constexpr std::int64_t kExtremes[] = {
            0, -1, 1, 2, 3, 7, INT64_MAX, INT64_MIN, INT64_MAX - 1, std::int64_t{1} << 31, std::int64_t{1} << 62, -4};
        return below(3) == 0 ? kExtremes[below(12)] : below(9) - 2;
    }
    std::vector<std::int64_t> integers() {
        std::vector<std::int64_t> values(static_cast<std::size_t>(below(7)));
        for (auto& value : values) value = integer();
        return values;
    }
    float real() {
        static constexpr float kExtremes[] = {0.0F, -1.0F, 1e38F, -1e38F, 1e-38F, INFINITY, NAN, 2.5F};
        return kExtremes[below(8)];
    }
    std::vector<float> reals() {
        std::vector<float> values(static_cast<std::size_t>(below(6)));
        for (auto& value : values) value = real();
        return values;
    }
    DType dtype() {
        static constexpr DType kTypes[] = {DType::Float32, DType::Float32, DType::Int64,   DType::Int32,  DType::UInt8,
                                           DType::Int8,    DType::Bool,    DType::Float16, DType::String, DType::Undefined};
        return kTypes[below(10)];
    }
    Tensor tensor() {
        switch (below(5)) {
            case 0: return Tensor::scalar(integer());
            case 1: return Tensor::scalar(real());
            case 2: return Tensor::from_values(Shape{2, 0}, std::vector<float>{});
            case 3: {
                const auto values = reals();
                return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values);
            }
            default: {
                const auto values = integers();
                return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values);
            }
        }
    }
    ValueType type() {
        if (below(12) == 0) return {};
        if (below(12) == 0) return ValueType::tensor(dtype());
        Dims dims(static_cast<std::size_t>(below(6)));
        for (Dim& dim : dims) {
            if (below(4) == 0) dim = below(2) ? Dim(std::string(1, static_cast<char>('M' + below(3)))) : Dim();
            else dim = std::max<std::int64_t>(integer(), 0);
        }
        return ValueType::tensor(dtype(), std::move(dims));
    }
    Attribute attribute() {
        static constexpr const char* kNames[] = {
            "axis",        "axes",        "pads",       "strides",    "dilations",  "kernel_shape", "group",          "auto_pad",
            "perm",        "shape",       "split",      "starts",     "ends",       "keepdims",     "blocksize",      "mode",
            "to",          "value",       "scales",     "transA",     "transB",     "equation",     "size",           "p",
            "hidden_size", "direction",   "layout",     "k",          "batch_dims", "output_shape", "output_padding", "ceil_mode",
            "allowzero",   "num_outputs", "block_size", "start",      "end",        "dtype",        "border",         "scale",
            "reduction",   "num_groups",  "broadcast",  "value_ints", "axis"};
        static constexpr const char* kTexts[] = {"SAME_UPPER", "SAME_LOWER",    "VALID", "linear", "cubic",    "ij,jk->ik", "...i,i",
                                                 "a,,->b",     "bidirectional", "none",  "DCR",    "constant", ""};
        Attribute attribute;
        attribute.name = kNames[below(45)];
        switch (below(7)) {
            case 0:
            case 1: attribute.value = integer(); break;
            case 2:
            case 3: attribute.value = integers(); break;
            case 4: attribute.value = std::string(kTexts[below(13)]); break;
            case 5: attribute.value = tensor(); break;
            default:
                if (below(2)) attribute.value = real();
                else attribute.value = reals();
        }
        return attribute;
    }

    /// A graph of a few random nodes that read inputs, constants and each other.
    std::unique_ptr<Model> model() {
        auto result = std::make_unique<Model>();
        Graph& graph = *result->graph;
        (*result->opset_imports)[""] = 1 + below(kNewestOpset);
        (*result->opset_imports)["com.microsoft"] = 1;
        std::vector<Value*> values{nullptr};
        for (int index = 0; index < 3; ++index) values.push_back(graph.add_input("x" + std::to_string(index), type()));
        for (int index = 0; index < 4; ++index) values.push_back(graph.add_constant("c" + std::to_string(index), tensor()));
        const auto rows = all_ops();
        const int count = 1 + below(4);
        for (int index = 0; index < count; ++index) {
            const OpInfo& row = rows[static_cast<std::size_t>(below(static_cast<int>(rows.size())))];
            NodeSpec spec{.op_type = std::string(row.type), .inputs = {}, .domain = std::string(row.domain)};
            const int inputs = std::min(row.min_inputs + below(3) - below(8) / 7, 9);
            for (int at = 0; at < inputs; ++at)
                spec.inputs.push_back(values[static_cast<std::size_t>(below(static_cast<int>(values.size())))]);
            for (int at = below(5); at > 0; --at) {
                Attribute candidate = attribute();
                if (std::none_of(spec.attributes.begin(), spec.attributes.end(),
                                 [&](const Attribute& a) { return a.name == candidate.name; }))
                    spec.attributes.push_back(std::move(candidate));
            }
            spec.outputs.resize(static_cast<std::size_t>(std::clamp(row.min_outputs + below(2), 1, 5)));
            Node* node = graph.add_node(std::move(spec));
            for (Value* value : node->outputs()) values.push_back(value);
        }
        if (values.back()) graph.add_output(values.back());
        return result;
    }

private:
    std::mt19937 random_;
};

struct Outcome {
    int inferred = 0;
    int refused = 0;
};

Outcome run(std::uint32_t first, std::uint32_t last) {
    Outcome outcome;
    for (std::uint32_t seed = first; seed < last; ++seed) {
        INFO("seed " << seed);
        Fuzzer fuzzer(seed);
        const auto model = fuzzer.model();
        std::string foreign;
        try {
            infer_types(*model->graph);
            ++outcome.inferred;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Internal) foreign = error.what();
            ++outcome.refused;
        } catch (const std::exception& error) {
            foreign = error.what();
        }
        try {
            (void)verify_ops(*model->graph);
            (void)measure_cost(*model->graph);
        } catch (const std::exception& error) {
            foreign = error.what();
        }
        if (!foreign.empty()) FAIL_CHECK(foreign);
    }
    return outcome;
}

}  // namespace

TEST_CASE("fuzz: random nodes are inferred or refused") {
    const Outcome outcome = run(0, 20000);
    CHECK(outcome.inferred > 1000);
    CHECK(outcome.refused > 1000);
}

TEST_CASE("fuzz: many random nodes", "[fuzz]") {
    const char* count = std::getenv("MCOMPRESS_FUZZ_COUNT");
    const Outcome outcome = run(1'000'000, 1'000'000 + static_cast<std::uint32_t>(count ? std::atoi(count) : 1'000'000));
    std::cout << "fuzz: " << outcome.inferred << " inferred, " << outcome.refused << " refused\n";
}
