// Acceptance test 16: a reader across rotation and compression, during a flood, sees each line once.
#include <thread>

#include "integration/runtime/fixture.hpp"
#include "runtime/log_care.hpp"

namespace drover::runtime {

TEST_F(RuntimeTest, AReaderAcrossRotationAndCompressionSeesEachLineOnce) {
  constexpr std::uint64_t lines = 300'000;
  Hands hands(pool_, paths_, log_);
  ASSERT_EQ(hands.problem(), "");
  auto spawn = shell("awk 'BEGIN { for (i = 0; i < " + std::to_string(lines) +
                     "; i++) printf \"%d the quick brown fox\\n\", i }'; echo the end");
  spawn.service.logs.segment = 1 << 20;
  const auto run = spawn.run;
  const auto directory = log_directory(paths_, spawn.stack, spawn.instance_name, run.instance);

  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> compressed = 0;
  std::thread carer([&] {
    const LogCare wanted{.budget = 1ull << 40, .quiet = 0s, .plain = {}};
    while (!stop)
      compressed += care_for_logs(instances_directory(paths_), wanted, WallTime::max(), stop).compressed;
  });
  ASSERT_TRUE(hands.start(std::move(spawn)));
  auto reader = LogReader::open(directory, {.follow = true});
  ASSERT_TRUE(reader);
  std::uint64_t next = 0, wrong = 0;
  bool ended = false;
  for (int i = 0; i < 6000 && !ended; ++i) {
    auto batch = reader->next(16 << 10);
    if (!batch) break;
    if (batch->empty()) ::usleep(10'000);
    for (const auto& record : *batch) {
      ended = record.line == "the end";
      if (!ended && record.line != std::to_string(next++) + " the quick brown fox") ++wrong;
    }
  }
  for (int i = 0; i < 500 && compressed == 0; ++i) ::usleep(10'000);
  stop = true;
  carer.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(next, lines);
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(compressed, 0u);
}

}  // namespace drover::runtime
