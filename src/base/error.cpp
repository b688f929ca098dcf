#include "base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace drover {

namespace {
Errc code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::denied;
    case EEXIST:
    case EBUSY:
    case EADDRINUSE: return Errc::conflict;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Errc::exhausted;
    case ETIMEDOUT: return Errc::timeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EAGAIN: return Errc::unavailable;
    case EINVAL: return Errc::invalid;
    case ENOSYS:
    case EOPNOTSUPP: return Errc::unsupported;
    default: return Errc::internal;
  }
}
}  // namespace

Error from_errno(int error_number, std::string what) {
  return Error{code_of(error_number), std::move(what) + ": " + std::strerror(error_number), {}, {}, {}};
}

std::string_view name(Errc code) {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::stale: return "stale";
    case Errc::unauthenticated: return "unauthenticated";
    case Errc::denied: return "denied";
    case Errc::exhausted: return "exhausted";
    case Errc::timeout: return "timeout";
    case Errc::unavailable: return "unavailable";
    case Errc::unsupported: return "unsupported";
    case Errc::internal: return "internal";
  }
  std::unreachable();
}

int http_status(Errc code) {
  switch (code) {
    case Errc::invalid: return 400;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::stale: return 412;
    case Errc::unauthenticated: return 401;
    case Errc::denied: return 403;
    case Errc::exhausted: return 429;
    case Errc::timeout: return 504;
    case Errc::unavailable: return 503;
    case Errc::unsupported: return 422;
    case Errc::internal: return 500;
  }
  std::unreachable();
}

int exit_status(Errc code) {
  switch (code) {
    case Errc::invalid: return 2;
    case Errc::not_found: return 3;
    case Errc::unauthenticated:
    case Errc::denied: return 4;
    case Errc::conflict:
    case Errc::stale: return 5;
    case Errc::timeout: return 6;
    case Errc::unavailable: return 7;
    case Errc::unsupported:
    case Errc::exhausted:
    case Errc::internal: return 1;
  }
  std::unreachable();
}

bool retryable(Errc code) {
  return code == Errc::unavailable || code == Errc::timeout || code == Errc::exhausted;
}

void broken(std::string_view what, std::string_view file, int line) {
  std::fprintf(stderr, "drover: broken invariant: %.*s (%.*s:%d)\n", int(what.size()), what.data(),
               int(file.size()), file.data(), line);
  std::abort();
}

}  // namespace drover
