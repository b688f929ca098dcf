#pragma once
// Errors as RFC 9457 problem+json: type title status detail code hint trace_id errors[].

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http.hpp"

namespace drover::net {

/// The body. `trace_id` may be empty. What people see: message and cause in `detail`, hint in `hint`.
std::string problem_json(const Error& error, std::string_view trace_id = {});
/// The answer with the status of the error's code.
Response problem_response(const Error& error, std::string_view trace_id = {});
/// For statuses that no Errc stands for (405, 413, 426, 431).
Response problem_response(int status, std::string_view code, std::string detail);
/// The Error in a problem+json answer, for clients: code, message, hint, problems. Any other body: by status
/// alone.
Error problem_error(int status, std::string_view body);

}  // namespace drover::net
