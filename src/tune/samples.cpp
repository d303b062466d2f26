#include "tune/samples.h"

#include <vector>

#include "support/error.h"

namespace mcompress {
namespace {

class Chosen final : public Dataset {
public:
    Chosen(std::shared_ptr<const Dataset> data, std::vector<std::size_t> indices) : data_(std::move(data)), indices_(std::move(indices)) {}
    std::size_t size() const override { return indices_.size(); }
    Sample sample(std::size_t index) const override { return data_->sample(indices_.at(index)); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(indices_.at(index)); }

private:
    std::shared_ptr<const Dataset> data_;
    std::vector<std::size_t> indices_;
};

}  // namespace

bool is_held_out(std::size_t index, std::size_t count) {
    constexpr std::size_t kPeriod = 5, kPhase = 2;
    return count < kPeriod ? index + 1 == count : index % kPeriod == kPhase;
}

SampleSplit split_samples(const std::shared_ptr<const Dataset>& data) {
    const std::size_t count = data->size();
    if (count == 0) throw Error(codes::kDataEmpty, "there is no sample to calibrate on", "give at least one, better a hundred");
    if (count == 1) return {data, data};
    std::vector<std::size_t> fit, held_out;
    for (std::size_t at = 0; at < count; ++at) (is_held_out(at, count) ? held_out : fit).push_back(at);
    return {std::make_shared<Chosen>(data, std::move(fit)), std::make_shared<Chosen>(data, std::move(held_out))};
}

}  // namespace mcompress
