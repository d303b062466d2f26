// Random attributes, shapes and numbers: the kernels of detection, image geometry and training end in outputs or in an Error.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "catch.h"
#include "engine/reference/kernel.h"
#include "ir/model.h"
#include "support/error.h"

using namespace mcompress;

namespace {

constexpr const char* kOperators[] = {"AffineGrid",
                                      "CenterCropPad",
                                      "Col2Im",
                                      "Compress",
                                      "DeformConv",
                                      "DepthToSpace",
                                      "Det",
                                      "Dropout",
                                      "EyeLike",
                                      "GlobalLpPool",
                                      "GridSample",
                                      "LpNormalization",
                                      "LpPool",
                                      "MaxRoiPool",
                                      "MaxUnpool",
                                      "NegativeLogLikelihoodLoss",
                                      "NonMaxSuppression",
                                      "Resize",
                                      "ReverseSequence",
                                      "RoiAlign",
                                      "SpaceToDepth",
                                      "SoftmaxCrossEntropyLoss",
                                      "Unique",
                                      "Upsample"};

class Fuzzer {
public:
    explicit Fuzzer(std::uint32_t seed) : random_(seed) {}

    int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }
    template <typename T, std::size_t N> const T& one_of(const T (&values)[N]) { return values[below(static_cast<int>(N))]; }

    std::int64_t integer() {
        static constexpr std::int64_t kExtremes[] = {INT64_MAX, INT64_MIN, std::int64_t{1} << 31, std::int64_t{1} << 62, -1, 100000};
        return below(8) == 0 ? one_of(kExtremes) : below(6);
    }
    std::vector<std::int64_t> integers() {
        std::vector<std::int64_t> values(static_cast<std::size_t>(below(5)));
        for (auto& value : values) value = integer();
        return values;
    }
    float real() {
        static constexpr float kExtremes[] = {0.0f, -1.0f, 1e38f, -1e38f, 1e-38f, INFINITY, NAN, 1e9f};
        return below(6) == 0 ? one_of(kExtremes) : static_cast<float>(below(200) - 100) / 25.0f;
    }
    Tensor tensor() {
        static constexpr std::int64_t kHuge[] = {std::int64_t{1} << 20, std::int64_t{1} << 40, std::int64_t{1} << 61};
        std::vector<std::int64_t> dims(static_cast<std::size_t>(below(4) == 0 ? below(6) : 4 - below(2)));
        bool is_empty = false;
        for (auto& dim : dims) is_empty = (dim = below(12) == 0 ? 0 : 1 + below(4)) == 0 || is_empty;
        if (is_empty && below(2))
            for (auto& dim : dims)
                if (dim != 0 && below(2)) dim = one_of(kHuge);
        const Shape shape(dims);
        if (!shape.checked_element_count()) return tensor();
        switch (below(6)) {
            case 0: {
                Tensor result(DType::Int64, is_empty || below(2) ? shape : Shape{1 + below(4)});
                for (std::int64_t i = 0; i < result.element_count(); ++i) result.mutable_data<std::int64_t>()[i] = integer();
                return result;
            }
            case 1: {
                Tensor result(DType::Bool, shape);
                for (std::int64_t i = 0; i < result.element_count(); ++i) result.mutable_data<bool>()[i] = below(2);
                return result;
            }
            default: {
                Tensor result(DType::Float32, shape);
                for (std::int64_t i = 0; i < result.element_count(); ++i) result.mutable_data<float>()[i] = real();
                return result;
            }
        }
    }
    Attribute attribute() {
        static constexpr const char* kIntegers[] = {
            "align_corners", "output_height", "output_width",     "sampling_ratio", "axis",      "k",         "blocksize", "p",
            "group",         "offset_group",  "sorted",           "batch_axis",     "time_axis", "antialias", "ceil_mode", "ignore_index",
            "dtype",         "seed",          "center_point_box", "exclude_outside"};
        static constexpr const char* kLists[] = {"axes", "pads", "strides", "dilations", "kernel_shape", "pooled_shape", "output_shape"};
        static constexpr const char* kTexts[][2] = {{"mode", "linear"},
                                                    {"mode", "cubic"},
                                                    {"mode", "nearest"},
                                                    {"mode", "max"},
                                                    {"mode", "bilinear"},
                                                    {"reduction", "none"},
                                                    {"padding_mode", "reflection"},
                                                    {"padding_mode", "border"},
                                                    {"auto_pad", "SAME_UPPER"},
                                                    {"coordinate_transformation_mode", "tf_crop_and_resize"},
                                                    {"coordinate_transformation_mode", "align_corners"},
                                                    {"keep_aspect_ratio_policy", "not_larger"}};
        switch (below(4)) {
            case 0: return {one_of(kIntegers), integer(), {}};
            case 1: return {one_of(kLists), integers(), {}};
            case 2: return {below(2) ? "spatial_scale" : "extrapolation_value", real(), {}};
            default: break;
        }
        const auto& chosen = one_of(kTexts);
        return {chosen[0], std::string(chosen[1]), {}};
    }

private:
    std::mt19937 random_;
};

/// Whether the node ran; an Error is as good.
bool run_one(std::uint32_t seed) {
    static constexpr int kOpsets[] = {7, 9, 10, 11, 13, 16, 18, 20, 22, 24};
    Fuzzer fuzzer(seed);
    Model model;
    (*model.opset_imports)[""] = fuzzer.one_of(kOpsets);
    NodeSpec spec;
    spec.op_type = fuzzer.one_of(kOperators);
    std::vector<Tensor> inputs(static_cast<std::size_t>(1 + fuzzer.below(4)));
    const Tensor same = fuzzer.tensor();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (i == 0 || fuzzer.below(8) != 0) inputs[i] = fuzzer.below(3) == 0 ? same : fuzzer.tensor();
        spec.inputs.push_back(inputs[i].defined()
                                  ? model.graph->add_input("i" + std::to_string(i), ValueType::tensor(inputs[i].dtype(), inputs[i].shape()))
                                  : nullptr);
    }
    for (int count = fuzzer.below(5); count > 0; --count) {
        Attribute attribute = fuzzer.attribute();
        const auto same_name = [&](const Attribute& other) { return other.name == attribute.name; };
        if (std::none_of(spec.attributes.begin(), spec.attributes.end(), same_name)) spec.attributes.push_back(std::move(attribute));
    }
    spec.outputs.assign(static_cast<std::size_t>(1 + fuzzer.below(4)), "");
    const Node* node = model.graph->add_node(std::move(spec));
    if (!find_reference_kernel(*node)) return false;
    try {
        (void)evaluate_node(*node, inputs);
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

TEST_CASE("random nodes end in outputs or an Error") {
    const char* given = std::getenv("MCOMPRESS_FUZZ_COUNT");
    const char* first = std::getenv("MCOMPRESS_FUZZ_FIRST");
    const auto from = static_cast<std::uint32_t>(first ? std::strtoul(first, nullptr, 10) : 0);
    const auto count = static_cast<std::uint32_t>(given ? std::strtoul(given, nullptr, 10) : 20000);
    std::uint32_t ran = 0;
    for (std::uint32_t seed = from; seed < from + count; ++seed) {
        INFO("seed " << seed);
        ran += run_one(seed);
    }
    CHECK(ran > count / 100);
}
