#include "main/init.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "cli/local_process.hpp"

namespace drover {

namespace {

constexpr int passed_on[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
constexpr unsigned most_failures = 5;  // deaths in a row, each sooner than `healthy_s` after its start
constexpr time_t healthy_s = 10;

time_t now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

class Init {
 public:
  /// Returns in the child only.
  void run() {
    sigemptyset(&signals_);
    for (const int each : passed_on) sigaddset(&signals_, each);
    sigaddset(&signals_, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &signals_, &before_);
    while (start() != 0) {
      while (child_ != 0) {
        siginfo_t info{};
        if (::sigwaitinfo(&signals_, &info) == SIGCHLD) reap();
        // A key on the terminal reaches the child by itself: a second time would mean "at once".
        else if (info.si_signo > 0 && info.si_code != SI_KERNEL) pass_on(info.si_signo);
      }
      rest();
    }
  }

 private:
  /// 0: this is the child.
  pid_t start() {
    started_ = now_s();
    child_ = ::fork();
    if (child_ == 0) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    if (child_ >= 0) return child_;
    std::perror("drover: cannot fork");
    ::_exit(71);
  }

  void pass_on(int signal) const {
    if (auto process = cli::Process::open(child_)) (void)process->signal(signal);  // not reaped yet: it is it
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
      if (pid == child_) ended(status);
  }

  void ended(int status) {
    child_ = 0;
    if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
    failures_ = now_s() - started_ >= healthy_s ? 1 : failures_ + 1;
    if (failures_ > most_failures) ::_exit(128 + WTERMSIG(status));
    std::fprintf(stderr, "drover: killed by signal %d; it is started again\n", WTERMSIG(status));
  }

  /// Longer after each death; a request to end ends this too.
  void rest() {
    const timespec pause{0, long(std::min(failures_, 5u) - 1) * 150'000'000};
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    if (::sigtimedwait(&ending, nullptr, &pause) == SIGTERM) ::_exit(128 + SIGTERM);
  }

  sigset_t signals_{}, before_{};
  pid_t child_ = 0;
  time_t started_ = 0;
  unsigned failures_ = 0;
};

}  // namespace

void be_init_of_container() {
  if (::getpid() == 1) Init().run();
}

}  // namespace drover
