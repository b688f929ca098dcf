// Logs: nothing lost, nothing damaged, bounded; full disks.

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "client.hpp"

namespace drover::keeper::testing {

namespace fs = std::filesystem;

class Logs : public KeeperTest {
 protected:
  Seen wait_closed(Client& client, const std::string& key, std::uint64_t incarnation = 1,
                   milliseconds limit = 60s) {
    return client.wait(key, incarnation, [](const Seen& seen) { return seen.info.log_closed != 0; }, limit);
  }
};

TEST_F(Logs, AFloodOfLinesIsIntact) {
  start();
  Client client(state());
  constexpr std::uint64_t bytes = 200u << 20, width = 100, count = bytes / width;
  const auto pad = std::string(width - 11, 'x');
  auto spec = shell_with_log("awk 'BEGIN { for (i = 0; i < " + std::to_string(count) +
                             "; i++) printf \"%09d " + pad + "\\n\", i }'");
  spec.fixed.log_budget = 1u << 30;
  ASSERT_EQ(client.spawn("flood", 1, spec).header.status, Status::ok);
  const auto seen = wait_closed(client, "flood");
  EXPECT_EQ(seen.info.log_bytes, count * width);
  EXPECT_EQ(seen.info.log_lines, count);
  EXPECT_EQ(seen.info.lost_lines, 0u);
  std::vector<fs::path> segments;
  for (const auto& entry : fs::directory_iterator(log_directory()))
    if (entry.path().extension() == ".log") segments.push_back(entry.path());
  std::sort(segments.begin(), segments.end());
  std::uint64_t next = 0;
  for (const auto& segment : segments) {
    EXPECT_LE(fs::file_size(segment), 16u << 20);
    std::ifstream file(segment);
    for (std::string record, text; std::getline(file, record);) {
      text += record.substr(40);
      if (record[38] == 'P') continue;
      if (text.size() != width - 1 || std::stoull(text) != next || text.substr(10) != pad) FAIL() << text;
      ++next;
      text.clear();
    }
  }
  EXPECT_EQ(next, count);
  const auto peak = slurp("/proc/" + std::to_string(keeper_pid()) + "/status");
  const auto at = peak.find("VmHWM:");
  EXPECT_LT(std::stoull(peak.substr(at + 6)), 20u * 1024) << "kB";
}

TEST_F(Logs, TheIndexPointsAtLines) {
  start();
  Client client(state());
  auto spec = shell_with_log("seq 1 200000");
  spec.fixed.log_segment = 2u << 20;
  ASSERT_EQ(client.spawn("i", 1, spec).header.status, Status::ok);
  wait_closed(client, "i");
  std::size_t records = 0;
  for (const auto& entry : fs::directory_iterator(log_directory())) {
    if (entry.path().extension() != ".idx") continue;
    const auto index = slurp(entry.path()), log = slurp(fs::path(entry.path()).replace_extension(".log"));
    ASSERT_EQ(index.size() % sizeof(IndexRecord), 0u);
    std::uint64_t before = 0, lines = 0;
    for (std::size_t i = 0; i < index.size() / sizeof(IndexRecord); ++i, ++records) {
      IndexRecord mark;
      std::memcpy(&mark, index.data() + i * sizeof mark, sizeof mark);
      if (i == 0) EXPECT_EQ(mark.offset, 0u);
      else EXPECT_LT(mark.offset - before, 128u * 1024);
      ASSERT_TRUE(mark.offset == 0 || log.at(mark.offset - 1) == '\n');
      lines += std::uint64_t(std::count(log.begin() + long(before), log.begin() + long(mark.offset), '\n'));
      EXPECT_EQ(lines, mark.line);
      before = mark.offset;
      EXPECT_GT(mark.wall_ns, 1'700'000'000'000'000'000);
    }
    EXPECT_LT(log.size() - before, 160u * 1024);
  }
  EXPECT_GT(records, 50u);
}

TEST_F(Logs, NoNewlineNulsAndInvalidBytes) {
  start();
  Client client(state());
  auto spec = shell_with_log(
      "head -c 20000000 /dev/zero | tr '\\0' 'a'; echo; printf 'nul\\000nul \\377\\376\\n'; echo; printf "
      "tail");
  ASSERT_EQ(client.spawn("n", 1, spec).header.status, Status::ok);
  wait_closed(client, "n");
  const auto lines = read_log(log_directory());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, std::string(20'000'000, 'a'));
  EXPECT_EQ(lines[1].text, std::string("nul\0nul \xff\xfe", 10));
  EXPECT_EQ(lines[2].text, "");
  EXPECT_EQ(lines[3].text, "tail");
  std::ifstream file(log_directory() + "/000001.log");
  for (std::string record; std::getline(file, record);) EXPECT_LE(record.size(), max_log_line + 40);
}

TEST_F(Logs, StreamsAndMerge) {
  start();
  Client client(state());
  const char* script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
  ASSERT_EQ(client.spawn("s", 1, shell_with_log(script)).header.status, Status::ok);
  auto merged = shell_with_log(script, "merged");
  merged.fixed.merge = 1;
  ASSERT_EQ(client.spawn("m", 1, merged).header.status, Status::ok);
  wait_closed(client, "s");
  wait_closed(client, "m");
  for (const auto& line : read_log(log_directory())) EXPECT_EQ(line.stream.substr(3), line.text.substr(0, 3));
  const auto lines = read_log(log_directory("merged"));
  ASSERT_EQ(lines.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(lines[i].text, (i % 2 == 0 ? "out " : "err ") + std::to_string(i / 2 + 1));
}

TEST_F(Logs, TheBudgetHolds) {
  start();
  Client client(state());
  auto spec = shell_with_log("seq 1 500000");
  spec.fixed.log_segment = 256 * 1024;
  spec.fixed.log_budget = 2u << 20;
  ASSERT_EQ(client.spawn("b", 1, spec).header.status, Status::ok);
  std::uint64_t most = 0;  // summed while files come and go: up to a segment may be counted twice
  client.wait("b", 1, [&](const Seen& seen) {
    most = std::max(most, directory_size(log_directory()));
    return seen.info.log_closed != 0;
  });
  EXPECT_LE(most, (2u << 20) + 256 * 1024);
  EXPECT_LE(directory_size(log_directory()), 2u << 20);
  EXPECT_GT(directory_size(log_directory()), 1u << 20);
  for (const auto& entry : fs::directory_iterator(log_directory())) EXPECT_LE(entry.file_size(), 256u * 1024);
  const auto lines = read_log(log_directory());
  ASSERT_GT(lines.size(), 10'000u);
  EXPECT_EQ(lines.back().text, "500000");
  for (std::size_t i = 1; i < lines.size(); ++i)
    ASSERT_EQ(std::stoi(lines[i].text), std::stoi(lines[i - 1].text) + 1);
}

TEST_F(Logs, IncarnationsShareADirectory) {
  start();
  Client client(state());
  for (std::uint64_t incarnation = 1; incarnation <= 3; ++incarnation) {
    const auto script = "echo incarnation " + std::to_string(incarnation) + "; printf half";
    ASSERT_EQ(client.spawn("d", incarnation, shell_with_log(script)).header.status, Status::ok);
    client.wait_state("d", incarnation, State::emptied);
  }
  wait_closed(client, "d", 3);
  const auto lines = read_log(log_directory());
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[4].text, "incarnation 3");
  EXPECT_FALSE(fs::exists(log_directory() + "/000002.log"));
}

TEST_F(Logs, EventsTellOfNewLines) {
  start();
  Client client(state());
  client.subscribe(event_life | event_log);
  ASSERT_EQ(
      client.spawn("e", 1, shell_with_log("for i in $(seq 1 100); do echo $i; sleep 0.005; done; sleep 100"))
          .header.status,
      Status::ok);
  const auto first = client.wait_event(EventKind::log_written, "e");
  ASSERT_TRUE(first);
  std::size_t events = 1;
  auto last = *first;
  while (last.info.log_lines < 100) {
    const auto next = client.wait_event(EventKind::log_written, "e", 3s);
    ASSERT_TRUE(next) << last.info.log_lines;
    last = *next;
    ++events;
  }
  EXPECT_LT(events, 60u);  // coalesced
  EXPECT_EQ(last.info.log_offset, fs::file_size(log_directory() + "/000001.log"));
}

TEST_F(Logs, ARemovedFileIsNotWrittenForEver) {
  start();
  Client client(state());
  ASSERT_EQ(client.spawn("r", 1, shell_with_log("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"))
                .header.status,
            Status::ok);
  ASSERT_TRUE(eventually([&] { return read_log(log_directory()).size() > 3; }));
  fs::remove_all(log_directory());
  EXPECT_TRUE(eventually([&] { return read_log(log_directory()).size() > 3; }));
}

class FullDisk : public Logs {
 protected:
  void SetUp() override {
    Logs::SetUp();
    disk_ = root_ + "/disk";
    ::mkdir(disk_.c_str(), 0755);
    mounted_ = ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  void TearDown() override {
    const bool mounted = mounted_;
    const auto disk = disk_;
    if (mounted) ::umount2(disk.c_str(), MNT_DETACH);
    Logs::TearDown();
  }
  void fill() {
    std::ofstream file(disk_ + "/ballast", std::ios::binary);
    const std::string block(4096, 'b');
    while (file.write(block.data(), long(block.size())).flush()) continue;
  }
  void make_room() { fs::remove(disk_ + "/ballast"); }
  std::string disk_;
  bool mounted_ = false;
};

TEST_F(FullDisk, DropKeepsTheServiceRunningAndCountsTheLoss) {
  if (!mounted_) GTEST_SKIP() << "needs the right to mount a tmpfs";
  start();
  Client client(state());
  client.subscribe();
  auto spec = shell("while [ ! -e " + root_ + "/go ]; do sleep 0.01; done; seq 1 100000; touch " + root_ +
                    "/written; while [ ! -e " + root_ + "/end ]; do sleep 0.01; done; echo last");
  spec.log_directory = disk_ + "/log";
  spec.fixed.log_segment = 128 * 1024;
  spec.fixed.log_budget = 512 * 1024;
  ASSERT_EQ(client.spawn("x", 1, spec).header.status, Status::ok);
  fill();
  std::ofstream(root_ + "/go");
  EXPECT_TRUE(eventually([&] { return fs::exists(root_ + "/written"); }));  // the service was not held up
  ASSERT_TRUE(client.wait_event(EventKind::log_trouble, "x"));
  ASSERT_TRUE(client.wait_event(EventKind::log_loss, "x"));
  const auto failing =
      client.wait("x", 1, [](const Seen& s) { return s.info.log_failing && s.info.log_lines >= 100000; });
  EXPECT_EQ(failing.info.log_error, ENOSPC);
  EXPECT_GT(failing.info.lost_lines, 80'000u);
  make_room();
  ASSERT_TRUE(client.wait_event(EventKind::log_trouble, "x"));
  client.wait("x", 1, [](const Seen& s) { return s.info.log_failing == 0; });
  std::ofstream(root_ + "/end");
  const auto closed = wait_closed(client, "x");
  const auto lines = read_log(disk_ + "/log");
  ASSERT_GT(lines.size(), 3u);
  ASSERT_TRUE(
      lines[0].text.starts_with("[drover: dropped " + std::to_string(closed.info.lost_lines) + " lines / "))
      << lines[0].text;
  EXPECT_EQ(lines[1].text, std::to_string(closed.info.lost_lines + 1));  // exactly these were lost
  EXPECT_EQ(lines[lines.size() - 2].text, "100000");
  EXPECT_EQ(lines.back().text, "last");
}

TEST_F(FullDisk, BlockLosesNothing) {
  if (!mounted_) GTEST_SKIP() << "needs the right to mount a tmpfs";
  start();
  Client client(state());
  auto spec = shell("while [ ! -e " + root_ + "/go ]; do sleep 0.01; done; seq 1 100000");
  spec.log_directory = disk_ + "/log";
  spec.fixed.on_full = OnFull::block;
  ::mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT, "size=8m");
  ASSERT_EQ(client.spawn("x", 1, spec).header.status, Status::ok);
  fill();
  std::ofstream(root_ + "/go");
  client.wait("x", 1, [](const Seen& s) { return s.info.log_failing != 0; });
  std::this_thread::sleep_for(700ms);  // over a retry
  EXPECT_EQ(client.find("x", 1)->info.state, State::running);
  make_room();
  const auto closed = wait_closed(client, "x");
  EXPECT_EQ(closed.info.lost_lines, 0u);
  const auto lines = read_log(disk_ + "/log");
  ASSERT_EQ(lines.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(lines[std::size_t(i)].text, std::to_string(i + 1));
}

TEST_F(FullDisk, AFullStateDirectoryStopsNoSpawnAndNoStop) {
  if (!mounted_) GTEST_SKIP() << "needs the right to mount a tmpfs";
  ::mkdir(state().c_str(), 0700);
  ASSERT_EQ(::mount("tmpfs", state().c_str(), "tmpfs", 0, "size=64k"), 0);
  disk_ = state();
  start();
  fill();
  Client client(state());
  EXPECT_EQ(client.spawn("f", 1, shell("sleep 1000")).header.status, Status::ok);
  EXPECT_EQ(client.stop("f", 1, 1000), Status::ok);
  client.wait_state("f", 1, State::emptied);
  client.shutdown(100);
  EXPECT_TRUE(client.at_end());
  ASSERT_TRUE(eventually([&] { return !alive(guard_pid()) && !alive(keeper_pid()); }));
  ::umount2(state().c_str(), MNT_DETACH);
  ::umount2((root_ + "/disk").c_str(), MNT_DETACH);
  mounted_ = false;
}

}  // namespace drover::keeper::testing
