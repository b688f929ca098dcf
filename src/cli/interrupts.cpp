#include "cli/interrupts.hpp"

#include <csignal>

namespace drover::cli {

Interrupts::Interrupts()
    : signals_(pool_.executor(0), [this](int signal) {
        if (signal == SIGHUP) return;
        ++count_;
        once_ = true;
        event_.set();
      }) {}

void Interrupts::wait() { net::block_on(event_.wait()); }

}  // namespace drover::cli
