// Every way in which TensorProto can hold its contents, and every way in which it can be wrong.
#include <cstring>

#include "catch.h"
#include "models.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

onnx::TensorProto tensor_of(int dtype, std::initializer_list<std::int64_t> dims) {
    onnx::TensorProto proto;
    proto.set_name("t");
    proto.set_data_type(dtype);
    for (const std::int64_t dim : dims) proto.add_dims(dim);
    return proto;
}

Tensor load(const onnx::TensorProto& proto) {
    TemporaryFolder folder;
    write_bytes(folder / "t.pb", proto.SerializeAsString());
    std::string name;
    Tensor tensor = load_tensor(folder / "t.pb", &name);
    CHECK(name == "t");
    return tensor;
}

std::string bytes_of(const Tensor& tensor) { return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size()}; }

template <typename T> std::string packed(std::initializer_list<T> values) {
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

Refused refused(const onnx::TensorProto& proto) {
    return refusal_of([&] { load(proto); });
}

}  // namespace

TEST_CASE("typed fields hold what raw_data would") {
    auto floats = tensor_of(1, {2});
    floats.add_float_data(1.5f);
    floats.add_float_data(-2.0f);
    CHECK(bytes_of(load(floats)) == packed<float>({1.5f, -2.0f}));

    struct Row {
        int dtype;
        std::string expected;
    };
    const Row rows[] = {{2, packed<std::uint8_t>({3, 200})},   {3, packed<std::int8_t>({3, -56})},   {4, packed<std::uint16_t>({3, 200})},
                        {5, packed<std::int16_t>({3, 200})},   {6, packed<std::int32_t>({3, 200})},  {10, packed<std::uint16_t>({3, 200})},
                        {16, packed<std::uint16_t>({3, 200})}, {17, packed<std::uint8_t>({3, 200})}, {18, packed<std::uint8_t>({3, 200})},
                        {19, packed<std::uint8_t>({3, 200})},  {20, packed<std::uint8_t>({3, 200})}, {24, packed<std::uint8_t>({3, 200})}};
    for (const Row& row : rows) {
        INFO(row.dtype);
        auto integers = tensor_of(row.dtype, {2});
        integers.add_int32_data(3);
        integers.add_int32_data(200);
        CHECK(bytes_of(load(integers)) == row.expected);
    }

    auto boolean = tensor_of(9, {2});
    boolean.add_int32_data(1);
    boolean.add_int32_data(0);
    CHECK(bytes_of(load(boolean)) == packed<std::uint8_t>({1, 0}));
    auto longs = tensor_of(7, {1});
    longs.add_int64_data(-(std::int64_t{1} << 40));
    CHECK(bytes_of(load(longs)) == packed<std::int64_t>({-(std::int64_t{1} << 40)}));
    auto doubles = tensor_of(11, {1});
    doubles.add_double_data(0.1);
    CHECK(bytes_of(load(doubles)) == packed<double>({0.1}));
    auto words = tensor_of(12, {1});
    words.add_uint64_data(4000000000u);
    CHECK(bytes_of(load(words)) == packed<std::uint32_t>({4000000000u}));
    auto quads = tensor_of(13, {1});
    quads.add_uint64_data(~std::uint64_t{0});
    CHECK(bytes_of(load(quads)) == packed<std::uint64_t>({~std::uint64_t{0}}));
}

TEST_CASE("complex numbers take two entries") {
    auto single = tensor_of(14, {1});
    single.add_float_data(1.0f);
    single.add_float_data(2.0f);
    CHECK(bytes_of(load(single)) == packed<float>({1.0f, 2.0f}));
    auto twice = tensor_of(15, {1});
    twice.add_double_data(1.0);
    twice.add_double_data(2.0);
    CHECK(bytes_of(load(twice)) == packed<double>({1.0, 2.0}));
}

TEST_CASE("four-bit elements are packed two a byte, an odd one alone") {
    auto proto = tensor_of(22, {3});
    proto.add_int32_data(0x21);
    proto.add_int32_data(0x03);
    const Tensor tensor = load(proto);
    CHECK(tensor.dtype() == DType::Int4);
    CHECK(bytes_of(tensor) == "\x21\x03");
    auto raw = tensor_of(21, {3});
    raw.set_raw_data("\x21\x03");
    CHECK(bytes_of(load(raw)) == "\x21\x03");
    raw.set_raw_data("\x21\x03\x04");
    CHECK(refused(raw).code == "E3004");
}

TEST_CASE("strings, scalars and empty tensors") {
    auto strings = tensor_of(8, {2});
    strings.add_string_data("a");
    strings.add_string_data(std::string("b\0c", 3));
    CHECK(load(strings).strings() == std::vector<std::string>{"a", std::string("b\0c", 3)});
    auto scalar = tensor_of(1, {});
    scalar.add_float_data(3.0f);
    CHECK(load(scalar).element_count() == 1);
    CHECK(load(tensor_of(1, {0, 5})).element_count() == 0);
    auto no_raw = tensor_of(7, {0});
    no_raw.set_raw_data("");
    CHECK(load(no_raw).element_count() == 0);
    // Exporters without field presence write an empty raw_data beside the field they use.
    auto both = tensor_of(1, {1});
    both.set_raw_data("");
    both.add_float_data(4.0f);
    CHECK(load(both).data<float>()[0] == 4.0f);
}

TEST_CASE("unaligned raw data is usable") {
    for (int pad = 0; pad < 9; ++pad) {
        auto model = small_model();
        model.set_producer_name(std::string(static_cast<std::size_t>(pad), 'p'));
        const auto loaded = load_proto(model);
        const Tensor& w = *loaded->graph->find_value("w")->constant();
        CHECK(reinterpret_cast<std::uintptr_t>(w.data<float>()) % alignof(float) == 0);
        CHECK(w.data<float>()[1] == 2.0f);
    }
}

TEST_CASE("inconsistent tensors are refused, saying what was expected and found") {
    auto proto = tensor_of(1, {2});
    proto.set_raw_data(std::string(7, '\0'));
    CHECK(refused(proto).mentions("tensor 't': shape [2] of float needs 8 bytes, raw_data has 7"));
    proto.set_raw_data(std::string(12, '\0'));
    CHECK(refused(proto).code == "E3004");
    CHECK(refused(tensor_of(1, {2})).mentions("needs 2 entries, found 0"));
    auto scalar = tensor_of(1, {});
    scalar.add_float_data(1.0f);
    scalar.add_float_data(2.0f);
    CHECK(refused(scalar).code == "E3004");
    CHECK(refused(tensor_of(1, {-1})).mentions("negative dimension"));
    CHECK(refused(tensor_of(1, {1 << 30, 1 << 30, 1 << 30})).code == "E3004");
    CHECK(refused(tensor_of(11, {std::int64_t{1} << 61})).code == "E3004");
    CHECK(refused(tensor_of(1, {std::int64_t{1} << 40})).code == "E3004");  // and nothing is allocated
    CHECK(refused(tensor_of(0, {2})).mentions("data type 0"));
    CHECK(refused(tensor_of(999, {2})).mentions("data type 999"));
    CHECK(refused(tensor_of(-5, {2})).code == "E3004");
    auto two = tensor_of(1, {1});
    two.add_float_data(1.0f);
    two.add_int32_data(1);
    CHECK(refused(two).mentions("more than one field"));
    auto text = tensor_of(8, {1});
    text.set_raw_data("abc");
    CHECK(refused(text).mentions("strings in raw_data"));
    auto segment = tensor_of(1, {1});
    segment.mutable_segment()->set_begin(0);
    segment.add_float_data(1.0f);
    CHECK(refused(segment).mentions("segment"));
    auto wrong_field = tensor_of(1, {1});
    wrong_field.add_int64_data(1);
    CHECK(refused(wrong_field).code == "E3004");
}

TEST_CASE("a faulty initializer is named with its model") {
    auto model = small_model();
    model.mutable_graph()->mutable_initializer(0)->set_raw_data("abc");
    const Refused refused = refusal_of([&] { load_proto(model); });
    CHECK(refused.code == "E3004");
    CHECK(refused.mentions("'w'"));
}
