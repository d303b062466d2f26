// Files → archive.
#include <algorithm>
#include <memory>
#include <utility>

#include "pack/archive_format.h"
#include "pack/tensor_spans.h"
#include "pack/zstd.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSmallestTensor = 1024;
constexpr int kTrialLevel = 3;

using Bytes = std::span<const std::byte>;

/// Whether what was compressed is wanted, or only how much it is.
enum class Keep { Streams, Sizes };

/// One piece to be compressed, and what became of it.
struct Job {
    Bytes bytes;
    PackedPiece piece;
    std::vector<std::string> packed;
};

std::size_t trial_size(const std::vector<std::string>& streams) {
    std::size_t size = 0;
    for (const std::string& stream : streams) size += zstd_compress(bytes_of(stream), kTrialLevel).size();
    return size;
}

/// The transform that compresses best at a cheap level.
void choose_transform(Job& job, std::vector<std::string>& streams) {
    std::size_t least = SIZE_MAX;
    for (const Transform& transform : all_transforms()) {
        std::vector<std::string> split = transform.split(job.bytes, job.piece.width);
        if (split.empty()) continue;
        const std::size_t size = trial_size(split);
        if (size >= least) continue;
        least = size;
        job.piece.transform = &transform;
        streams = std::move(split);
    }
}

void compress(Job& job, int level, Keep keep) {
    std::vector<std::string> streams;
    choose_transform(job, streams);
    for (const std::string& stream : streams) {
        std::string packed = zstd_compress(bytes_of(stream), level);
        job.piece.streams.push_back({stream.size(), packed.size()});
        if (keep == Keep::Streams) job.packed.push_back(std::move(packed));
    }
}

/// A file cut into pieces of tensors and the rest.
struct FileJob {
    std::shared_ptr<const MappedFile> file;
    PackedFile entry;
    std::vector<Job> pieces;
    std::string rest;
    std::vector<std::string> packed_rest;
};

void cut(FileJob& job, const std::vector<TensorSpan>& spans) {
    const Bytes bytes = bytes_of(*job.file);
    std::uint64_t at = 0;
    const auto add_rest = [&](std::uint64_t end) { job.rest.append(reinterpret_cast<const char*>(bytes.data()) + at, end - at); };
    for (const TensorSpan& span : spans) {
        if (span.offset < at || span.offset > bytes.size() || span.size > bytes.size() - span.offset)
            continue;  // the model says so, but it is not there
        std::uint64_t gap = span.offset - at;
        if (gap > 0) add_rest(span.offset);
        for (std::uint64_t done = 0; done < span.size; done += kLargestPiece) {
            const std::uint64_t size = std::min(kLargestPiece, span.size - done);
            Job piece;
            piece.bytes = bytes.subspan(span.offset + done, size);
            piece.piece = {.gap = gap, .size = size, .width = span.width, .transform = nullptr, .streams = {}};
            job.pieces.push_back(std::move(piece));
            gap = 0;
        }
        at = span.offset + span.size;
    }
    if (at < bytes.size()) add_rest(bytes.size());
}

void compress_rest(FileJob& job, int level, Keep keep) {
    for (std::size_t at = 0; at < job.rest.size(); at += kLargestPiece) {
        const Bytes block = bytes_of(job.rest).subspan(at, std::min<std::size_t>(kLargestPiece, job.rest.size() - at));
        std::string packed = zstd_compress(block, level);
        job.entry.rest.push_back({block.size(), packed.size()});
        if (keep == Keep::Streams) job.packed_rest.push_back(std::move(packed));
    }
}

/// digest_of() all its bytes, which then leave memory again.
std::string digest_of_file(const std::shared_ptr<const MappedFile>& file) {
    Hasher hasher;
    for (std::size_t at = 0; at < file->size(); at += kLargestPiece) {
        const std::size_t size = std::min<std::size_t>(kLargestPiece, file->size() - at);
        hasher.add_bytes(file->data() + at, size);
        release_pages(file, file->data() + at, size);
    }
    return hasher.hex_digest();
}

std::vector<FileJob> cut_files(const std::vector<PackInput>& files) {
    std::vector<FileJob> jobs;
    TensorSpans spans;
    for (const PackInput& input : files) {
        FileJob& job = jobs.emplace_back();
        job.file = MappedFile::open(input.path);
        job.entry.name = input.name;
        job.entry.size = job.file->size();
        job.entry.digest = digest_of_file(job.file);
        if (jobs.size() == 1) {
            spans = find_tensor_spans(bytes_of(*job.file), kSmallestTensor);
            cut(job, spans.inside);
        } else {
            cut(job, spans.outside[input.name]);
        }
    }
    return jobs;
}

void put_number(std::string& out, std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

namespace {

struct PackedFiles {
    std::vector<FileJob> jobs;
    std::vector<PackedFile> entries;
    std::string header;  // with the index
};

PackedFiles pack(const std::vector<PackInput>& files, const PackOptions& options, Keep keep) {
    PackedFiles packed{.jobs = cut_files(files), .entries = {}, .header = {}};
    std::vector<std::pair<FileJob*, Job*>> pieces;
    for (FileJob& job : packed.jobs)
        for (Job& piece : job.pieces) pieces.emplace_back(&job, &piece);
    parallel_for(pieces.size(), options.threads, [&](int, std::size_t index) {
        const auto& [file, piece] = pieces[index];
        compress(*piece, options.level, keep);
        release_pages(file->file, piece->bytes.data(), piece->bytes.size());
    });
    parallel_for(packed.jobs.size(), options.threads,
                 [&](int, std::size_t index) { compress_rest(packed.jobs[index], options.level, keep); });
    for (FileJob& job : packed.jobs) {
        for (Job& piece : job.pieces) job.entry.pieces.push_back(std::move(piece.piece));
        packed.entries.push_back(job.entry);
    }
    const std::string index = write_index(packed.entries);
    if (index.size() > kLargestIndex)
        fail(codes::kTooLarge, "the model has too many tensors for an archive: its index takes {} bytes", index.size());
    const std::string packed_index = zstd_compress(bytes_of(index), options.level);
    packed.header.assign(kArchiveMagic.data(), kArchiveMagic.size());
    put_number(packed.header, kArchiveVersion);
    put_number(packed.header, packed_index.size());
    put_number(packed.header, index.size());
    packed.header += digest_of(bytes_of(index)) + packed_index;
    return packed;
}

}  // namespace

ArchiveSummary summarize_archive(const std::vector<PackedFile>& files, std::uint64_t packed) {
    ArchiveSummary summary;
    summary.packed = packed;
    for (const PackedFile& file : files) {
        summary.files.push_back({file.name, file.size});
        summary.bytes += file.size;
        for (const PackedStream& stream : file.rest) {
            ++summary.rest.pieces;
            summary.rest.bytes += stream.raw;
            summary.rest.packed += stream.packed;
        }
        for (const PackedPiece& piece : file.pieces) {
            TransformUse& use = summary.tensors[piece.transform->kind];
            ++use.pieces;
            use.bytes += piece.size;
            for (const PackedStream& stream : piece.streams) use.packed += stream.packed;
        }
    }
    return summary;
}

ArchiveSummary pack_files(const std::vector<PackInput>& files, const fs::path& archive, const PackOptions& options) {
    const PackedFiles packed = pack(files, options, Keep::Streams);
    AtomicFile out(archive);
    out.write(packed.header);
    for (const FileJob& job : packed.jobs) {
        for (const std::string& block : job.packed_rest) out.write(block);
        for (const Job& piece : job.pieces)
            for (const std::string& stream : piece.packed) out.write(stream);
    }
    const std::uint64_t written = out.bytes_written();
    out.commit();
    return summarize_archive(packed.entries, written);
}

ArchiveSummary estimate_archive(const std::vector<PackInput>& files, const PackOptions& options) {
    const PackedFiles packed = pack(files, options, Keep::Sizes);
    ArchiveSummary summary = summarize_archive(packed.entries, packed.header.size());
    summary.packed += summary.rest.packed;
    for (const auto& [kind, use] : summary.tensors) summary.packed += use.packed;
    return summary;
}

std::uint64_t packed_tensor_size(std::span<const std::byte> bytes, std::size_t width, int level) {
    std::uint64_t size = 0;
    for (std::size_t at = 0; at < bytes.size(); at += kLargestPiece) {
        Job job;
        job.bytes = bytes.subspan(at, std::min<std::size_t>(kLargestPiece, bytes.size() - at));
        job.piece.width = static_cast<std::uint32_t>(width);
        compress(job, level, Keep::Sizes);
        for (const PackedStream& stream : job.piece.streams) size += stream.packed;
    }
    return size;
}

}  // namespace mcompress
