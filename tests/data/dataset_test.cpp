#include "data/open_dataset.h"

#include "catch.h"
#include "data/labels.h"
#include "data/npy_file.h"
#include "data/subset.h"
#include "data/temporary_folder.h"
#include "support/error.h"

using namespace mcompress;

namespace {

template <typename Body> std::string code_of(Body&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code().id;
    }
    return "";
}

Tensor counted(std::int64_t samples) {
    Tensor tensor(DType::Float32, Shape{samples, 2});
    for (std::int64_t at = 0; at < samples * 2; ++at) tensor.mutable_data<float>()[at] = static_cast<float>(at);
    return tensor;
}

std::unique_ptr<Dataset> counted_data(std::int64_t samples) {
    return make_array_dataset({{"x", "x.npy", counted(samples)}}, SampleAxis::Leading);
}

float first_value(const Dataset& data, std::size_t index) { return data.sample(index).front().second.data<float>()[0]; }

/// A reader that takes the file's first byte as the value and the rest as the name.
Tensor read_fake_tensor(const std::filesystem::path& path, std::string* name) {
    const std::string text = read_file(path);
    *name = text.substr(1);
    return Tensor::scalar(static_cast<float>(text[0] - '0'));
}

}  // namespace

TEST_CASE("the leading axis of an array counts samples") {
    const TemporaryFolder folder;
    write_npy(folder / "x.npy", counted(3));
    const auto data = open_dataset((folder / "x.npy").string(), {});
    REQUIRE(data->size() == 3);
    CHECK(data->sample_name(2) == "x.npy[2]");
    const Sample sample = data->sample(1);
    REQUIRE(sample.size() == 1);
    CHECK(sample[0].first.empty());
    CHECK(sample[0].second.equals(Tensor::from_values<float>({1, 2}, {2, 3})));
    CHECK(open_dataset((folder / "x.npy").string(), {.axis = SampleAxis::None})->sample(0)[0].second.equals(counted(3)));
}

TEST_CASE("a sample outlives its dataset") {
    Sample sample;
    {
        const auto data = counted_data(4);
        sample = data->sample(3);
    }
    CHECK(sample[0].second.data<float>()[1] == 7.0f);
}

TEST_CASE("the keys of an archive name the inputs") {
    const TemporaryFolder folder;
    write_npz(folder / "x.npz", {{"a", counted(2)}, {"b", Tensor::from_values<std::int64_t>({2}, {5, 6})}});
    const auto data = open_dataset((folder / "x.npz").string(), {});
    const Sample sample = data->sample(1);
    REQUIRE(sample.size() == 2);
    CHECK(sample[0].first == "a");
    CHECK(sample[1].first == "b");
    CHECK(sample[1].second.equals(Tensor::from_values<std::int64_t>({1}, {6})));
    CHECK(data->sample_name(1) == "x.npz:a[1]");
}

TEST_CASE("a list gives one file for each input") {
    const TemporaryFolder folder;
    write_npy(folder / "x.npy", counted(2));
    write_npy(folder / "y.npy", counted(2));
    const std::string x = (folder / "x.npy").string();
    const std::string y = (folder / "y.npy").string();
    const auto data = open_dataset("left=" + x + ",right=" + y, {});
    CHECK(data->sample(0)[0].first == "left");
    CHECK(data->sample(0)[1].first == "right");
    CHECK(open_dataset(x + "," + y, {})->sample(0).size() == 2);
    CHECK(code_of([&] { open_dataset("left=" + x + ",left=" + y, {}); }) == codes::kDataMismatch.id);
    CHECK(code_of([&] { open_dataset("left=nowhere.npy", {}); }) == codes::kFileMissing.id);
    CHECK(code_of([&] { open_dataset("left=x.txt", {}); }) == codes::kDataInvalid.id);
}

TEST_CASE("arrays that are no samples are refused") {
    CHECK(code_of([] {
              make_array_dataset({{"a", "a", counted(2)}, {"b", "b", counted(3)}}, SampleAxis::Leading);
          }) == codes::kDataMismatch.id);
    CHECK(code_of([] { make_array_dataset({{"a", "a", Tensor::scalar(1.0f)}}, SampleAxis::Leading); }) == codes::kDataInvalid.id);
    CHECK(code_of([] {
              make_array_dataset({{"a", "a", Tensor(DType::Float32, Shape{0, 3})}}, SampleAxis::Leading);
          }) == codes::kDataEmpty.id);
    CHECK(code_of([] { make_array_dataset({}, SampleAxis::Leading); }) == codes::kDataEmpty.id);
}

TEST_CASE("folders of tensors are samples in the order of their numbers") {
    const TemporaryFolder folder;
    for (const char* path : {"test_data_set_10", "test_data_set_2", "test_data_set_0"}) {
        folder.write(std::string(path) + "/input_0.pb", std::string(1, path[14]) + "x");
        folder.write(std::string(path) + "/input_10.pb", "9last");
        folder.write(std::string(path) + "/input_2.pb", "8second");
        folder.write(std::string(path) + "/output_0.pb", "7out");
    }
    folder.write("model.onnx", "");
    const DataOptions options{.read_tensor = read_fake_tensor};
    const auto data = open_dataset(folder.path().string(), options);
    REQUIRE(data->size() == 3);
    CHECK(data->sample_name(0) == "test_data_set_0");
    CHECK(data->sample_name(1) == "test_data_set_2");
    CHECK(data->sample_name(2) == "test_data_set_10");
    const Sample sample = data->sample(1);
    REQUIRE(sample.size() == 3);
    CHECK(sample[0].first == "x");
    CHECK(sample[0].second.data<float>()[0] == 2.0f);
    CHECK(sample[1].first == "second");
    CHECK(sample[2].first == "last");
    CHECK(open_dataset((folder / "test_data_set_2").string(), options)->size() == 1);
    CHECK(code_of([&] { open_dataset(folder.path().string(), {}); }) == codes::kDataInvalid.id);
}

TEST_CASE("what cannot be a dataset is refused") {
    const TemporaryFolder folder;
    CHECK(code_of([&] { open_dataset(folder.path().string(), {}); }) == codes::kDataEmpty.id);
    CHECK(code_of([&] { open_dataset((folder / "missing").string(), {}); }) == codes::kFileMissing.id);
    CHECK(code_of([&] { open_dataset(folder.write("x.csv", "1,2").string(), {}); }) == codes::kDataInvalid.id);
    folder.write("below/picture.PNG", "");
    CHECK(code_of([&] { open_dataset(folder.path().string(), {}); }) == codes::kDataEmpty.id);
    CHECK(code_of([&] { open_dataset((folder / "below").string(), {}); }) == codes::kUsage.id);
}

TEST_CASE("the first samples and the shards of a dataset") {
    CHECK(take(counted_data(5), 3)->size() == 3);
    CHECK(take(counted_data(5), 9)->size() == 5);
    const std::shared_ptr<const Dataset> data = counted_data(7);
    std::vector<float> seen;
    for (std::size_t index = 0; index < 3; ++index) {
        const auto part = shard(data, index, 3);
        for (std::size_t at = 0; at < part->size(); ++at) seen.push_back(first_value(*part, at));
        CHECK(part->sample_name(0) == data->sample_name(index));
    }
    CHECK(seen == std::vector<float>{0, 6, 12, 2, 8, 4, 10});
    CHECK(code_of([&] { shard(data, 3, 3); }) == codes::kUsage.id);
    CHECK(code_of([&] { shard(data, 8, 9); }) == codes::kDataEmpty.id);
}

TEST_CASE("batches put consecutive samples together") {
    const auto data = batches(counted_data(5), 2);
    REQUIRE(data->size() == 2);
    CHECK(data->sample(1)[0].second.equals(Tensor::from_values<float>({2, 2}, {4, 5, 6, 7})));
    CHECK(data->sample(1)[0].first == "x");
    CHECK(code_of([] { batches(counted_data(3), 4); }) == codes::kDataEmpty.id);
}

TEST_CASE("labels by file name") {
    const TemporaryFolder folder;
    folder.write("pictures/b c.png", "");
    folder.write("pictures/a.jpg", "");
    const auto data = make_image_dataset(folder / "pictures", {});
    CHECK(load_labels(folder.write("l.txt", "# classes\nb c.png 7\r\n\nother/a.jpg,3\nunused.png 1"), *data) ==
          std::vector<std::int64_t>{3, 7});
    CHECK(code_of([&] { load_labels(folder.write("l.txt", "a.jpg 3\n"), *data); }) == codes::kLabelsMismatch.id);
    CHECK(code_of([&] { load_labels(folder.write("l.txt", "a.jpg 3\na.jpg 4\nb c.png 1\n"), *data); }) == codes::kLabelsMismatch.id);
    CHECK(code_of([&] { load_labels(folder.write("l.txt", "a.jpg x\n"), *data); }) == codes::kDataInvalid.id);
    CHECK(code_of([&] { load_labels(folder.write("l.txt", "a.jpg\n"), *data); }) == codes::kDataInvalid.id);
    CHECK(code_of([&] { load_labels(folder / "none.txt", *data); }) == codes::kFileMissing.id);
}

TEST_CASE("labels as an array") {
    const TemporaryFolder folder;
    const auto data = counted_data(3);
    write_npy(folder / "l.npy", Tensor::from_values<std::uint8_t>({3}, {2, 0, 9}));
    CHECK(load_labels(folder / "l.npy", *data) == std::vector<std::int64_t>{2, 0, 9});
    CHECK(code_of([&] { load_labels(folder / "l.npy", *counted_data(4)); }) == codes::kLabelsMismatch.id);
    write_npy(folder / "f.npy", Tensor::from_values<float>({3}, {2, 0, 9}));
    CHECK(code_of([&] { load_labels(folder / "f.npy", *data); }) == codes::kDataInvalid.id);
}
