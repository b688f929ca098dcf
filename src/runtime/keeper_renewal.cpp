#include "runtime/keeper_renewal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

namespace drover::runtime {

namespace {

constexpr auto takes_over_within = 3s;
constexpr auto look_every = 5ms;

/// False only when it is known to run another file: an installer never writes into one that runs.
bool runs(std::int64_t pid, const struct stat& installed) {
  struct stat running{};
  if (pid <= 0 || ::stat(fmt::format("/proc/{}/exe", pid).c_str(), &running) != 0) return true;
  return running.st_dev == installed.st_dev && running.st_ino == installed.st_ino;
}

bool both_run(const KeeperStatus& status, const struct stat& installed) {
  return runs(status.info.keeper_pid, installed) && runs(status.info.guard_pid, installed);
}

net::Awaitable<Result<void>> take_over(KeeperClient& client, std::string binary, struct stat installed) {
  CO_TRYV(co_await client.reexec(std::move(binary)));
  const auto until = std::chrono::steady_clock::now() + takes_over_within;
  while (std::chrono::steady_clock::now() < until) {
    const auto status = co_await client.status();  // waits for the new connection
    if (status && both_run(*status, installed)) co_return Result<void>();
    co_await net::sleep_for(look_every);
  }
  co_return fail(Errc::unavailable, "it began and did not stay");
}

std::string reason(const Error& error) {
  if (error.code == Errc::unsupported)
    return "it does not run here, or cannot read what the former one hands over";
  if (error.code == Errc::unavailable && error.message.starts_with("the keeper refused"))
    return "log lines wait in memory for a full disk, or everything is ending";
  return error.message;
}

}  // namespace

net::Awaitable<void> renew_keeper(KeeperClient& client, std::string binary, Log& log) {
  auto found = binary.empty() ? find_keeper() : Result<std::string>(std::move(binary));
  const auto status = co_await client.status();
  struct stat installed{};
  if (!found || !status) co_return;
  std::error_code ignored;
  const auto path = std::filesystem::absolute(*found, ignored).string();
  if (::stat(path.c_str(), &installed) != 0 || both_run(*status, installed)) co_return;
  if (auto done = co_await take_over(client, path, installed); !done)
    log.warn("the installed drover-keeper cannot take over; the former one goes on",
             {{"path", path}, {"error", reason(done.error())}});
  else log.info("keeper and guard are now the installed ones", {{"path", path}, {"former", status->version}});
}

}  // namespace drover::runtime
