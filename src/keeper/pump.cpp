#include "keeper/pump.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace drover::keeper {

namespace {
constexpr std::size_t read_size = 64 * 1024;   // the most that a kill -9 of the keeper can cost a service
constexpr std::size_t ring_size = 256 * 1024;  // kept in memory while the disk refuses
constexpr std::size_t drain_limit = 4u << 20;  // more than any pipe holds: who writes on is not one of ours
constexpr int retry_ms = 500;

/// None of a run's lines is younger than its end: its successor writes into the same files.
std::uint64_t time_for(const Log& log) {
  const std::uint64_t now = wall_ns(), ended = log.ended_wall_ns;
  return ended != 0 ? std::min(now, ended) : now;
}
}  // namespace

bool Pump::start() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(read_size);
  failing_.clear();
  if (!commands_.open() || !news_.open()) return false;
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (!epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, commands_.readable(), &event) != 0) return false;
  const auto body = [](void* self) -> void* { return static_cast<Pump*>(self)->run(), nullptr; };
  running_ = ::pthread_create(&thread_, nullptr, body, this) == 0;
  return running_;
}

bool Pump::stop(int timeout_ms) {
  if (!running_) return true;
  commands_.push({nullptr, Verb::stop});
  timespec until{};
  ::clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1'000'000L;
  if (until.tv_nsec >= 1'000'000'000) ++until.tv_sec, until.tv_nsec -= 1'000'000'000;
  if (::pthread_timedjoin_np(thread_, nullptr, &until) != 0) return false;
  running_ = false;
  return true;
}

void Pump::run() {
  yield_to_others(true);  // a pipe holds what comes meanwhile
  epoll_event events[64];
  while (true) {
    const int n = ::epoll_wait(epoll_.get(), events, 64, failing_.empty() ? -1 : retry_ms);
    bool commanded = false;
    for (int i = 0; i < n; ++i) {
      const auto value = events[i].data.u64;
      if (value == 0) {
        commanded = true;  // last: a command may end a log that is still in `events`
        continue;
      }
      auto* log = reinterpret_cast<Log*>(value & ~std::uint64_t(1));
      take(*log, int(value & 1));
    }
    if (commanded && !obey()) return;
    if (!failing_.empty() && boot_ns() >= next_retry_) retry();
  }
}

bool Pump::obey() {
  for (const auto& command : commands_.take()) {
    switch (command.verb) {
      case Verb::add: begin(*command.log); break;
      case Verb::finish: finish_now(*command.log); break;
      case Verb::stop: retry(); return false;
    }
  }
  return true;
}

void Pump::begin(Log& log) {
  auto& data = log.record.data();
  // A former incarnation's lines that still wait for the same directory go first.
  for (auto* other : std::vector<Log*>(failing_)) {
    if (!other->finishing || !log.segments || !other->segments) continue;
    if (other->segments->directory() != log.segments->directory()) continue;
    std::swap(log.waiting, other->waiting);
    std::swap(log.waiting_bytes, other->waiting_bytes);
    log.lost_lines += std::exchange(other->lost_lines, 0);
    log.lost_bytes += std::exchange(other->lost_bytes, 0);
    log.lost_from = other->lost_from;
    log.lost_to = other->lost_to;
    std::erase(failing_, other);
    close(*other);
  }
  const auto lines = log.waiting.empty() ? data.waiting_lines.exchange(0) : 0;
  if (lines > 0) {  // they died with the keeper that held them
    log.lost_lines += lines;
    log.lost_bytes += data.waiting_bytes;
    data.lost_lines += lines;
    data.lost_bytes += data.waiting_bytes.exchange(0);
    if (log.lost_from == 0) log.lost_from = wall_ns();
    log.lost_to = wall_ns();
  }
  watch(log, true);
  const auto in_flight = InFlight(data.in_flight.load());
  if (in_flight == InFlight::taken) {  // what follows in the pipes does not continue these lines
    end_line(log, 0);
    end_line(log, 1);
  }
  if (in_flight != InFlight::nothing)
    write_marker(
        log, "[drover: the keeper was killed while it wrote; up to 64 KiB of output may be missing here]");
  data.in_flight = 0;  // only now: a second kill must not take the marker with it
  if (std::exchange(log.gap, false))
    write_marker(log,
                 "[drover: keeper and guard were killed and the service ended before they were back; its "
                 "output meanwhile is missing]");
  if (log.lost_lines > 0 || !log.waiting.empty()) {
    log.failing = true;
    failing_.push_back(&log);
  }
  publish(log);
}

void Pump::watch(Log& log, bool on) {
  for (int stream = 0; stream < 2; ++stream) {
    if (!log.pipes[stream] || log.watched[stream] == on) continue;
    epoll_event event{.events = EPOLLIN,
                      .data = {.u64 = reinterpret_cast<std::uint64_t>(&log) | std::uint64_t(stream)}};
    ::epoll_ctl(epoll_.get(), on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, log.pipes[stream].get(), &event);
    log.watched[stream] = on;
  }
}

/// One read. False: there is nothing (left) to read.
bool Pump::take(Log& log, int stream) {
  if (!log.pipes[stream]) return false;
  auto& data = log.record.data();
  data.in_flight = std::uint32_t(InFlight::taken);
  const auto n = ::read(log.pipes[stream].get(), buffer_.get(), read_size);
  if (n <= 0) {
    data.in_flight = 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
    if (log.watched[stream]) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, log.pipes[stream].get(), nullptr);
    log.watched[stream] = false;
    log.pipes[stream].reset();  // nobody has the other end
    data.pipe_inode[stream] = 0;
    return false;
  }
  const std::string_view input(buffer_.get(), std::size_t(n));
  data.bytes += std::uint64_t(n);
  if (!log.segments) return data.in_flight = 0, true;
  const auto newline = input.rfind('\n');
  const std::size_t carried = data.carry[stream];
  const auto rest = newline == std::string_view::npos ? carried + input.size() : input.size() - newline - 1;
  Carry carry{log.record.carry(stream), carried, max_log_line};
  if (!log.record.reserve_carry(stream, std::min(rest, max_log_line))) carry.room = carried;
  batch_.clear();
  batch_.begin(stream, time_for(log));
  const auto left = format(batch_, input, carry);
  data.carry[stream] = std::uint32_t(left);
  data.in_flight = std::uint32_t(InFlight::formed);
  if (batch_.lines() > 0) deliver(log);
  data.in_flight = 0;
  return true;
}

void Pump::deliver(Log& log) {
  std::size_t accepted = 0;
  if (!log.failing) {
    accepted = log.segments->append(batch_.bytes(), batch_.marks(), batch_.lines());
    if (accepted < batch_.bytes().size()) {
      log.failing = true;
      failing_.push_back(&log);
      if (log.block) watch(log, false);
    }
  }
  log.record.data().lines += batch_.lines();
  if (accepted < batch_.bytes().size()) hold(log, batch_.bytes().substr(accepted));
  publish(log);
  tell(log, LogNews::written);
}

void Pump::hold(Log& log, std::string_view bytes) {
  log.waiting.push_back({std::string(bytes), wall_ns()});
  log.waiting_bytes += bytes.size();
  if (!log.block) lose_oldest(log);
  auto& data = log.record.data();
  std::uint64_t lines = 0;
  for (const auto& each : log.waiting)
    lines += std::uint64_t(std::count(each.bytes.begin(), each.bytes.end(), '\n'));
  data.waiting_lines = lines;
  data.waiting_bytes = log.waiting_bytes - std::min(log.waiting_bytes, lines * record_overhead);
}

void Pump::lose_oldest(Log& log) {
  bool lost = false;
  while (log.waiting_bytes > ring_size && !log.waiting.empty()) {
    auto& front = log.waiting.front();
    // Whole lines, as few as bring us below the limit.
    const auto excess = log.waiting_bytes - ring_size;
    auto cut = front.bytes.size() <= excess ? front.bytes.size() : front.bytes.find('\n', excess - 1) + 1;
    if (cut == 0) cut = front.bytes.size();
    const auto lines =
        std::uint64_t(std::count(front.bytes.begin(), front.bytes.begin() + std::ptrdiff_t(cut), '\n'));
    const auto bytes = cut - std::min<std::uint64_t>(cut, lines * record_overhead);
    if (log.lost_lines == 0) log.lost_from = front.wall_ns;
    log.lost_to = front.wall_ns;
    log.lost_lines += lines;
    log.lost_bytes += bytes;
    log.record.data().lost_lines += lines;
    log.record.data().lost_bytes += bytes;
    log.waiting_bytes -= cut;
    if (cut == front.bytes.size()) log.waiting.pop_front();
    else front.bytes.erase(0, cut);
    lost = true;
  }
  if (lost) tell(log, LogNews::loss);
}

bool Pump::write_marker(Log& log, std::string_view text) {
  if (!log.segments) return true;
  Batch marker;
  marker.begin(0, wall_ns());
  marker.record('F', {}, text);
  return log.segments->append(marker.bytes(), marker.marks(), 1) == marker.bytes().size();
}

/// True: nothing waits any more.
bool Pump::flush_waiting(Log& log) {
  if (log.lost_lines > 0) {
    const auto text = "[drover: dropped " + std::to_string(log.lost_lines) + " lines / " +
                      std::to_string(log.lost_bytes) + " bytes, " + rfc3339_nano(log.lost_from) + "–" +
                      rfc3339_nano(log.lost_to) + "]";
    if (!write_marker(log, text)) return false;
    log.lost_lines = log.lost_bytes = 0;
  }
  while (!log.waiting.empty()) {
    auto& bytes = log.waiting.front().bytes;
    const auto lines = std::uint64_t(std::count(bytes.begin(), bytes.end(), '\n'));
    const auto accepted =
        log.segments->append(bytes, {{0, std::int64_t(log.waiting.front().wall_ns), 0}}, lines);
    log.waiting_bytes -= accepted;
    if (accepted < bytes.size()) return bytes.erase(0, accepted), false;
    log.waiting.pop_front();
  }
  log.record.data().waiting_lines = 0;
  log.record.data().waiting_bytes = 0;
  return true;
}

void Pump::retry() {
  next_retry_ = boot_ns() + retry_ms * ms;
  for (auto* log : std::vector<Log*>(failing_)) {
    const bool done = flush_waiting(*log);
    if (done) {
      log->failing = false;
      std::erase(failing_, log);
      if (!log->finishing) watch(*log, true);
    }
    publish(*log);
    tell(*log, LogNews::written);
    if (done && log->finishing) close(*log);
  }
}

/// The unfinished line of a stream becomes a line.
void Pump::end_line(Log& log, int stream) {
  auto& data = log.record.data();
  const std::size_t carried = data.carry[stream];
  if (carried == 0 || !log.segments) return;
  batch_.clear();
  batch_.begin(stream, time_for(log));
  batch_.record('F', {log.record.carry(stream), carried}, {});
  data.carry[stream] = 0;
  deliver(log);
}

void Pump::finish_now(Log& log) {
  for (int stream = 0; stream < 2; ++stream) {
    // A blocked log that the disk refuses is taken into memory now: what wrote it is gone, and a pipe holds
    // little.
    for (std::size_t taken = 0; taken < drain_limit && take(log, stream); taken += read_size) continue;
    end_line(log, stream);
  }
  watch(log, false);
  log.finishing = true;
  if (!log.failing) close(log);
}

void Pump::close(Log& log) {
  log.record.data().failing = 0;
  log.record.data().closed = 1;
  tell(log, LogNews::closed);  // the main thread may delete it from here on
}

void Pump::publish(Log& log) {
  auto& data = log.record.data();
  const std::uint8_t failing = log.failing ? 1 : 0;
  const bool other = data.failing != failing;
  data.failing = failing;
  if (!log.segments) return;
  data.log_error = log.failing ? log.segments->error() : 0;
  data.segment = log.segments->number();
  data.offset = log.segments->size();
  if (other) tell(log, LogNews::trouble);
}

void Pump::tell(Log& log, LogNews news) {
  if (news == LogNews::written && (!want_written_ || log.told.exchange(true))) return;
  news_.push({log.owner, news});
}

}  // namespace drover::keeper
