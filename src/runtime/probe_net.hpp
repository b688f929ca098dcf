#pragma once
// Probes over the network and Unix sockets. Errc::invalid: the check itself is wrong; anything else says
// something about whom it asked.

#include <string>

#include "model/placeholder.hpp"
#include "model/stack.hpp"
#include "net/async.hpp"

namespace drover::runtime {

net::Awaitable<Result<std::string>> ask_http(HttpCheck check, Lookup words, Duration timeout);
/// `files`: for looking up names.
net::Awaitable<Result<std::string>> ask_tcp(net::Executor files, TcpCheck check, Lookup words,
                                            Duration timeout);
net::Awaitable<Result<std::string>> ask_grpc(net::Executor files, GrpcCheck check, Lookup words,
                                             Duration timeout);

}  // namespace drover::runtime
