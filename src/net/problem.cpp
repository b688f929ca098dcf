#include "net/problem.hpp"

#include "base/json.hpp"

namespace drover::net {

namespace {

json::object describe(const Problem& problem) {
  json::object out;
  auto put = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out.emplace(key, std::string_view(value));
  };
  put("path", problem.path);
  if (problem.line != 0) out.emplace("line", problem.line);
  if (problem.column != 0) out.emplace("column", problem.column);
  put("message", problem.message);
  put("hint", problem.hint);
  put("file", problem.file);
  return out;
}

json::object head(int status, std::string_view code, const std::string& detail) {
  return {{"type", "about:blank"},
          {"title", reason_phrase(status)},
          {"status", status},
          {"detail", detail},
          {"code", code}};
}

Response as_response(int status, const json::object& body) {
  Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  response.body = print_json(body);
  return response;
}

json::object describe(const Error& error, std::string_view trace_id) {
  auto detail = error.cause.empty() ? error.message : error.message + ": " + error.cause;
  auto out = head(http_status(error.code), name(error.code), valid_utf8(detail));
  if (!error.hint.empty()) out.emplace("hint", std::string_view(error.hint));
  if (!trace_id.empty()) out.emplace("trace_id", trace_id);
  if (error.problems.empty()) return out;
  json::array problems;
  for (const auto& problem : error.problems) problems.push_back(describe(problem));
  out.emplace("errors", std::move(problems));
  return out;
}

std::string text_at(const json::object& object, std::string_view key) {
  auto found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::uint32_t number_at(const json::object& object, std::string_view key) {
  auto found = object.if_contains(key);
  return found && found->is_int64() ? std::uint32_t(found->get_int64()) : 0;
}

Errc code_of_status(int status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::denied;
    case 404: return Errc::not_found;
    case 409: return Errc::conflict;
    case 412: return Errc::stale;
    case 408:
    case 504: return Errc::timeout;
    case 413:
    case 429:
    case 431: return Errc::exhausted;
    case 501: return Errc::unsupported;
    case 502:
    case 503: return Errc::unavailable;
    default: return status >= 500 ? Errc::internal : Errc::invalid;
  }
}

Errc code_named(std::string_view text, int status) {
  for (int i = 0; i <= int(Errc::internal); ++i)
    if (name(Errc(i)) == text) return Errc(i);
  return code_of_status(status);
}

}  // namespace

std::string problem_json(const Error& error, std::string_view trace_id) {
  return print_json(describe(error, trace_id));
}

Response problem_response(const Error& error, std::string_view trace_id) {
  return as_response(http_status(error.code), describe(error, trace_id));
}

Response problem_response(int status, std::string_view code, std::string detail) {
  return as_response(status, head(status, code, detail));
}

Error problem_error(int status, std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed || !parsed->is_object() || !parsed->get_object().if_contains("detail"))
    return Error{code_of_status(status),
                 "the server answered " + std::to_string(status) + " " + std::string(reason_phrase(status))};
  const auto& object = parsed->get_object();
  Error error{
      code_named(text_at(object, "code"), status), text_at(object, "detail"), {}, text_at(object, "hint")};
  auto problems = object.if_contains("errors");
  if (!problems || !problems->is_array()) return error;
  for (const auto& item : problems->get_array()) {
    if (!item.is_object()) continue;
    const auto& one = item.get_object();
    error.problems.push_back({text_at(one, "path"), number_at(one, "line"), number_at(one, "column"),
                              text_at(one, "message"), text_at(one, "hint"), text_at(one, "file")});
  }
  return error;
}

}  // namespace drover::net
