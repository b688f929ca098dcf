#pragma once
// A process driver with a real keeper in a temporary directory; everything is stopped at the end.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/rng.hpp"
#include "net/io_pool.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/logs.hpp"
#include "runtime/process_driver.hpp"

namespace drover::runtime {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char path[] = "/tmp/drover-test-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string keeper_binary() {
  const char* bin = std::getenv("DROVER_BIN");
  return std::string(bin != nullptr ? bin : "build/dev/bin") + "/drover-keeper";
}

/// What the driver told, in order.
class Told {
 public:
  void add(agent::Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  template <class T>
  std::optional<T> find(const agent::Run& run) const {
    const std::lock_guard lock(mutex_);
    for (const auto& event : events_)
      if (const auto* one = std::get_if<T>(&event); one != nullptr && one->run == run) return *one;
    return std::nullopt;
  }
  template <class T>
  std::optional<T> wait(const agent::Run& run, Duration limit = 10s) const {
    for (auto waited = 0us; waited < limit; waited += 2ms) {
      if (auto found = find<T>(run)) return found;
      ::usleep(2000);
    }
    return find<T>(run);
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<agent::Event> events_;
};

/// One life of an agent's hands.
class Hands {
 public:
  Hands(net::IoPool& pool, const Paths& paths, Log& log)
      : executor(pool.executor(0)),
        driver({executor,
                pool.executor(1),
                {paths, keeper_binary()},
                [this](agent::Event e) { told.add(std::move(e)); }},
               log) {}
  ~Hands() { close(); }
  void close() {
    if (!open_) return;
    open_ = false;
    net::wait_for(executor, driver.close());
  }
  Result<std::vector<agent::Found>> open() {
    open_ = true;
    if (auto opened = net::wait_for(executor, driver.open()); !opened) return fail(std::move(opened).error());
    return net::wait_for(executor, driver.recover());
  }
  /// Opens; why it could not be.
  std::string problem() {
    const auto opened = open();
    return opened ? "" : opened.error().message + " " + opened.error().cause;
  }
  auto start(agent::Spawn spawn) { return net::wait_for(executor, driver.start(std::move(spawn))); }
  auto stop(agent::Run run, Duration grace = 5s, std::string signal = "SIGTERM") {
    return net::wait_for(executor, driver.stop({run, {.signal = std::move(signal), .grace = grace}, {}}));
  }

  Told told;
  net::Executor executor;
  ProcessDriver driver;

 private:
  bool open_ = false;
};

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() : log_(clock_, log_fd(), "test", true), pool_(2) {
    paths_ = *prepare_directories({directory_.path() + "/state", directory_.path() + "/run"});
    if (::access(keeper_binary().c_str(), X_OK) != 0) missing_ = true;
  }
  ~RuntimeTest() override {
    if (missing_) return;
    Hands last(pool_, paths_, log_);
    if (last.open()) {
      (void)net::wait_for(last.executor, last.driver.keeper().shutdown({}, 100ms));
      for (int i = 0; i < 1000 && ::access((paths_.state + "/keeper.lock").c_str(), F_OK) == 0 && listening();
           ++i)
        ::usleep(5000);
    }
  }
  void SetUp() override {
    if (missing_) GTEST_SKIP() << keeper_binary() << " is not built";
  }

  bool listening() const {
    const Fd fd(keeper::connect_socket(paths_.state.c_str(), SOCK_NONBLOCK));
    return bool(fd);
  }
  int log_fd() {
    return ::open((directory_.path() + "/test.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  agent::Spawn shell(const std::string& script, const std::string& name = "api-1") {
    agent::Spawn spawn;
    spawn.run = {InstanceId{make_uuid(clock_.now().wall, rng_)}, 1};
    spawn.placement = {spawn.run.instance, 1, 1, "digest"};
    spawn.stack = "shop";
    spawn.instance_name = name;
    spawn.service.name = "api";
    ProcessSpec spec;
    spec.command = {"/bin/sh", "-c", script};
    spec.working_dir = "/tmp";
    spawn.service.spec = spec;
    return spawn;
  }
  static ProcessSpec& spec(agent::Spawn& spawn) { return std::get<ProcessSpec>(spawn.service.spec); }
  std::vector<std::string> lines_of(const agent::Spawn& spawn, std::size_t count = 100) {
    return last_lines(log_directory(paths_, spawn.stack, spawn.instance_name, spawn.run.instance), count);
  }
  std::vector<std::string> wait_for_lines(const agent::Spawn& spawn, std::size_t count) {
    for (int i = 0; i < 1000 && lines_of(spawn).size() < count; ++i) ::usleep(5000);
    return lines_of(spawn);
  }

  TemporaryDirectory directory_;
  RealClock clock_;
  Rng rng_{real_seed()};
  Log log_;
  net::IoPool pool_;
  Paths paths_;
  bool missing_ = false;
};

}  // namespace drover::runtime
