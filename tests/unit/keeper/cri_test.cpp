#include "keeper/cri.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace drover::keeper {

namespace {

constexpr std::uint64_t time_ns = 1'795'260'000'123'456'789;

/// Feeds `chunks` one by one, with a carry as a record has it, and joins what comes out.
struct Stream {
  std::string carry = std::string(max_log_line, '\0');
  std::size_t carried = 0, room = max_log_line;
  std::string out;
  std::uint64_t lines = 0;
  void feed(std::string_view chunk) {
    Batch batch;
    batch.begin(0, time_ns);
    carried = format(batch, chunk, {carry.data(), carried, std::max(room, carried)});
    out += batch.bytes();
    lines += batch.lines();
  }
  /// The text without its frame, P parts joined, and the unfinished rest.
  std::string text() const {
    std::string all;
    for (std::size_t at = 0; at < out.size();) {
      const auto end = out.find('\n', at);
      const auto record = out.substr(at, end - at);
      EXPECT_GE(record.size(), record_overhead - 1);
      EXPECT_LE(record.size(), max_log_line + record_overhead - 1);
      EXPECT_EQ(record.substr(0, 38), rfc3339_nano(time_ns) + " stdout ");
      all += record.substr(40);
      if (record[38] == 'F') all += '\n';
      else EXPECT_EQ(record[38], 'P');
      at = end + 1;
    }
    return all + carry.substr(0, carried);
  }
};

}  // namespace

TEST(Cri, TimeHasNineDigits) {
  EXPECT_EQ(rfc3339_nano(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339_nano(951'782'399'000'000'001), "2000-02-28T23:59:59.000000001Z");
}

TEST(Cri, ALineIsARecord) {
  Stream stream;
  stream.feed("one\n\ntwo");
  EXPECT_EQ(stream.lines, 2u);
  EXPECT_EQ(stream.carried, 3u);
  stream.feed(" and more\n");
  EXPECT_EQ(stream.carried, 0u);
  EXPECT_EQ(stream.text(), "one\n\ntwo and more\n");
}

TEST(Cri, LongLinesBecomeParts) {
  for (const std::size_t size :
       {max_log_line - 1, max_log_line, max_log_line + 1, 3 * max_log_line, 3 * max_log_line + 7}) {
    Stream stream;
    const auto text = std::string(size, 'a') + "\nb\n";
    stream.feed(text);
    EXPECT_EQ(stream.text(), text) << size;
    EXPECT_EQ(stream.lines, 2 + (size - 1) / max_log_line) << size;
  }
}

TEST(Cri, WithoutRoomForTheCarryTheRestIsAPartAtOnce) {
  Stream stream;
  stream.room = 0;
  stream.feed("half");
  EXPECT_EQ(stream.carried, 0u);
  EXPECT_EQ(stream.lines, 1u);
  stream.feed("line\n");
  EXPECT_EQ(stream.text(), "halfline\n");
}

TEST(Cri, AnyBytesInAnyPiecesComeOutAsTheyWentIn) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    const auto pieces = 1 + random() % 40;
    for (std::size_t i = 0; i < pieces; ++i) {
      const auto size = random() % 8 == 0 ? random() % 150'000 : random() % 50;
      for (std::size_t j = 0; j < size; ++j) text += char(random() % 256 == 10 ? 'x' : random() % 256);
      if (random() % 2 == 0) text += '\n';
    }
    Stream stream;
    stream.room = random() % 3 == 0 ? random() % 1000 : max_log_line;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 65536, text.size() - at);
      stream.feed(std::string_view(text).substr(at, size));
      at += size;
    }
    ASSERT_EQ(stream.text(), text) << round;
  }
}

TEST(Cri, MarksAreAtStartsOfRecords) {
  Batch batch;
  batch.begin(1, time_ns);
  std::string carry(max_log_line, '\0');
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i) + "\n";
  format(batch, text, {carry.data(), 0, max_log_line});
  ASSERT_GT(batch.marks().size(), 5u);
  for (const auto& mark : batch.marks()) {
    EXPECT_TRUE(mark.offset == 0 || batch.bytes()[mark.offset - 1] == '\n');
    EXPECT_EQ(mark.line, std::uint64_t(std::count(batch.bytes().begin(),
                                                  batch.bytes().begin() + long(mark.offset), '\n')));
  }
}

}  // namespace drover::keeper
