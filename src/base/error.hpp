#pragma once
// Result and Error: the one way to say that something did not work.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drover {

/// A code exists only if someone acts on it: HTTP status, CLI exit status, "may be retried".
enum class Errc : std::uint8_t {
  invalid,  // the input is wrong; the caller must change it
  not_found,
  conflict,         // the state does not allow it now (409), or more than one thing matches
  stale,            // If-Match did not match (412)
  unauthenticated,  // who are you?
  denied,           // we know who you are; you may not
  exhausted,        // a limit was reached: size, rate, count
  timeout,          // a deadline passed; the outcome may be unknown
  unavailable,      // not now: not connected, shutting down, disk full; try again later
  unsupported,      // this machine, version or driver cannot do it
  internal,         // our fault
};

/// One place in an input file or body that is wrong.
struct Problem {
  std::string path;        // services.api.probes.ready.interval
  std::uint32_t line = 0;  // 1-based; 0: not known
  std::uint32_t column = 0;
  std::string message;  // what was found, and what is allowed
  std::string hint;     // the nearest valid word, or what to do
  std::string file;     // as the user named it; empty: the request's body
  bool operator==(const Problem&) const = default;
};

struct Error {
  Errc code = Errc::internal;
  std::string message;            // one sentence: what failed
  std::string cause;              // why, where known
  std::string hint;               // what to do next
  std::vector<Problem> problems;  // for invalid input: all of them
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message, std::string cause = {},
                                   std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(cause), std::move(hint), {}});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

/// An Error from errno: code by the usual meaning, message "what: strerror".
Error from_errno(int error_number, std::string what);

std::string_view name(Errc code);  // "not_found": stable, used in problem+json and logs
int http_status(Errc code);
int exit_status(
    Errc code);  // cli.md: 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 timeout, 7 unreachable
bool retryable(Errc code);

/// A broken invariant: prints and aborts, in release too.
[[noreturn]] void broken(std::string_view what, std::string_view file, int line);
#define DROVER_ASSERT(condition, what) ((condition) ? void() : ::drover::broken(what, __FILE__, __LINE__))

}  // namespace drover

// TRY(auto value, expression): value of a Result, or return its error from this function.
#define DROVER_CAT2(a, b) a##b
#define DROVER_CAT(a, b) DROVER_CAT2(a, b)
#define TRY_IMPL(temporary, declaration, expression, leave)            \
  auto temporary = (expression);                                       \
  if (!temporary) leave std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)
#define TRY(declaration, ...) TRY_IMPL(DROVER_CAT(try_, __LINE__), declaration, (__VA_ARGS__), return)
#define CO_TRY(declaration, ...) TRY_IMPL(DROVER_CAT(try_, __LINE__), declaration, (__VA_ARGS__), co_return)
// TRYV(expression): the same for Result<void>.
#define TRYV(...)                                                                   \
  if (auto DROVER_CAT(try_, __LINE__) = (__VA_ARGS__); !DROVER_CAT(try_, __LINE__)) \
  return std::unexpected(std::move(DROVER_CAT(try_, __LINE__)).error())
#define CO_TRYV(...)                                                                \
  if (auto DROVER_CAT(try_, __LINE__) = (__VA_ARGS__); !DROVER_CAT(try_, __LINE__)) \
  co_return std::unexpected(std::move(DROVER_CAT(try_, __LINE__)).error())
