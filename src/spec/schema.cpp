// Pieces of the JSON Schema, and the whole.
#include "base/json.hpp"
#include "spec/parts.hpp"

namespace drover::spec {

// Numbers and texts stand for each other as YAML has it: an unquoted 8080 where a text is wanted is "8080".
json::value text_schema() { return json::object{{"type", {"string", "number"}}}; }
json::value number_schema(std::int64_t low, std::int64_t high) {
  return json::object{{"type", {"integer", "string"}}, {"minimum", low}, {"maximum", high}};
}
json::value duration_schema() {
  return json::object{{"type", {"string", "number"}}, {"examples", {"500ms", "10s", "1m30s"}}};
}
json::value size_schema() {
  return json::object{{"type", {"string", "integer"}}, {"examples", {"512MiB", "20GiB"}}};
}
json::value strings_schema() { return json::object{{"type", "array"}, {"items", text_schema()}}; }
json::value pairs_schema() {
  return either({json::object{{"type", "object"},
                              {"additionalProperties", json::object{{"type", {"string", "number", "null"}}}}},
                 strings_schema()});
}
json::value either(std::initializer_list<json::value> schemas) {
  json::array all(schemas.begin(), schemas.end());
  return json::object{{"anyOf", std::move(all)}};
}

}  // namespace drover::spec
