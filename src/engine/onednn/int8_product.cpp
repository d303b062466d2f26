#include "engine/onednn/int8_product.h"

#include <algorithm>
#include <memory>

#include "engine/onednn/int8_kernels.h"
#include "engine/onednn/on_threads.h"

namespace mcompress::onednn {

namespace {

constexpr std::int64_t kGatheredElements = 24 * 1024;  // 16-bit numbers of gathered rows: half of a usual second-level cache's share

constexpr std::int64_t kBandElements = 64 * 1024;  // widened lines at a time

CodeType code_type(DType dtype) { return dtype == DType::UInt8 ? CodeType::U8 : dtype == DType::Int8 ? CodeType::S8 : CodeType::F32; }

std::int64_t bytes_of(DType dtype) { return dtype == DType::Float32 ? 4 : 1; }

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

BlockOutput describe_output(const Requantization& requantization) {
    BlockOutput output{};
    output.slope = requantization.slope;
    output.lowest = requantization.range.min;
    output.highest = requantization.range.max;
    output.zero_point = requantization.zero_point;
    output.type = code_type(requantization.dtype);
    return output;
}

}  // namespace

const char* integer_kernel_name() { return int8_kernels().name; }

PackedConvolution::PackedConvolution(IntegerConvolution convolution, const std::vector<std::int16_t>& weights)
    : convolution_(std::move(convolution)) {
    const IntegerConvolution& c = convolution_;
    const std::int64_t points = c.kernel_height * c.kernel_width;
    line_elements_ = ((c.out_width - 1) * c.stride_x + (c.kernel_width - 1) * c.dilation_x + 1) * c.channels;
    inner_ = c.channels / c.groups * points;
    if (c.is_depthwise()) path_ = Path::Depthwise;
    else if (points > 1 && c.groups == 1 && c.dilation_x == 1 && c.out_width >= 4) path_ = Path::Band;
    if (path_ == Path::Band) segments_ = c.kernel_height;
    segment_ = (inner_ / segments_ + 1) / 2 * 2;
    if (path_ == Path::Depthwise) pack_depthwise(weights);
    else pack_general(weights);
}

void PackedConvolution::pack_general(const std::vector<std::int16_t>& weights) {
    const IntegerConvolution& c = convolution_;
    const std::int64_t channels = c.channels / c.groups, outputs = c.out_channels / c.groups, points = c.kernel_height * c.kernel_width;
    const std::int64_t window = segments_ * segment_, whole_segment = inner_ / segments_;
    blocks_ = ceil_divide(outputs, kBlock);
    weights_.assign(static_cast<std::size_t>(c.groups * blocks_ * window * kBlock), 0);
    bias_.assign(static_cast<std::size_t>(c.groups * blocks_ * kBlock), 0);
    scales_.assign(bias_.size(), 0.0F);
    for (std::int64_t group = 0; group < c.groups; ++group)
        for (std::int64_t output = 0; output < outputs; ++output) {
            const std::int64_t from = group * outputs + output, block = group * blocks_ + output / kBlock, column = output % kBlock;
            bias_[static_cast<std::size_t>(block * kBlock + column)] = c.bias.empty() ? 0 : c.bias[static_cast<std::size_t>(from)];
            scales_[static_cast<std::size_t>(block * kBlock + column)] = c.requantization.scales[static_cast<std::size_t>(from)];
            for (std::int64_t point = 0; point < points; ++point)
                for (std::int64_t channel = 0; channel < channels; ++channel) {
                    const std::int64_t element = point * channels + channel;
                    const std::int64_t k = element / whole_segment * segment_ + element % whole_segment;
                    weights_[static_cast<std::size_t>(block * window * kBlock + k / 2 * kBlock * 2 + column * 2 + k % 2)] =
                        weights[static_cast<std::size_t>((from * channels + channel) * points + point)];
                }
        }
}

void PackedConvolution::pack_depthwise(const std::vector<std::int16_t>& weights) {
    const IntegerConvolution& c = convolution_;
    blocks_ = ceil_divide(c.channels, kBlock);
    for (std::int64_t ky = 0; ky < c.kernel_height; ++ky)
        for (std::int64_t kx = 0; kx < c.kernel_width; ++kx)
            offsets_.push_back(ky * c.dilation_y * line_elements_ + kx * c.dilation_x * c.channels);
    offsets_.resize(static_cast<std::size_t>(segment_), 0);  // an odd window gets a tap of weight 0
    weights_.assign(static_cast<std::size_t>(blocks_ * segment_ * kBlock), 0);
    bias_.assign(static_cast<std::size_t>(blocks_ * kBlock), 0);
    scales_.assign(bias_.size(), 0.0F);
    // The last block ends with the last channel, so that whole blocks can be read and written: it overlaps the one before.
    for (std::int64_t block = 0; block < blocks_; ++block) {
        const std::int64_t first = std::max<std::int64_t>(0, std::min(block * kBlock, c.channels - kBlock));
        for (std::int64_t column = 0; column < std::min(kBlock, c.channels); ++column) {
            const auto channel = static_cast<std::size_t>(first + column), place = static_cast<std::size_t>(block * kBlock + column);
            bias_[place] = c.bias.empty() ? 0 : c.bias[channel];
            scales_[place] = c.requantization.scales[channel];
            for (std::int64_t tap = 0; tap < inner_; ++tap)
                weights_[static_cast<std::size_t>(block * segment_ * kBlock + (tap / 2 * kBlock + column) * 2 + tap % 2)] =
                    weights[channel * static_cast<std::size_t>(inner_) + static_cast<std::size_t>(tap)];
        }
    }
}

void PackedConvolution::gather_rows(const std::byte* source, std::int64_t group, std::int64_t first, std::int64_t count,
                                    std::int16_t* rows) const {
    const IntegerConvolution& c = convolution_;
    const Int8Kernels& kernels = int8_kernels();
    const CodeType type = code_type(c.source);
    const std::int64_t channels = c.channels / c.groups;
    const bool whole_points = c.groups == 1 && c.dilation_x == 1;  // the taps of a line lie one after the other
    for (std::int64_t at = 0; at < count; ++at) {
        const std::int64_t row = first + at, x = row % c.out_width, y = row / c.out_width % c.out_height,
                           n = row / c.out_width / c.out_height;
        std::int16_t* to = rows + at * segment_;
        if (inner_ != segment_) to[inner_] = 0;
        const std::int64_t left = x * c.stride_x - c.pad_left;
        for (std::int64_t ky = 0; ky < c.kernel_height; ++ky) {
            const std::int64_t line = y * c.stride_y - c.pad_top + ky * c.dilation_y;
            const std::int64_t line_elements = c.kernel_width * channels;
            if (line < 0 || line >= c.height) {
                std::fill(to, to + line_elements, std::int16_t{0});
                to += line_elements;
                continue;
            }
            const std::byte* from = source + ((n * c.height + line) * c.width) * c.channels + group * channels;
            if (whole_points && left >= 0 && left + c.kernel_width <= c.width) {
                kernels.widen(from + left * c.channels, line_elements, c.source_zero_point, type, to);
                to += line_elements;
                continue;
            }
            for (std::int64_t kx = 0; kx < c.kernel_width; ++kx, to += channels) {
                const std::int64_t column = left + kx * c.dilation_x;
                if (column < 0 || column >= c.width) std::fill(to, to + channels, std::int16_t{0});
                else kernels.widen(from + column * c.channels, channels, c.source_zero_point, type, to);
            }
        }
    }
}

void PackedConvolution::run_part(const std::byte* source, std::byte* destination, std::int64_t group, const Part& part) const {
    const IntegerConvolution& c = convolution_;
    const Int8Kernels& kernels = int8_kernels();
    const std::int64_t outputs = c.out_channels / c.groups, element = bytes_of(c.requantization.dtype);
    const std::int64_t tile = std::clamp(kGatheredElements / segment_ / kTileRows, std::int64_t{1}, std::int64_t{8}) * kTileRows;
    const auto rows = std::make_unique_for_overwrite<std::int16_t[]>(static_cast<std::size_t>(tile * segment_ + kBlock));
    BlockOutput output = describe_output(c.requantization);
    output.row_elements = c.out_channels;
    for (std::int64_t first = part.first_row; first < part.last_row; first += tile) {
        const std::int64_t count = std::min(tile, part.last_row - first);
        gather_rows(source, group, first, count, rows.get());
        const std::int64_t steps = ceil_divide(count, kTileRows);
        for (std::int64_t block = part.first_block; block < part.last_block; ++block) {
            const std::int64_t packed = group * blocks_ + block;
            output.bias = bias_.data() + packed * kBlock;
            output.scales = scales_.data() + packed * kBlock;
            output.columns = std::min(kBlock, outputs - block * kBlock);
            for (std::int64_t step = 0; step < steps; ++step) {
                const std::int64_t begin = count * step / steps, end = count * (step + 1) / steps;  // as even as possible
                output.destination = destination + ((first + begin) * c.out_channels + group * outputs + block * kBlock) * element;
                const TileInput input{
                    rows.get() + begin * segment_, segment_, 1, 0, segment_ / 2, weights_.data() + packed * segment_ * kBlock};
                kernels.tile(end - begin, input, output);
            }
        }
    }
}

void PackedConvolution::widen_lines(const std::byte* source, std::int64_t batch_entry, std::int64_t first, std::int64_t count,
                                    std::int16_t* lines) const {
    const IntegerConvolution& c = convolution_;
    const Int8Kernels& kernels = int8_kernels();
    const std::int64_t width = line_elements_ / c.channels, left = std::min(c.pad_left, width);
    const std::int64_t inside = std::clamp<std::int64_t>(width - left, 0, c.width);
    for (std::int64_t line = first; line < first + count; ++line, lines += line_elements_) {
        if (line < 0 || line >= c.height) {
            std::fill(lines, lines + line_elements_, std::int16_t{0});
            continue;
        }
        std::fill(lines, lines + left * c.channels, std::int16_t{0});
        kernels.widen(source + (batch_entry * c.height + line) * c.width * c.channels, inside * c.channels, c.source_zero_point,
                      code_type(c.source), lines + left * c.channels);
        std::fill(lines + (left + inside) * c.channels, lines + line_elements_, std::int16_t{0});
    }
}

void PackedConvolution::run_band_line(const std::int16_t* lines, std::byte* destination) const {
    const IntegerConvolution& c = convolution_;
    const Int8Kernels& kernels = int8_kernels();
    const std::int64_t element = bytes_of(c.requantization.dtype), steps = ceil_divide(c.out_width, kTileRows);
    BlockOutput output = describe_output(c.requantization);
    output.row_elements = c.out_channels;
    for (std::int64_t block = 0; block < blocks_; ++block) {
        output.bias = bias_.data() + block * kBlock;
        output.scales = scales_.data() + block * kBlock;
        output.columns = std::min(kBlock, c.out_channels - block * kBlock);
        for (std::int64_t step = 0; step < steps; ++step) {
            const std::int64_t begin = c.out_width * step / steps, end = c.out_width * (step + 1) / steps;
            output.destination = destination + (begin * c.out_channels + block * kBlock) * element;
            const TileInput input{lines + begin * c.stride_x * c.channels,
                                  c.stride_x * c.channels,
                                  segments_,
                                  c.dilation_y * line_elements_,
                                  segment_ / 2,
                                  weights_.data() + block * segments_ * segment_ * kBlock};
            kernels.tile(end - begin, input, output);
        }
    }
}

void PackedConvolution::run_depthwise_line(const std::int16_t* lines, std::byte* destination) const {
    const IntegerConvolution& c = convolution_;
    const Int8Kernels& kernels = int8_kernels();
    BlockOutput output = describe_output(c.requantization);
    output.row_elements = c.channels;
    output.columns = std::min(kBlock, c.channels);
    for (std::int64_t block = 0; block < blocks_; ++block) {
        const std::int64_t first = std::max<std::int64_t>(0, std::min(block * kBlock, c.channels - kBlock));
        output.bias = bias_.data() + block * kBlock;
        output.scales = scales_.data() + block * kBlock;
        output.destination = destination + first * bytes_of(c.requantization.dtype);
        kernels.depthwise({lines + first, offsets_.data(), segment_ / 2, c.stride_x * c.channels, c.out_width,
                           weights_.data() + block * segment_ * kBlock},
                          output);
    }
}

void PackedConvolution::run_lines(const std::byte* source, std::byte* destination, std::int64_t first_line, std::int64_t last_line) const {
    const IntegerConvolution& c = convolution_;
    const std::int64_t reach = (c.kernel_height - 1) * c.dilation_y + 1;
    const std::int64_t band = std::max<std::int64_t>(1, (kBandElements / line_elements_ - reach) / c.stride_y + 1);
    const std::int64_t most_lines = (std::min(band, std::max<std::int64_t>(1, last_line - first_line)) - 1) * c.stride_y + reach;
    const auto lines = std::make_unique_for_overwrite<std::int16_t[]>(static_cast<std::size_t>(most_lines * line_elements_ + 2 * kBlock));
    std::fill(lines.get() + most_lines * line_elements_, lines.get() + most_lines * line_elements_ + 2 * kBlock, std::int16_t{0});
    const std::int64_t out_line = c.out_width * c.out_channels * bytes_of(c.requantization.dtype);
    for (std::int64_t line = first_line; line < last_line;) {
        const std::int64_t n = line / c.out_height, y = line % c.out_height;
        const std::int64_t count = std::min({band, last_line - line, c.out_height - y});
        widen_lines(source, n, y * c.stride_y - c.pad_top, (count - 1) * c.stride_y + reach, lines.get());
        for (std::int64_t at = 0; at < count; ++at) {
            const std::int16_t* window = lines.get() + at * c.stride_y * line_elements_;
            std::byte* to = destination + (line + at) * out_line;
            if (path_ == Path::Depthwise) run_depthwise_line(window, to);
            else run_band_line(window, to);
        }
        line += count;
    }
}

void PackedConvolution::run(const std::byte* source, std::byte* destination, int threads) const {
    const IntegerConvolution& c = convolution_;
    if (path_ != Path::Gather) {
        const std::int64_t lines = c.batch * c.out_height;
        return on_threads(threads,
                          [&](int worker) { run_lines(source, destination, lines * worker / threads, lines * (worker + 1) / threads); });
    }
    const std::int64_t points = c.points();
    on_threads(threads, [&](int worker) {
        for (std::int64_t group = 0; group < c.groups; ++group) {
            Part part{points * worker / threads, points * (worker + 1) / threads, 0, blocks_};
            if (points < 2 * kTileRows * threads) part = {0, points, blocks_ * worker / threads, blocks_ * (worker + 1) / threads};
            run_part(source, destination, group, part);
        }
    });
}

}  // namespace mcompress::onednn
