#pragma once
// One call of grpc.health.v1.Health/Check over cleartext HTTP/2, sans-I/O: the only user of nghttp2.
// Formats: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (frames, trailers),
// …/doc/health-checking.md.

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace drover::net {

/// Bytes from output() go to the server, bytes from it into input(), until finished() or the connection ends.
class GrpcHealthCall {
 public:
  /// `authority`: host:port. `service`: empty asks for the server as a whole.
  GrpcHealthCall(const std::string& authority, const std::string& service);
  ~GrpcHealthCall();
  GrpcHealthCall(const GrpcHealthCall&) = delete;
  GrpcHealthCall& operator=(const GrpcHealthCall&) = delete;

  /// What is to be sent now; may be empty.
  std::string output();
  /// unavailable: this is no HTTP/2, or more than an answer of this kind can be.
  Result<void> input(std::string_view bytes);
  bool finished() const;
  /// "SERVING". unavailable: another status, an error of the call (in gRPC's words), or no whole answer.
  Result<std::string> outcome() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drover::net
