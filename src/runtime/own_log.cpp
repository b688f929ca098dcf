#include "runtime/own_log.hpp"

#include <fmt/format.h>

#include <deque>
#include <future>

#include "keeper/cri.hpp"
#include "keeper/segments.hpp"

namespace drover::runtime {

namespace {
constexpr Duration last_words = 2s;
}  // namespace

std::string own_log_directory(const std::string& state, std::string_view program) {
  return fmt::format("{}/own/{}", state, program);
}

/// Of its thread alone.
struct OwnLog::Writer {
  Writer(std::string directory, const OwnLogLimits& limits)
      : segments(std::move(directory), {limits.budget, limits.segment}) {}

  keeper::Segments segments;
  keeper::Batch batch;
  struct Waiting {
    std::uint64_t wall_ns;
    std::string line;
  };
  std::deque<Waiting> waiting;  // oldest first

  bool put(std::uint64_t wall_ns, std::string_view line) {
    batch.clear();
    batch.begin(0, wall_ns);
    batch.record('F', {}, line);
    return segments.append(batch.bytes(), batch.marks(), batch.lines()) == batch.bytes().size();
  }
};

OwnLog::OwnLog(const Clock& clock, std::string directory, OwnLogLimits limits)
    : clock_(clock), most_(limits.waiting), writer_(std::make_unique<Writer>(std::move(directory), limits)) {}

OwnLog::~OwnLog() {
  flush();
  thread_.stop();
}

void OwnLog::flush() {
  auto done = std::make_shared<std::promise<void>>();
  net::post(thread_.executor(0), [this, done] {
    write();
    done->set_value();
  });
  (void)done->get_future().wait_for(last_words);
}

void OwnLog::take(std::string line) {
  const auto size = line.size();
  const bool fits = waiting_.fetch_add(size) + size <= most_;
  if (!fits) {
    waiting_ -= size;
    ++lost_;
    if (trying_.exchange(true)) return;
  }
  const auto wall_ns = std::uint64_t(clock_.now().wall.time_since_epoch() / std::chrono::nanoseconds(1));
  net::post(thread_.executor(0), [this, fits, wall_ns, line = std::move(line)]() mutable {
    if (fits) writer_->waiting.push_back({wall_ns, std::move(line)});
    else trying_ = false;
    write();
  });
}

void OwnLog::write() {
  auto& waiting = writer_->waiting;
  for (; !waiting.empty(); waiting.pop_front()) {
    if (!writer_->put(waiting.front().wall_ns, waiting.front().line)) return;  // the next record tries again
    waiting_ -= waiting.front().line.size();
  }
  const auto lost = lost_.load();
  if (lost == 0) return;
  const auto now = std::uint64_t(clock_.now().wall.time_since_epoch() / std::chrono::nanoseconds(1));
  if (writer_->put(now,
                   fmt::format("[drover: {} records are missing here: the disk was full or slow]", lost)))
    lost_ -= lost;
}

}  // namespace drover::runtime
