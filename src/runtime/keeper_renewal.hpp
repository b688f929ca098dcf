#pragma once
// A keeper that was started from an older installation becomes the installed one, with everything in hand.

#include "runtime/keeper_client.hpp"

namespace drover::runtime {

/// Guard and keeper that run another file than the installed `binary` (empty: find_keeper()) execute it in
/// their place: pids, services, pipes and sockets stay. Call when connected, before the first request. When
/// it cannot be, the former ones go on; that is logged, and tried again by the next start. Bounded by the
/// client's time for a request, and 3 s.
net::Awaitable<void> renew_keeper(KeeperClient& client, std::string binary, Log& log);

}  // namespace drover::runtime
