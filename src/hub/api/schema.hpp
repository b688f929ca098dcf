#pragma once
// JSON Schema of a described type, spelled as base/json.hpp spells its values.

#include "base/json.hpp"

namespace drover::hub {

/// What comes in may leave members out; an answer has all that are not optional.
enum class Side { input, answer };

template <class T, Side side = Side::input>
json::value schema_of() {
  if constexpr (std::is_same_v<T, json::value>) return json::object{};
  else if constexpr (std::is_same_v<T, json::object>) return json::object{{"type", "object"}};
  else if constexpr (std::is_same_v<T, bool>) return json::object{{"type", "boolean"}};
  else if constexpr (std::is_integral_v<T>) return json::object{{"type", "integer"}};
  else if constexpr (std::is_floating_point_v<T>) return json::object{{"type", "number"}};
  else if constexpr (std::is_same_v<T, std::string> || detail::is_secret<T>)
    return json::object{{"type", "string"}};
  else if constexpr (std::is_enum_v<T>) {
    json::array names;
    for (auto name : detail::enum_names<T>()) names.emplace_back(name);
    return json::object{{"type", "string"}, {"enum", names}};
  } else if constexpr (std::is_same_v<T, Duration>)
    return json::object{{"type", "string"}, {"description", "a duration: 1m30s"}};
  else if constexpr (std::is_same_v<T, WallTime>)
    return json::object{{"type", "string"}, {"format", "date-time"}};
  else if constexpr (std::is_same_v<T, Uuid> || detail::is_id<T>)
    return json::object{{"type", "string"}, {"format", "uuid"}};
  else if constexpr (detail::is_optional<T>) return schema_of<typename T::value_type, side>();
  else if constexpr (detail::is_vector<T> || detail::is_set<T>)
    return json::object{{"type", "array"}, {"items", schema_of<typename T::value_type, side>()}};
  else if constexpr (detail::is_map<T>)
    return json::object{{"type", "object"},
                        {"additionalProperties", schema_of<typename T::mapped_type, side>()}};
  else if constexpr (detail::is_variant<T>) return json::object{{"type", "object"}};
  else {
    json::object members;
    json::array required;
    boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) {
      using Member = std::decay_t<decltype(std::declval<T&>().*d.pointer)>;
      members.emplace(d.name, schema_of<Member, side>());
      if constexpr (!detail::is_optional<Member>) required.emplace_back(d.name);
    });
    json::object out{{"type", "object"}, {"properties", std::move(members)}, {"additionalProperties", false}};
    if (side == Side::answer) out["required"] = std::move(required);
    return out;
  }
}

}  // namespace drover::hub
