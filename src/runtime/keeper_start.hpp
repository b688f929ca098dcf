#pragma once
// Starts guard and keeper as processes of their own, outside our session.

#include "runtime/keeper_client.hpp"

namespace drover::runtime {

/// Returns when somebody listens on the keeper's socket. `guard_pid`: of the guard started last, or 0; it is
/// waited for when it has ended. The keeper's own log goes to STATE/keeper.log.
net::Awaitable<Result<void>> start_keeper(const KeeperOptions& options, std::int64_t* guard_pid, Log& log);

/// Waits for it if it has ended, so that no zombie stays; then *guard_pid is 0.
void reap_guard(std::int64_t* guard_pid);

}  // namespace drover::runtime
