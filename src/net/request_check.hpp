#pragma once
// What must hold of a request's head before anything else looks at it. Beast's parser lets these pass; two
// parsers that read them differently (a proxy and we) are how requests are smuggled.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace drover::net {

struct HeadProblem {
  int status = 400;  // 400, 431, 501, 505
  std::string what;
};

/// `head`: the raw bytes from the request line up to and with the empty line. nullopt: fine.
/// Refused: bare CR or LF, folded lines, NUL and control characters, names that are not tokens, blank before
/// ":", more than 100 fields, HTTP other than 1.0 and 1.1, no Host or two or one that is not host[:port], two
/// Content-Length or one that is not digits, Transfer-Encoding other than one "chunked", in HTTP/1.0, or
/// together with Content-Length, targets that are not in origin form (but "*" for OPTIONS).
std::optional<HeadProblem> check_head(std::string_view head);

/// Where the head ends (just after the empty line); nullopt: not all there yet.
std::optional<std::size_t> end_of_head(std::string_view bytes);

}  // namespace drover::net
