#pragma once
// One agent's session, from the open link to its end, whatever the link is.

#include <memory>
#include <string>

#include "base/log.hpp"
#include "hub/engine.hpp"
#include "net/channel.hpp"

namespace drover::hub {

/// The peer has proven to be `uid`. Reads frames into the core and writes what the core says; returns when
/// the link has ended. May be cancelled.
net::Awaitable<void> run_session(Engine& engine, Log& log, std::shared_ptr<net::FrameLink> link, NodeId uid,
                                 std::string address);

}  // namespace drover::hub
