#pragma once
// Sessions and streams over a WebSocket, for hub and agent alike: text messages, frames as protocol/codec.hpp
// writes them.

#include "net/channel.hpp"
#include "net/websocket.hpp"

namespace drover::net {

/// How both ends of a session set their WebSocket up: frames are at most protocol::max_frame long.
WebSocketSettings session_settings();

/// Frames over a WebSocket. unsupported: a frame of an unknown kind; the session cannot go on, its number is
/// missing.
std::shared_ptr<FrameLink> frames_over(WebSocket socket);
/// Plain text messages over a WebSocket.
std::shared_ptr<TextLink> texts_over(WebSocket socket);

}  // namespace drover::net
