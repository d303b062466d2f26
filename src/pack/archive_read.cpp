// Archive → files.
#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "pack/archive_format.h"
#include "pack/zstd.h"
#include "support/error.h"

namespace mcompress {

namespace fs = std::filesystem;

namespace {

std::uint64_t get_number(const std::byte* from) {
    std::uint64_t value = 0;
    for (int byte = 0; byte < 8; ++byte) value |= static_cast<std::uint64_t>(from[byte]) << (8 * byte);
    return value;
}

struct OpenArchive {
    std::shared_ptr<const MappedFile> file;
    std::vector<PackedFile> entries;
    std::uint64_t payload = 0;  // where it begins
};

[[noreturn]] void damaged(const std::string& how) {
    throw Error(codes::kModelTruncated, "the archive " + how, "the file is damaged: get it again");
}

bool has_magic(const MappedFile& file) {
    return file.size() >= kArchiveMagic.size() && std::memcmp(file.data(), kArchiveMagic.data(), kArchiveMagic.size()) == 0;
}

OpenArchive open_archive(const fs::path& path) {
    OpenArchive archive{.file = MappedFile::open(path), .entries = {}, .payload = 0};
    const MappedFile& file = *archive.file;
    if (!has_magic(file))
        throw Error(codes::kNotOnnx, format("{} is no .mcz archive", path.string()), "mcompress pack makes them of ONNX models");
    if (file.size() < kHeaderSize) damaged("ends within its header");
    const std::uint64_t version = get_number(file.data() + 8), packed = get_number(file.data() + 16), raw = get_number(file.data() + 24);
    if (version != kArchiveVersion)
        fail(codes::kNotOnnx, "{} is an archive of version {}; this program reads version {}", path.string(), version, kArchiveVersion);
    if (packed > file.size() - kHeaderSize) damaged("ends within its index");
    if (raw > kLargestIndex) damaged(format("says that its index takes {} bytes", raw));
    std::string index(raw, '\0');
    zstd_decompress({file.data() + kHeaderSize, packed}, std::as_writable_bytes(std::span(index)));
    if (std::memcmp(digest_of(bytes_of(index)).data(), file.data() + 32, kDigestSize) != 0) damaged("has an index with another checksum");
    archive.entries = read_index(index);
    archive.payload = kHeaderSize + packed;
    std::uint64_t end = archive.payload;
    const auto add = [&](const PackedStream& stream) {
        if (stream.packed > file.size() - end) damaged("ends too early");
        end += stream.packed;
    };
    for (const PackedFile& entry : archive.entries) {
        for (const PackedStream& stream : entry.rest) add(stream);
        for (const PackedPiece& piece : entry.pieces)
            for (const PackedStream& stream : piece.streams) add(stream);
    }
    if (end != file.size()) damaged(format("goes on for {} bytes behind its end", file.size() - end));
    return archive;
}

/// Reads the streams one behind the other.
class Payload {
public:
    Payload(const MappedFile& file, std::uint64_t at) : file_(file), at_(at) {}

    std::string next(const PackedStream& stream) {
        std::string raw(stream.raw, '\0');
        zstd_decompress({file_.data() + at_, stream.packed}, std::as_writable_bytes(std::span(raw)));
        at_ += stream.packed;
        return raw;
    }
    std::uint64_t position() const { return at_; }
    void skip(const PackedStream& stream) { at_ += stream.packed; }

private:
    const MappedFile& file_;
    std::uint64_t at_;
};

/// The gaps of a file, block by block.
class Rest {
public:
    Rest(const MappedFile& file, std::uint64_t at, const std::vector<PackedStream>& blocks) : payload_(file, at), blocks_(blocks) {}

    template <typename Write> void copy(std::uint64_t size, Write&& write) {
        while (size > 0) {
            if (used_ == block_.size()) {
                if (next_ == blocks_.size()) damaged("has fewer bytes between its tensors than it says");
                block_ = payload_.next(blocks_[next_++]);
                used_ = 0;
                continue;
            }
            const std::uint64_t part = std::min<std::uint64_t>(size, block_.size() - used_);
            write(block_.data() + used_, part);
            used_ += part;
            size -= part;
        }
    }

private:
    Payload payload_;
    const std::vector<PackedStream>& blocks_;
    std::string block_;
    std::size_t used_ = 0, next_ = 0;
};

void unpack_file(const OpenArchive& archive, const PackedFile& entry, std::uint64_t& at, AtomicFile& out) {
    Rest rest(*archive.file, at, entry.rest);
    Payload payload(*archive.file, at);
    for (const PackedStream& stream : entry.rest) payload.skip(stream);
    Hasher hasher;
    const auto write = [&](const void* data, std::size_t size) {
        hasher.add_bytes(data, size);
        out.write(data, size);
    };
    std::vector<std::byte> bytes;
    for (const PackedPiece& piece : entry.pieces) {
        rest.copy(piece.gap, write);
        std::vector<std::string> streams;
        for (const PackedStream& stream : piece.streams) streams.push_back(payload.next(stream));
        bytes.resize(piece.size);
        if (!piece.transform->join(streams, piece.width, bytes)) damaged(format("has a tensor piece that is no {}", piece.transform->name));
        write(bytes.data(), bytes.size());
    }
    rest.copy(entry.size - out.bytes_written(), write);
    if (hasher.hex_digest() != entry.digest) damaged("holds a file with another checksum");
    at = payload.position();
}

/// Where a data file goes: below the model's folder, or nowhere.
fs::path data_path(const fs::path& folder, const std::string& name) {
    const fs::path normal = fs::path(name).lexically_normal();
    const bool is_odd = name.empty() || name.find('\0') != std::string::npos || name.find('\\') != std::string::npos ||
                        (name.size() > 1 && name[1] == ':') || normal.is_absolute() || *normal.begin() == ".." || !normal.has_filename() ||
                        normal == ".";
    if (is_odd)
        throw Error(codes::kExternalData, "the archive names a data file that would not lie below the model's folder",
                    "do not use this archive");
    return folder / normal;
}

}  // namespace

ArchiveSummary read_archive(const fs::path& path) {
    const OpenArchive archive = open_archive(path);
    return summarize_archive(archive.entries, archive.file->size());
}

std::vector<fs::path> unpacked_paths(const fs::path& path, const fs::path& model) {
    const OpenArchive archive = open_archive(path);
    std::vector<fs::path> paths{model};
    for (std::size_t index = 1; index < archive.entries.size(); ++index)
        paths.push_back(data_path(model.parent_path(), archive.entries[index].name));
    return paths;
}

ArchiveSummary unpack_files(const fs::path& path, const fs::path& model, const UnpackOptions& options) {
    const OpenArchive archive = open_archive(path);
    std::uint64_t total = 0;
    for (const PackedFile& entry : archive.entries) total += entry.size;
    if (total > options.max_bytes)
        throw Error(codes::kTooLarge, format("unpacked, the archive takes {} bytes; {} are allowed", total, options.max_bytes),
                    "--max-bytes allows more, if you trust the file");
    const std::vector<fs::path> paths = unpacked_paths(path, model);
    std::set<fs::path> seen;
    for (const fs::path& each : paths)
        if (!seen.insert(fs::weakly_canonical(each)).second)
            throw Error(codes::kExternalData, "the archive names a file twice", "do not use this archive");
    std::vector<std::unique_ptr<AtomicFile>> files;
    std::uint64_t at = archive.payload;
    for (std::size_t index = 0; index < paths.size(); ++index) {
        if (index > 0) fs::create_directories(paths[index].parent_path());
        files.push_back(std::make_unique<AtomicFile>(paths[index]));
        unpack_file(archive, archive.entries[index], at, *files.back());
    }
    for (std::size_t index = files.size(); index-- > 0;) files[index]->commit();  // the model last
    return summarize_archive(archive.entries, archive.file->size());
}

bool is_archive(const fs::path& path) { return has_magic(*MappedFile::open(path)); }

}  // namespace mcompress
