#include "hub/api/api.hpp"

namespace drover::hub {

namespace {

json::object ref_problem() {
  return {{"description", "What went wrong (RFC 9457)."},
          {"content",
           json::object{{"application/problem+json",
                         json::object{{"schema", json::object{{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

json::array parameters_of(const ApiRoute& route) {
  json::array out;
  for (const auto& part : split(route.path, '/'))
    if (part.starts_with('{'))
      out.push_back(json::object{{"name", part.substr(1, part.size() - 2)},
                                 {"in", "path"},
                                 {"required", true},
                                 {"schema", json::object{{"type", "string"}}}});
  if (!route.list) return out;
  for (auto* name : {"filter", "sort", "cursor", "limit"})
    out.push_back(json::object{
        {"name", name},
        {"in", "query"},
        {"schema", json::object{{"type", name == std::string_view("limit") ? "integer" : "string"}}}});
  return out;
}

json::object answer_of(const ApiRoute& route) {
  json::object ok{{"description", "As asked."}};
  json::value schema = route.output;
  if (route.list)
    schema = json::object{
        {"type", "object"},
        {"properties", json::object{{"items", json::object{{"type", "array"}, {"items", route.output}}},
                                    {"next", json::object{{"type", json::array{"string", "null"}}}}}},
        {"required", json::array{"items", "next"}}};
  if (!schema.is_null()) ok["content"] = json::object{{"application/json", json::object{{"schema", schema}}}};
  return {{"2XX", std::move(ok)}, {"default", ref_problem()}};
}

/// "GET /stacks/{stack}" → "get_stacks_stack".
std::string operation_id(const ApiRoute& route) {
  std::string out;
  for (char c : route.method + route.path) {
    if (c >= 'A' && c <= 'Z') out += char(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    else if (!out.ends_with('_') && c != '}') out += '_';
  }
  return out;
}

json::object operation_of(const ApiRoute& route) {
  json::object out{
      {"summary", route.summary}, {"operationId", operation_id(route)}, {"responses", answer_of(route)}};
  if (auto parameters = parameters_of(route); !parameters.empty()) out["parameters"] = std::move(parameters);
  if (!route.input.is_null())
    out["requestBody"] =
        json::object{{"content", json::object{{"application/json", json::object{{"schema", route.input}}}}}};
  if (route.open) out["security"] = json::array{};
  return out;
}

}  // namespace

std::string openapi(const std::vector<ApiRoute>& routes, std::string_view version) {
  json::object paths;
  for (const auto& route : routes) {
    if (route.base != api_base) continue;  // of another system, which has its own description
    auto& path = paths[route.path];
    if (!path.is_object()) path = json::object{};
    auto method = route.method;
    for (char& c : method) c = char(c - 'A' + 'a');
    path.get_object()[method] = operation_of(route);
  }
  json::object problem{{"type", "object"}};
  json::object schemes{
      {"token", json::object{{"type", "http"}, {"scheme", "bearer"}}},
      {"session", json::object{{"type", "apiKey"}, {"in", "cookie"}, {"name", "drover_session"}}}};
  return print_json(json::object{
      {"openapi", "3.1.0"},
      {"info",
       json::object{
           {"title", "Drover"}, {"version", version}, {"license", json::object{{"name", "Apache-2.0"}}}}},
      {"servers", json::array{json::object{{"url", api_base}}}},
      {"security",
       json::array{json::object{{"token", json::array{}}}, json::object{{"session", json::array{}}}}},
      {"paths", std::move(paths)},
      {"components", json::object{{"schemas", json::object{{"Problem", std::move(problem)}}},
                                  {"securitySchemes", std::move(schemes)}}}});
}

}  // namespace drover::hub
