#include "runtime/probes.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/client.hpp"
#include "runtime/descriptor.hpp"

namespace drover::runtime {

namespace {

/// The detail of a probe that succeeded, or why it did not.
using Outcome = Result<std::string>;

Lookup words_for(const ProcessDriver& driver, const agent::AskProbe& probe) {
  return words_of({probe.run.instance, probe.stack, probe.instance_name, probe.index, probe.ports},
                  driver.node());
}

bool wanted(const HttpCheck& check, int status) {
  if (check.status.empty()) return status >= 200 && status < 400;
  return std::find(check.status.begin(), check.status.end(), status) != check.status.end();
}

net::Awaitable<Outcome> ask_http(HttpCheck check, Lookup words, Duration timeout) {
  CO_TRY(const auto text, fill(check.url, words));
  CO_TRY(auto url, net::parse_url(text));
  net::ClientSettings settings;
  settings.connect = timeout;
  settings.max_body = 1 << 20;
  if (url.tls()) {
    CO_TRY(settings.tls, net::TlsClient::create({.trust = net::TrustSystem{}}));
  }
  net::ClientRequest request;
  request.target = url.target;
  request.headers.add("User-Agent", "drover-probe");
  request.headers.add("Connection", "close");
  net::HttpClient client(std::move(url), std::move(settings));
  CO_TRY(auto answer, co_await client.open(std::move(request), timeout));
  const auto detail = fmt::format("HTTP {}", answer.status());
  if (!wanted(check, answer.status())) co_return fail(Errc::unavailable, detail);
  co_return detail;
}

struct Resolved {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Result<Resolved> resolve(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return fail(Errc::invalid, fmt::format("\"{}\" is not host:port", text));
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int rc = ::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found);
  if (rc != 0) return fail(Errc::unavailable, fmt::format("{}: {}", host, ::gai_strerror(rc)));
  Resolved out;
  std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return out;
}

net::Awaitable<Outcome> connect_tcp(net::Executor files, std::string address) {
  std::optional<Result<Resolved>> target;
  co_await net::run_on(files, [&] { target.emplace(resolve(address)); });
  if (!*target) co_return fail(std::move(*target).error());
  const auto& to = **target;
  const int fd = ::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(from_errno(errno, "socket"));
  Descriptor socket(co_await net::current_executor(), fd);
  int error = 0;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0) {
    if (errno != EINPROGRESS) co_return fail(from_errno(errno, address));
    CO_TRYV(co_await socket.writable());
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) co_return fail(from_errno(error, address));
  co_return "connected";
}

net::Awaitable<Outcome> ask_exec(ProcessDriver& driver, agent::AskProbe probe,
                                 std::vector<std::string> command) {
  const auto timeout = probe.probe.timeout;
  CO_TRY(const auto ran, co_await driver.run_probe(std::move(probe), std::move(command)));
  if (ran.timed_out) co_return fail(Errc::timeout, "no answer within " + human_duration(timeout));
  auto detail = describe(ran.exit);
  if (!ran.last_line.empty()) detail += ": " + ran.last_line.substr(0, 200);
  if (!succeeded(ran.exit)) co_return fail(Errc::unavailable, detail);
  co_return detail;
}

net::Awaitable<Outcome> ask_one(ProcessDriver& driver, const agent::AskProbe& probe) {
  const auto timeout = probe.probe.timeout;
  if (const auto* http = std::get_if<HttpCheck>(&probe.probe.check))
    co_return co_await ask_http(*http, words_for(driver, probe), timeout);
  if (const auto* tcp = std::get_if<TcpCheck>(&probe.probe.check)) {
    CO_TRY(auto address, fill(tcp->address, words_for(driver, probe)));
    co_return co_await net::within(timeout, connect_tcp(driver.files(), std::move(address)),
                                   "the connection");
  }
  if (const auto* exec = std::get_if<ExecCheck>(&probe.probe.check))
    co_return co_await ask_exec(driver, probe, exec->command);
  co_return fail(Errc::unsupported, "this agent cannot ask that");
}

}  // namespace

net::Awaitable<agent::ProbeAnswer> ask(ProcessDriver& driver, agent::AskProbe probe) {
  auto outcome = co_await ask_one(driver, probe);
  agent::ProbeAnswer answer{probe.run, probe.asked, outcome.has_value(), {}};
  if (outcome) answer.detail = *outcome;
  else
    answer.detail = outcome.error().cause.empty() ? outcome.error().message
                                                  : outcome.error().message + ": " + outcome.error().cause;
  co_return answer;
}

}  // namespace drover::runtime
