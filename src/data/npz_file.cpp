#include "data/npz_file.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "data/npy_file.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr int kCutOffZip = 35;                         // ZIP_ER_TRUNCATED_ZIP, which earlier libzip calls no archive
constexpr std::uint16_t kFirstDosDate = (1 << 5) | 1;  // 1980-01-01: no clock goes into a result

struct DiscardArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
    void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
struct FreeSource {
    void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
using OpenEntry = std::unique_ptr<zip_file_t, CloseEntry>;
using Source = std::unique_ptr<zip_source_t, FreeSource>;

[[noreturn]] void fail_npz(std::string_view what, std::string_view problem) {
    throw Error(codes::kDataInvalid, format("{} {}", what, problem), "save it again with numpy.savez");
}

std::string text_of(zip_error_t& error) {
    std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return text;
}

/// Takes the source over; null: the error says why there is none.
Archive open_archive(zip_source_t* given, zip_error_t& error, std::string_view what) {
    Source source(given);
    Archive archive(source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error) : nullptr);
    if (archive) {
        static_cast<void>(source.release());  // the archive's
        return archive;
    }
    const int code = zip_error_code_zip(&error);
    zip_error_fini(&error);
    if (code == ZIP_ER_NOZIP || code == kCutOffZip) fail_npz(what, "is no .npz archive, or was cut off");
    zip_error_init_with_code(&error, code);
    fail_npz(what, format("is not a readable .npz archive: {}", text_of(error)));
}

/// A name that is neither a path nor empty, without its suffix.
std::string array_name(std::string_view what, const std::string& entry) {
    if (entry.size() <= kSuffix.size() || !entry.ends_with(kSuffix))
        fail_npz(what, format("holds '{}', which is not an array (.npy)", entry));
    std::string name = entry.substr(0, entry.size() - kSuffix.size());
    const bool is_absolute = name.front() == '/' || name.front() == '\\';
    const bool leaves = name == ".." || name.starts_with("../") || name.find("/../") != std::string::npos || name.ends_with("/..");
    if (is_absolute || leaves || name.find('\0') != std::string::npos)
        fail_npz(what, format("holds an array with the unsafe name '{}'", entry));
    return name;
}

zip_stat_t stat_of(zip_t* archive, zip_uint64_t index, std::string_view what) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    constexpr zip_uint64_t kWanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive, index, 0, &stat) != 0 || (stat.valid & kWanted) != kWanted) fail_npz(what, "has a damaged directory");
    if (stat.encryption_method != ZIP_EM_NONE) fail_npz(what, format("is encrypted ('{}')", stat.name));
    return stat;
}

Tensor read_entry(zip_t* archive, zip_uint64_t index, const zip_stat_t& stat, std::string_view what) {
    const OpenEntry entry(zip_fopen_index(archive, index, 0));
    if (!entry) fail_npz(what, format("has an array that cannot be opened: {}", zip_strerror(archive)));
    // The size in the directory may be a lie, so memory grows with what really comes.
    constexpr std::size_t kStep = std::size_t{1} << 24;
    auto bytes = std::make_shared<std::vector<std::byte>>();
    std::size_t filled = 0;
    while (true) {
        if (filled == bytes->size())
            bytes->resize(std::min<std::uint64_t>(stat.size, filled + std::max(kStep, filled)) + (filled >= stat.size ? 1 : 0));
        const zip_int64_t got = zip_fread(entry.get(), bytes->data() + filled, bytes->size() - filled);
        if (got < 0) fail_npz(what, format("is damaged at '{}': {}", stat.name, zip_error_strerror(zip_file_get_error(entry.get()))));
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
        if (filled > stat.size) fail_npz(what, format("holds more bytes for '{}' than it declares", stat.name));
    }
    if (filled != stat.size) fail_npz(what, format("ends inside '{}'", stat.name));
    return parse_npy(bytes, std::span<const std::byte>(bytes->data(), filled), format("{}: array '{}'", what, stat.name));
}

[[noreturn]] void fail_zip(std::string_view what, std::string_view reason) {
    throw Error(codes::kFileUnwritable, format("{} cannot be made: {}", what, reason), "");
}

struct Entry {
    std::string name;
    std::string content;
};

/// The archive reads the content when it is closed.
void add_entry(zip_t* archive, const Entry& entry, std::string_view what) {
    zip_source_t* source = zip_source_buffer(archive, entry.content.data(), entry.content.size(), 0);
    const zip_int64_t added = source ? zip_file_add(archive, entry.name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (added < 0) {
        zip_source_free(source);
        fail_zip(what, zip_strerror(archive));
    }
    const auto index = static_cast<zip_uint64_t>(added);
    if (zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) != 0 || zip_file_set_dostime(archive, index, 0, kFirstDosDate, 0) != 0)
        fail_zip(what, zip_strerror(archive));
}

std::string content_of(zip_source_t* memory, std::string_view what) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_source_stat(memory, &stat) != 0 || zip_source_open(memory) != 0) fail_zip(what, "the archive cannot be read back");
    std::string bytes(stat.size, '\0');
    const zip_int64_t got = zip_source_read(memory, bytes.data(), bytes.size());
    zip_source_close(memory);
    if (got < 0 || static_cast<std::size_t>(got) != bytes.size()) fail_zip(what, "the archive cannot be read back");
    return bytes;
}

NpzArrays arrays_of(zip_t* archive, std::string_view what, std::uint64_t limit) {
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    std::uint64_t total = 0;
    std::set<std::string> names;
    for (zip_int64_t index = 0; index < count; ++index) {
        const zip_stat_t stat = stat_of(archive, static_cast<zip_uint64_t>(index), what);
        if (!names.insert(array_name(what, stat.name)).second) fail_npz(what, format("holds '{}' twice", stat.name));
        if (__builtin_add_overflow(total, stat.size, &total) || total > limit)
            throw Error(codes::kTooLarge, format("{} unpacks to more than {} bytes", what, limit), "save each array as a .npy file");
    }
    NpzArrays arrays;
    for (zip_int64_t at = 0; at < count; ++at) {
        const auto index = static_cast<zip_uint64_t>(at);
        const zip_stat_t stat = stat_of(archive, index, what);
        arrays.emplace_back(array_name(what, stat.name), read_entry(archive, index, stat, what));
    }
    return arrays;
}

}  // namespace

std::string npz_bytes(const NpzArrays& arrays, std::string_view what) {
    if (arrays.empty()) fail_npz(what, "would hold no array");
    std::vector<Entry> entries;
    std::set<std::string> names;
    for (const auto& [name, tensor] : arrays) {
        if (!names.insert(name).second) fail_npz(what, format("would hold '{}' twice", name));
        Entry& entry = entries.emplace_back(Entry{name + std::string(kSuffix), npy_header(tensor.dtype(), tensor.shape())});
        array_name(what, entry.name);
        entry.content.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
    }
    zip_error_t error;
    zip_error_init(&error);
    const Source memory(zip_source_buffer_create(nullptr, 0, 0, &error));
    if (!memory) fail_zip(what, text_of(error));
    zip_source_keep(memory.get());  // the archive takes one reference, reading it back needs another
    Archive archive(zip_open_from_source(memory.get(), ZIP_TRUNCATE, &error));
    if (!archive) {
        zip_source_free(memory.get());
        fail_zip(what, text_of(error));
    }
    for (const Entry& entry : entries) add_entry(archive.get(), entry, what);
    if (zip_close(archive.get()) != 0) fail_zip(what, zip_strerror(archive.get()));
    static_cast<void>(archive.release());  // closed
    return content_of(memory.get(), what);
}

NpzArrays parse_npz(std::span<const std::byte> bytes, std::string_view what, std::uint64_t limit) {
    zip_error_t error;
    zip_error_init(&error);
    const Archive archive = open_archive(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error), error, what);
    return arrays_of(archive.get(), what, limit);
}

NpzArrays read_npz(const std::filesystem::path& path, std::uint64_t limit) {
    MappedFile::open(path);  // for the errors about files
    zip_error_t error;
    zip_error_init(&error);
    // Not the mapped bytes: their pages would stay beside what they are unpacked to.
    const Archive archive = open_archive(zip_source_file_create(path.c_str(), 0, -1, &error), error, path.string());
    return arrays_of(archive.get(), path.string(), limit);
}

void write_npz(const std::filesystem::path& path, const NpzArrays& arrays) {
    write_file_atomically(path, npz_bytes(arrays, path.string()));
}

}  // namespace mcompress
