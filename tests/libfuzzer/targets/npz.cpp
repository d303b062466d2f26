// NumPy's .npz: arrays, or an Error; what was read is written as the same arrays.
#include <algorithm>
#include <array>
#include <cstring>

#include "data/npz_file.h"
#include "fixtures/random_tensors.h"
#include "libfuzzer/targets/targets.h"

namespace mcompress::fuzzing {

namespace {

constexpr std::uint64_t kLimit = std::uint64_t{8} << 20;  // a deflated megabyte is a kilobyte

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> rows{};
        for (std::uint32_t at = 0; at < 256; ++at) {
            std::uint32_t value = at;
            for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320U ^ value >> 1 : value >> 1;
            rows[at] = value;
        }
        return rows;
    }();
    std::uint32_t sum = 0xFFFFFFFFU;
    for (std::size_t at = 0; at < size; ++at) sum = table[(sum ^ data[at]) & 0xFF] ^ sum >> 8;
    return ~sum;
}

std::uint32_t word(const std::uint8_t* at, int bytes) {
    std::uint32_t value = 0;
    for (int byte = bytes; byte-- > 0;) value = value << 8 | at[byte];
    return value;
}

void put_word(std::uint8_t* at, std::uint32_t value) {
    for (int byte = 0; byte < 4; ++byte) at[byte] = static_cast<std::uint8_t>(value >> 8 * byte);
}

/// Makes the checksums of stored entries right again, in their own header and in the directory: without it nothing behind them is reached.
void repair_checksums(std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kLocal = 30, kDirectory = 46;
    for (std::size_t at = 0; at + kLocal <= size; ++at) {
        if (std::memcmp(data + at, "PK\x03\x04", 4) != 0 || word(data + at + 8, 2) != 0) continue;
        const std::size_t begin = at + kLocal + word(data + at + 26, 2) + word(data + at + 28, 2);
        const std::size_t length = word(data + at + 18, 4);
        if (begin > size || length > size - begin) continue;
        const std::uint32_t sum = crc32(data + begin, length);
        put_word(data + at + 14, sum);
        for (std::size_t row = 0; row + kDirectory <= size; ++row)
            if (std::memcmp(data + row, "PK\x01\x02", 4) == 0 && word(data + row + 42, 4) == at) put_word(data + row + 16, sum);
    }
}

void try_npz(std::span<const std::byte> input) {
    NpzArrays arrays;
    if (!is_accepted([&] { arrays = parse_npz(input, "the input", kLimit); })) return;
    std::uint64_t bytes = 0;
    for (const auto& [name, tensor] : arrays) {
        require(!name.empty() && name.front() != '/' && name.find("../") != 0, "an array has an unsafe name");
        bytes += tensor.byte_size();
    }
    require(bytes <= kLimit, "more was unpacked than allowed");
    if (arrays.empty()) return;
    std::string again;
    if (!is_accepted([&] { again = npz_bytes(arrays, "the copy"); })) return;  // names and types that can only be read
    must("arrays that were written", [&] {
        const auto copies = parse_npz(std::as_bytes(std::span(again)), "the copy", kLimit * 2);
        require(copies.size() == arrays.size(), "the number of arrays changes by being written and read");
        for (std::size_t at = 0; at < arrays.size(); ++at)
            require(copies[at].first == arrays[at].first && copies[at].second.equals(arrays[at].second),
                    "array '" + arrays[at].first + "' changes by being written and read");
        return 0;
    });
}

std::size_t mutate_npz(const Mutation& mutation) {
    testing::Random random(mutation.seed);
    const std::size_t size = mutation.bytes(mutation.data, mutation.size, mutation.most);
    if (!random.chance(20)) repair_checksums(mutation.data, size);
    return size;
}

}  // namespace

const Target npz_target{"npz", try_npz, mutate_npz};

}  // namespace mcompress::fuzzing
