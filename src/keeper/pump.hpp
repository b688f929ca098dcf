#pragma once
// The log thread: takes output from the pipes, writes it as CRI lines. The two threads exchange messages,
// counters lie in the record. A hung disk holds up this thread and nothing else.

#include <pthread.h>
#include <deque>
#include <memory>

#include "keeper/cri.hpp"
#include "keeper/mailbox.hpp"
#include "keeper/record.hpp"
#include "keeper/segments.hpp"

namespace drover::keeper {

/// The log of one incarnation. Made by the main thread, then the log thread's until it says closed.
struct Log {
  explicit Log(Record& of) : record(of) {}
  Record& record;
  std::uint32_t owner = 0;  // the instance's number
  Fd pipes[2];
  std::unique_ptr<Segments> segments;  // null: output is read and thrown away
  std::atomic<bool> block{false};
  std::atomic<std::uint64_t> ended_wall_ns{0};  // 0: it goes on
  std::atomic<bool> told{false};                // `written` was sent and not answered yet

  /// Records that the disk refused, oldest first.
  struct Waiting {
    std::string bytes;
    std::uint64_t wall_ns = 0;
  };
  std::deque<Waiting> waiting;
  std::uint64_t waiting_bytes = 0;
  std::uint64_t lost_lines = 0, lost_bytes = 0, lost_from = 0, lost_to = 0;  // not yet told in the file
  bool watched[2] = {false, false};
  bool failing = false, finishing = false;
  bool gap = false;  // its pipe vanished while no keeper lived
};

enum class LogNews : std::uint32_t { closed, written, loss, trouble };
struct LogMessage {
  std::uint32_t owner = 0;
  LogNews news = LogNews::closed;
};

class Pump {
 public:
  bool start();
  /// The pump owns the log from here until it reports `closed` for it.
  void add(Log* log) { commands_.push({log, Verb::add}); }
  /// Nothing will write any more: takes what is left in the pipes, ends the last line, closes. Never waits
  /// for end of file, which a stranger who was given the descriptor could hold off for ever. `ended`: what is
  /// taken later was written before that; 0: not known.
  void finish(Log* log, std::uint64_t ended_wall_ns) {
    log->ended_wall_ns = ended_wall_ns;
    commands_.push({log, Verb::finish});
  }
  /// Ends the thread between two batches; the state is in the records. False: not in time (hung disk).
  bool stop(int timeout_ms);
  /// What happened to the logs, for the main thread's loop.
  Mailbox<LogMessage>& news() { return news_; }
  void want_written(bool wanted) { want_written_ = wanted; }

 private:
  enum class Verb : std::uint32_t { add, finish, stop };
  struct Command {
    Log* log;
    Verb verb;
  };
  void run();
  bool obey();
  void begin(Log& log);
  void watch(Log& log, bool on);
  bool take(Log& log, int stream);
  void deliver(Log& log);
  void hold(Log& log, std::string_view bytes);
  void lose_oldest(Log& log);
  bool write_marker(Log& log, std::string_view text);
  bool flush_waiting(Log& log);
  void retry();
  void end_line(Log& log, int stream);
  void finish_now(Log& log);
  void close(Log& log);
  void publish(Log& log);
  void tell(Log& log, LogNews news);

  Fd epoll_;
  Mailbox<Command> commands_;
  Mailbox<LogMessage> news_;
  pthread_t thread_{};
  bool running_ = false;
  std::atomic<bool> want_written_{false};
  std::vector<Log*> failing_;
  std::uint64_t next_retry_ = 0;
  Batch batch_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace drover::keeper
