#pragma once
// Ports whose listening socket the keeper holds, and passes to each process that is started for the slot.
//
// The keeper knows a socket as "STACK/INSTANCE_NAME#PORT:NUMBER": by the slot, not by the instance id. So a
// second run of the same slot, under whatever instance id (start-first), that is started with the same port
// number gets the same socket, and both accept from it while both live. Nothing has to be handed over:
// start() of the second one is enough. What must not happen is that the end of the first one closes it; the
// driver sees to that, because it closes only what no other run of the slot has, and only when the core says
// that nothing of it follows.

#include <expected>
#include <set>

#include "core/agent/io.hpp"
#include "keeper/spawn_spec.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

/// "shop/web-1"
std::string slot_of(const std::string& stack, const std::string& instance_name);
std::string socket_name(const std::string& slot, const std::string& port, std::uint16_t number);
/// Whether the keeper's socket `name` is of that slot.
bool of_slot(const std::string& name, const std::string& slot);

struct PassedSockets {
  std::vector<keeper::PassedSocket> names;
  std::vector<Fd> fds;  // for those that the keeper has not
};
/// What a start needs: for each passed port a name; and a fresh listening socket (IPv4, all addresses),
/// unless the name is among `held`. Fails where the port is not free.
std::expected<PassedSockets, agent::SpawnFailed> passed_sockets(const agent::Spawn& spawn,
                                                                const std::set<std::string>& held);

}  // namespace drover::runtime
