#include "data/npy_file.h"

#include <cstring>
#include <random>

#include "catch.h"
#include "data/temporary_folder.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

std::string npy(std::string_view dict, std::string_view data, char version = 1) {
    std::string file("\x93NUMPY", 6);
    file += version;
    file += '\0';
    const std::size_t size = dict.size();
    file += static_cast<char>(size & 0xFF);
    file += static_cast<char>(size >> 8);
    if (version > 1) file += std::string(2, '\0');
    return file + std::string(dict) + std::string(data);
}

template <typename T> std::string raw(std::initializer_list<T> values) {
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

Tensor parse(const std::string& file) {
    auto owner = std::make_shared<std::string>(file);
    return parse_npy(owner, std::as_bytes(std::span(*owner)), "x.npy");
}

std::string refusal(const std::string& file) {
    try {
        parse(file);
    } catch (const Error& error) {
        CHECK(std::string(error.code().id) == codes::kDataInvalid.id);
        return error.message();
    }
    return "";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every header version is read, in any spelling Python allows") {
    const std::string data = raw<float>({1, 2, 3, 4, 5, 6});
    for (const char version : {'\1', '\2', '\3'}) {
        const Tensor tensor = parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, version));
        CHECK(tensor.equals(Tensor::from_values<float>({2, 3}, {1, 2, 3, 4, 5, 6})));
    }
    CHECK(parse(npy("{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}\n", data)).shape() == Shape{2, 3});
    CHECK(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6L,), }   \n", data)).shape() == Shape{6});
    CHECK(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", raw<float>({7}))).equals(Tensor::scalar(7.0f)));
    CHECK(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", "")).shape() == Shape{0, 3});
}

TEST_CASE("column-major and big-endian arrays are converted") {
    CHECK(parse(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", raw<std::int16_t>({1, 4, 2, 5, 3, 6})))
              .equals(Tensor::from_values<std::int16_t>({2, 3}, {1, 2, 3, 4, 5, 6})));
    CHECK(parse(npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }", std::string("\0\0\0\1\0\0\1\0", 8)))
              .equals(Tensor::from_values<std::int32_t>({2}, {1, 256})));
    CHECK(parse(npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2), }", std::string("\0\1\0\3\0\2\0\4", 8)))
              .equals(Tensor::from_values<std::uint16_t>({2, 2}, {1, 2, 3, 4})));
    // Beside an extent of 0 the others may have a product, but no strides that no number holds.
    CHECK(parse(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (3330, 8222, 4, 2, 3, 0), }", "")).element_count() == 0);
    CHECK_THROWS_AS(parse(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (3330, 82222224022222223, 4, 2, 3, 0), }", "")), Error);
    std::string column_major;  // [2,3,4] counted 0…23 in row-major order
    for (int c = 0; c < 4; ++c)
        for (int b = 0; b < 3; ++b)
            for (int a = 0; a < 2; ++a) column_major += static_cast<char>(a * 12 + b * 4 + c);
    const Tensor tensor = parse(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", column_major));
    for (int at = 0; at < 24; ++at) CHECK(tensor.data<std::uint8_t>()[at] == at);
}

TEST_CASE("every numeric element type is read") {
    struct Row {
        const char* descr;
        DType dtype;
    };
    for (const Row& row : {Row{"<f2", DType::Float16}, Row{"<f4", DType::Float32}, Row{"<f8", DType::Float64}, Row{"|i1", DType::Int8},
                           Row{"<i2", DType::Int16}, Row{"<i4", DType::Int32}, Row{"<i8", DType::Int64}, Row{"|u1", DType::UInt8},
                           Row{"<u2", DType::UInt16}, Row{"<u4", DType::UInt32}, Row{"<u8", DType::UInt64}, Row{"|b1", DType::Bool},
                           Row{"<c8", DType::Complex64}, Row{"<c16", DType::Complex128}}) {
        const std::string dict = std::string("{'descr': '") + row.descr + "', 'fortran_order': False, 'shape': (1,), }";
        const Tensor tensor = parse(npy(dict, std::string(static_cast<std::size_t>(dtype_bits(row.dtype)) / 8, '\1')));
        CHECK(tensor.dtype() == row.dtype);
    }
}

TEST_CASE("what is not an array of numbers is refused with a reason") {
    const std::string data = raw<float>({1, 2, 3, 4, 5, 6});
    CHECK(contains(refusal(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "pickle")), "Python objects"));
    CHECK(contains(refusal(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", data)), "records"));
    CHECK(contains(refusal(npy("{'descr': '<U5', 'fortran_order': False, 'shape': (1,), }", data)), "<U5"));
    CHECK(contains(refusal(npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }", data)), "<M8[s]"));
    CHECK(contains(refusal(npy("{'descr': '', 'fortran_order': False, 'shape': (1,), }", data)), "dtype"));
    CHECK(contains(refusal("not an array"), "magic"));
}

TEST_CASE("headers that lie or break off are refused") {
    const std::string data = raw<float>({1, 2, 3, 4, 5, 6});
    const std::string good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data);
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", data)), "32 bytes, but holds 24"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", data)), "16 bytes, but holds 24"));
    CHECK(
        contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data)), "impossible shape"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", data)), "not a number"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, }", data)), "incomplete"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data)), "twice"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 3), }", data)), "True or False"));
    CHECK(contains(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", data, '\4')), "version 4"));
    for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(refusal(good.substr(0, size)).empty());
    CHECK(refusal(good).empty());
}

TEST_CASE("damaged headers never crash the reader", "[fuzz]") {
    const std::string good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", raw<float>({1, 2, 3, 4, 5, 6}));
    std::mt19937 random(1);
    for (int round = 0; round < 200000; ++round) {
        std::string bad = good;
        for (int change = 0; change < 1 + static_cast<int>(random() % 3); ++change)
            bad[random() % bad.size()] = static_cast<char>(random());
        try {
            parse(bad);
        } catch (const Error& error) {
            REQUIRE(error.kind() == ErrorKind::Data);
        }
    }
}

TEST_CASE("what is written is read back, and starts at a multiple of 64 bytes") {
    const TemporaryFolder folder;
    for (const Tensor& tensor : {Tensor::from_values<float>({2, 3}, {1, 2, 3, 4, 5, 6}), Tensor::scalar<std::int64_t>(-1),
                                 Tensor::from_values<bool>({3}, {true, false, true}), Tensor(DType::UInt8, Shape{0, 5}),
                                 Tensor::from_values<Float16>({1}, {to_float16(0.5f)}), Tensor(DType::Float64, Shape{1, 1, 1, 1, 1, 1})}) {
        write_npy(folder / "x.npy", tensor);
        const std::string file = read_file(folder / "x.npy");
        CHECK(parse_npy_header(std::as_bytes(std::span(file)), "x").data_offset % 64 == 0);
        CHECK(read_npy(folder / "x.npy").equals(tensor));
    }
    CHECK(read_file(folder / "x.npy").substr(10, 60) == "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, ");
    CHECK_THROWS_AS(npy_header(DType::String, Shape{1}), Error);
    CHECK_THROWS_AS(npy_header(DType::Int4, Shape{1}), Error);
}

TEST_CASE("an aligned row-major array stays in its file") {
    const TemporaryFolder folder;
    write_npy(folder / "x.npy", Tensor::from_values<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
    CHECK(read_npy(folder / "x.npy").is_view());
}
