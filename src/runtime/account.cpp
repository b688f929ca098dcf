// Users and groups by name, from the system's database.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>

#include "runtime/spawn_spec.hpp"

namespace drover::runtime {

namespace {

std::optional<std::uint32_t> as_number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

/// False: no such user. `by_number` is used when `name` is empty.
bool look_up_user(const std::string& name, std::uint32_t by_number, Account& account) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  const int rc = name.empty() ? ::getpwuid_r(by_number, &entry, buffer.data(), buffer.size(), &found)
                              : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (rc != 0 || found == nullptr) return false;
  account.uid = entry.pw_uid;
  account.gid = entry.pw_gid;
  account.name = entry.pw_name;
  account.home = entry.pw_dir;
  return true;
}

Result<std::uint32_t> group_id(const std::string& name) {
  if (const auto number = as_number(name)) return *number;
  std::vector<char> buffer(64 << 10);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return fail(Errc::not_found, fmt::format("group {}: there is no such group", name));
  return std::uint32_t(entry.gr_gid);
}

std::vector<std::uint32_t> groups_of(const Account& account) {
  if (account.name.empty()) return {account.gid};
  std::vector<gid_t> groups(256);
  int count = int(groups.size());
  if (::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) < 0) return {account.gid};
  return {groups.begin(), groups.begin() + count};
}

}  // namespace

Result<Account> find_account(const std::string& user, const std::string& group,
                             const std::vector<std::string>& groups) {
  Account account;
  account.uid = ::geteuid();
  account.gid = ::getegid();
  const auto number = as_number(user);
  if (user.empty() || number) {
    const auto uid = number.value_or(account.uid);
    if (!look_up_user({}, uid, account) && number)
      account.uid = account.gid = uid;  // a number needs no entry
  } else if (!look_up_user(user, 0, account)) {
    return fail(Errc::not_found, fmt::format("user {}: there is no such user", user));
  }
  if (!group.empty()) {
    TRY(account.gid, group_id(group));
  }
  account.change =
      account.uid != ::geteuid() || account.gid != ::getegid() || (::geteuid() == 0 && !user.empty());
  if (account.change && ::geteuid() != 0)
    return fail(Errc::denied,
                fmt::format("user {}: only an agent that runs as root can start programs as another user",
                            user.empty() ? group : user));
  account.change = account.change || (::geteuid() == 0 && !groups.empty());
  if (account.change) account.groups = groups_of(account);
  for (const auto& name : groups) {
    TRY(const auto id, group_id(name));
    account.groups.push_back(id);
  }
  if (account.home.empty()) account.home = "/";
  return account;
}

}  // namespace drover::runtime
