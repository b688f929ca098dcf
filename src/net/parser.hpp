#pragma once
// Beast's HTTP parser behind a plain class: fed with bytes, gives our values. Internal to net.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http.hpp"

namespace drover::net {

/// One message. Body bytes collect in take_body() as they come, without the framing.
class MessageParser {
 public:
  enum class Kind : std::uint8_t { request, response };
  /// `no_body`: the answer to HEAD.
  explicit MessageParser(Kind kind, std::size_t max_header, bool no_body = false);
  ~MessageParser();

  /// Eats some of `bytes`, returns how many; 0 with no error: needs more than these. Stops after the head.
  /// Errors: invalid, exhausted (head or body limit).
  Result<std::size_t> feed(std::string_view bytes);
  /// The peer closed. True: the message is complete by that; false: it was cut off.
  bool feed_end();

  bool head_done() const;
  bool done() const;
  /// Bytes of body allowed from now on; asked of Content-Length too as soon as the head is done.
  void set_body_limit(std::uint64_t limit);
  bool over_limit() const;  // Content-Length says more than the limit

  // Valid when head_done().
  const std::string& method() const;
  const std::string& target() const;
  int status() const;
  bool keep_alive() const;
  bool http10() const;
  Headers& headers();
  std::string& body();  // what has come so far and was not taken

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drover::net
