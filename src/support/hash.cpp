#include "support/hash.h"

#include <xxhash.h>

#include <new>

#include "support/format.h"

namespace mcompress {

struct Hasher::State {
    XXH3_state_t* handle = XXH3_createState();
    State() {
        if (!handle) throw std::bad_alloc();
        XXH3_128bits_reset(handle);
    }
    ~State() { XXH3_freeState(handle); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;

void Hasher::add_bytes(const void* data, std::size_t size) {
    if (size > 0) XXH3_128bits_update(state_->handle, data, size);
}

void Hasher::add_string(std::string_view text) {
    add_integer(static_cast<std::int64_t>(text.size()));
    add_bytes(text.data(), text.size());
}

void Hasher::add_integer(std::int64_t value) { add_bytes(&value, sizeof value); }

std::string Hasher::hex_digest() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_->handle);
    return format("{:016x}{:016x}", digest.high64, digest.low64);
}

}  // namespace mcompress
