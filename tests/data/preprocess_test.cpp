#include "data/preprocess.h"

#include "catch.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

PreprocessSpec spec_of(std::initializer_list<std::pair<const char*, const char*>> options) {
    PreprocessSpec spec;
    for (const auto& [key, value] : options) set_preprocess_option(spec, key, value);
    return spec;
}

template <typename Body> std::string code_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code().id;
    }
    return "";
}

const Image kTwoByOne{2, 1, 3, {10, 20, 30, 40, 50, 60}};

std::vector<float> values(const Tensor& tensor) { return {tensor.values<float>().begin(), tensor.values<float>().end()}; }

}  // namespace

TEST_CASE("layouts and channel orders") {
    CHECK(values(preprocess(kTwoByOne, spec_of({}))) == std::vector<float>{10, 40, 20, 50, 30, 60});
    CHECK(preprocess(kTwoByOne, spec_of({})).shape() == Shape{1, 3, 1, 2});
    CHECK(values(preprocess(kTwoByOne, spec_of({{"layout", "nhwc"}}))) == std::vector<float>{10, 20, 30, 40, 50, 60});
    CHECK(preprocess(kTwoByOne, spec_of({{"layout", "nhwc"}})).shape() == Shape{1, 1, 2, 3});
    CHECK(values(preprocess(kTwoByOne, spec_of({{"layout", "nhwc"}, {"color", "bgr"}}))) == std::vector<float>{30, 20, 10, 60, 50, 40});
    CHECK(values(preprocess(kTwoByOne, spec_of({{"color", "bgr"}}))) == std::vector<float>{30, 60, 20, 50, 10, 40});
    CHECK(values(preprocess(Image{2, 1, 1, {7, 8}}, spec_of({{"color", "gray"}}))) == std::vector<float>{7, 8});
}

TEST_CASE("scale, mean and std are applied in torchvision's order, rounding to float at each step") {
    const PreprocessSpec spec = spec_of({{"scale", "1/255"}, {"mean", "0.485,0.456,0.406"}, {"std", "0.229,0.224,0.225"}});
    const std::vector<float> found = values(preprocess(kTwoByOne, spec));
    CHECK(found[0] == (10.0f / 255.0f - 0.485f) / 0.229f);
    CHECK(found[3] == (50.0f / 255.0f - 0.456f) / 0.224f);
    PreprocessSpec tensorflow = preprocess_preset("imagenet-tf");
    tensorflow.resize = {};
    tensorflow.crop.reset();
    CHECK(values(preprocess(kTwoByOne, tensorflow))[0] == (10.0f - 127.5f) / 127.5f);
    const PreprocessSpec reversed = spec_of({{"color", "bgr"}, {"mean", "104,117,123"}});
    CHECK(values(preprocess(kTwoByOne, reversed))[0] == 30.0f - 104.0f);
}

TEST_CASE("element types") {
    CHECK(preprocess(kTwoByOne, spec_of({{"dtype", "uint8"}})).data<std::uint8_t>()[1] == 40);
    CHECK(preprocess(kTwoByOne, spec_of({{"dtype", "float16"}, {"scale", "1/3"}})).data<Float16>()[0] == to_float16(10.0f / 3.0f));
    CHECK(code_of([] { preprocess(kTwoByOne, spec_of({{"dtype", "uint8"}, {"mean", "1"}})); }) == codes::kDataMismatch.id);
}

TEST_CASE("the short side rule and the centre crop are torchvision's") {
    const auto geometry = [](PreprocessSpec spec, int width, int height) { return find_geometry(spec, {width, height}); };
    const PreprocessSpec imagenet = preprocess_preset("imagenet");
    CHECK(geometry(imagenet, 500, 375).resized == PixelSize{341, 256});
    CHECK(geometry(imagenet, 375, 500).resized == PixelSize{256, 341});
    CHECK(geometry(imagenet, 256, 256).resized == PixelSize{256, 256});
    CHECK(geometry(imagenet, 500, 375).kept.left == 58);  // round(58.5), half to even
    CHECK(geometry(imagenet, 500, 375).kept.top == 16);
    CHECK(geometry(spec_of({{"crop", "10"}}), 13, 17).kept.left == 2);  // round(1.5)
    CHECK(geometry(spec_of({{"crop", "10"}}), 13, 17).kept.top == 4);   // round(3.5)
    CHECK(geometry(spec_of({{"crop", "10"}}), 11, 15).kept.left == 0);  // round(0.5)
    CHECK(geometry(spec_of({{"crop", "10"}}), 11, 15).kept.top == 2);   // round(2.5)
    CHECK(geometry(spec_of({{"resize", "30x20"}}), 500, 375).resized == PixelSize{30, 20});
    CHECK(code_of([&] { geometry(spec_of({{"crop", "10"}}), 9, 20); }) == codes::kDataMismatch.id);
}

TEST_CASE("options are read and written back") {
    const PreprocessSpec spec = spec_of({{"resize", "320x240"},
                                         {"crop", "224"},
                                         {"filter", "bicubic"},
                                         {"color", "bgr"},
                                         {"scale", "1/255"},
                                         {"mean", "1,2,3"},
                                         {"std", "0.5"}});
    CHECK(to_string(spec) ==
          "color=bgr resize=320x240 filter=bicubic crop=224x224 scale=1/255 mean=1,2,3 std=0.5 layout=nchw dtype=float32");
    CHECK(to_string(spec_of({})) == "color=rgb layout=nchw dtype=float32");
    for (const auto& [key, value] : {std::pair{"resize", "0"},
                                     {"resize", "12x"},
                                     {"resize", "1.5"},
                                     {"resize", "99999999"},
                                     {"crop", "-3"},
                                     {"filter", "cubic"},
                                     {"color", "hsv"},
                                     {"scale", "1/0"},
                                     {"scale", "a"},
                                     {"mean", "1,2"},
                                     {"mean", ""},
                                     {"std", "0"},
                                     {"std", "nan"},
                                     {"layout", "chwn"},
                                     {"dtype", "int8"},
                                     {"size", "3"}})
        CHECK(code_of([&] { spec_of({{key, value}}); }) == codes::kUsage.id);
}

TEST_CASE("every preset can be read; an unknown one names the nearest") {
    for (const PreprocessPreset& preset : all_preprocess_presets()) CHECK_FALSE(to_string(preprocess_preset(preset.name)).empty());
    try {
        preprocess_preset("imagenett");
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.message().find("did you mean 'imagenet'") != std::string::npos);
    }
}

TEST_CASE("layout and element type follow the model") {
    const PreprocessSpec imagenet = preprocess_preset("imagenet");
    CHECK(fit_to_input(imagenet, {DType::Float32, {-1, 3, 224, 224}}).layout == ImageLayout::Nchw);
    CHECK(fit_to_input(imagenet, {DType::Float16, {1, 224, 224, 3}}).layout == ImageLayout::Nhwc);
    CHECK(fit_to_input(imagenet, {DType::Float16, {1, 224, 224, 3}}).dtype == DType::Float16);
    CHECK(fit_to_input(preprocess_preset("raw"), {DType::UInt8, {1, 1, 28, 28}}).channels == ChannelOrder::Gray);
    CHECK(fit_to_input(imagenet, {DType::Float32, {}}).layout == ImageLayout::Nchw);
    CHECK(code_of([&] { fit_to_input(imagenet, {DType::Float32, {1, 3, 96, 96}}); }) == codes::kDataMismatch.id);
    CHECK(code_of([&] { fit_to_input(imagenet, {DType::Int64, {1, 3, 224, 224}}); }) == codes::kDataMismatch.id);
    CHECK(code_of([&] { fit_to_input(imagenet, {DType::Float32, {1, 10}}); }) == codes::kDataMismatch.id);
    CHECK(code_of([&] { fit_to_input(imagenet, {DType::Float32, {1, 5, 224, 224}}); }) == codes::kDataMismatch.id);
    CHECK(code_of([&] { fit_to_input(preprocess_preset("mnist"), {DType::Float32, {1, 3, 28, 28}}); }) == codes::kDataMismatch.id);
}
