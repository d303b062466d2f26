#include "pack/archive_index.h"

#include "pack/byte_io.h"

namespace mcompress {

namespace {

constexpr std::uint64_t kMostFiles = 4096, kLongestName = 4096, kDigestLength = 32, kLargestFile = std::uint64_t{1} << 48;
constexpr std::uint64_t kMostStreams = 9;  // a mask and eight planes
// What zstd writes at worst for so many bytes, and more.
constexpr std::uint64_t kLargestPacked = kLargestPiece + (kLargestPiece >> 7) + 1024;

void write_stream(IndexWriter& out, const PackedStream& stream) {
    out.number(stream.raw);
    out.number(stream.packed);
}

PackedStream read_stream(IndexReader& in) {
    PackedStream stream;
    stream.raw = in.number_up_to(kLargestPiece, "bytes of a stream");
    stream.packed = in.number_up_to(kLargestPacked, "compressed bytes of a stream");
    return stream;
}

PackedPiece read_piece(IndexReader& in) {
    PackedPiece piece;
    piece.gap = in.number_up_to(kLargestFile, "bytes in front of a piece");
    piece.size = in.number_up_to(kLargestPiece, "bytes of a piece");
    piece.width = static_cast<std::uint32_t>(in.number_up_to(8, "bytes of an element"));
    if (piece.width == 0 || (piece.width & (piece.width - 1)) != 0 || piece.size % piece.width != 0)
        IndexReader::damaged(format("has a piece of {} bytes in elements of {}", piece.size, piece.width).c_str());
    const std::uint64_t kind = in.number();
    piece.transform = find_transform(kind);
    if (!piece.transform) IndexReader::damaged(format("names a transform {} that does not exist", kind).c_str());
    const std::uint64_t count = in.number_up_to(kMostStreams, "streams of a piece");
    std::uint64_t raw = 0;
    for (std::uint64_t index = 0; index < count; ++index) {
        piece.streams.push_back(read_stream(in));
        raw += piece.streams.back().raw;
    }
    // No transform makes more of a piece than a mask and a palette besides its bytes.
    if (raw > piece.size + piece.size / 8 + 4096) IndexReader::damaged("has a piece whose streams are larger than the piece");
    return piece;
}

PackedFile read_file(IndexReader& in) {
    PackedFile file;
    file.name = in.text(kLongestName, "bytes of a name");
    file.size = in.number_up_to(kLargestFile, "bytes of a file");
    file.digest = in.text(kDigestLength, "bytes of a checksum");
    std::uint64_t rest = 0, gaps = 0, pieces = 0;
    // Counts are not trusted with memory: each entry takes bytes of the index.
    for (std::uint64_t count = in.number(); count > 0; --count) {
        file.rest.push_back(read_stream(in));
        rest += file.rest.back().raw;
    }
    for (std::uint64_t count = in.number(); count > 0; --count) {
        file.pieces.push_back(read_piece(in));
        pieces += file.pieces.back().size;
        gaps += file.pieces.back().gap;
        if (gaps > rest) IndexReader::damaged("has more between the pieces of a file than there is");
    }
    if (pieces + rest != file.size) IndexReader::damaged(format("does not cover the {} bytes of a file", file.size).c_str());
    return file;
}

}  // namespace

std::string write_index(const std::vector<PackedFile>& files) {
    IndexWriter out;
    out.number(files.size());
    for (const PackedFile& file : files) {
        out.text(file.name);
        out.number(file.size);
        out.text(file.digest);
        out.number(file.rest.size());
        for (const PackedStream& stream : file.rest) write_stream(out, stream);
        out.number(file.pieces.size());
        for (const PackedPiece& piece : file.pieces) {
            out.number(piece.gap);
            out.number(piece.size);
            out.number(piece.width);
            out.number(static_cast<std::uint64_t>(piece.transform->kind));
            out.number(piece.streams.size());
            for (const PackedStream& stream : piece.streams) write_stream(out, stream);
        }
    }
    return out.bytes();
}

std::vector<PackedFile> read_index(std::string_view bytes) {
    IndexReader in(bytes);
    std::vector<PackedFile> files;
    const std::uint64_t count = in.number_up_to(kMostFiles, "files");
    if (count == 0) IndexReader::damaged("names no file");
    for (std::uint64_t index = 0; index < count; ++index) files.push_back(read_file(in));
    if (!in.is_at_end()) IndexReader::damaged("goes on behind its end");
    return files;
}

}  // namespace mcompress
