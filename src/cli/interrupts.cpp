#include "cli/interrupts.hpp"

#include <csignal>

#include "runtime/descriptor.hpp"

namespace drover::cli {

namespace {
net::Awaitable<void> call_at_end(int pidfd, std::function<void()> call) {
  runtime::Descriptor ended(co_await net::current_executor(), pidfd);
  if (co_await ended.readable()) call();
}
}  // namespace

Interrupts::Interrupts()
    : watching_(pool_.executor(0), [](std::string_view, std::string_view) {}),
      signals_(pool_.executor(0), [this](int signal) {
        if (signal != SIGHUP) count_one();
      }) {}

Interrupts::~Interrupts() {
  watching_.cancel();
  net::wait_for(pool_.executor(0), watching_.join());
}

void Interrupts::count_one() {
  ++count_;
  once_ = true;
  event_.set();
}

void Interrupts::also_at_end_of(Process other) {
  watching_.spawn(call_at_end(std::move(other).release(), [this] { count_one(); }));
}

void Interrupts::wait() { net::block_on(event_.wait()); }

}  // namespace drover::cli
