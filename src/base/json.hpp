#pragma once
// The one JSON codec. Types are described once (BOOST_DESCRIBE_STRUCT / _ENUM); defaults come from member
// initialisers; errors carry the path; unknown members are refused in configuration and REST and ignored
// between hub and agent. Parsing refuses duplicate keys, invalid UTF-8 and depth over 64.
//
// Spellings: Duration "1m30s" (reads seconds as a number too); WallTime RFC 3339; ids as UUID text; enums by
// name; optional members absent when empty; variant as an object with one key, the alternative's `static
// kind`.

#include <boost/describe.hpp>
#include <boost/json/value.hpp>
#include <boost/mp11/algorithm.hpp>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace drover {

namespace json = boost::json;

/// Parses text (at most 64 levels deep). The error has line and column.
Result<json::value> parse_json(std::string_view text);
/// Compact; doubles in plain notation when they are integers; never Infinity or NaN (null instead).
std::string print_json(const json::value& value);
/// Two-space indentation, for people.
std::string pretty_json(const json::value& value);

enum class Unknown { refuse, ignore };

/// Collects every problem of one document.
class JsonReader {
 public:
  explicit JsonReader(Unknown unknown) : unknown_(unknown) {}
  template <class T>
  void read(const json::value& from, T& to);
  /// Records a problem at the path now being read.
  void problem(std::string message, std::string hint = {});
  const std::vector<Problem>& problems() const { return problems_; }
  std::vector<Problem> take() { return std::move(problems_); }

  class Step {  // one path element for the length of a scope
   public:
    Step(JsonReader& reader, std::string_view key);
    Step(JsonReader& reader, std::size_t index);
    ~Step() { reader_.path_.resize(length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    JsonReader& reader_;
    std::size_t length_;
  };

 private:
  template <class T>
  void read_struct(const json::object& from, T& to);
  template <class... Ts>
  void read_variant(const json::value& from, std::variant<Ts...>& to);
  void read_integer(const json::value& from, std::int64_t low, std::uint64_t high, bool& negative,
                    std::uint64_t& out);
  void wrong_type(std::string_view wanted, const json::value& found);
  void unknown_member(std::string_view key, const std::vector<std::string_view>& known);
  void bad_enum(std::string_view found, const std::vector<std::string_view>& known);

  Unknown unknown_;
  std::string path_;
  std::vector<Problem> problems_;
};

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_set = false;
template <class T>
inline constexpr bool is_set<std::set<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_id = false;
template <class T>
inline constexpr bool is_id<Id<T>> = true;
template <class T>
inline constexpr bool is_secret = false;
template <class T>
inline constexpr bool is_secret<Secret<T>> = true;

template <class T>
using members_of =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// C++ keywords as enumerators carry an underscore that nobody else sees: delete_ is "delete".
constexpr std::string_view shown(std::string_view name) {
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

template <class E>
std::vector<std::string_view> enum_names() {
  std::vector<std::string_view> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(
      [&](auto d) { names.push_back(shown(d.name)); });
  return names;
}
}  // namespace detail

/// The described name of an enumerator; "" if it has none.
template <class E>
  requires std::is_enum_v<E>
constexpr std::string_view enum_name(E value) {
  std::string_view out;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (d.value == value) out = detail::shown(d.name);
  });
  return out;
}
template <class E>
  requires std::is_enum_v<E>
std::optional<E> enum_value(std::string_view name) {
  std::optional<E> out;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
    if (name == detail::shown(d.name)) out = d.value;
  });
  return out;
}

template <class T>
json::value to_json(const T& value) {
  if constexpr (std::is_same_v<T, json::value> || std::is_same_v<T, json::object> ||
                std::is_same_v<T, json::array>)
    return value;
  else if constexpr (std::is_same_v<T, bool> || std::is_arithmetic_v<T>) return json::value(value);
  else if constexpr (std::is_same_v<T, std::string>) return json::value(std::string_view(value));
  else if constexpr (std::is_enum_v<T>) return json::value(enum_name(value));
  else if constexpr (std::is_same_v<T, Duration>)
    return json::value(std::string_view(format_duration(value)));
  else if constexpr (std::is_same_v<T, WallTime>) return json::value(std::string_view(format_time(value)));
  else if constexpr (std::is_same_v<T, Uuid> || detail::is_id<T>)
    return json::value(std::string_view(to_string(value)));
  else if constexpr (detail::is_secret<T>) return json::value("***");
  else if constexpr (detail::is_optional<T>) return value ? to_json(*value) : json::value(nullptr);
  else if constexpr (detail::is_vector<T> || detail::is_set<T>) {
    json::array out;
    out.reserve(value.size());
    for (const auto& item : value) out.push_back(to_json(item));
    return out;
  } else if constexpr (detail::is_map<T>) {
    json::object out;
    for (const auto& [key, item] : value) out.emplace(key, to_json(item));
    return out;
  } else if constexpr (detail::is_variant<T>) {
    return std::visit(
        [](const auto& item) -> json::value {
          return json::object{{std::decay_t<decltype(item)>::kind, to_json(item)}};
        },
        value);
  } else {
    static_assert(boost::describe::has_describe_members<T>::value,
                  "describe this type with BOOST_DESCRIBE_STRUCT");
    json::object out;
    boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) {
      const auto& member = value.*d.pointer;
      if constexpr (detail::is_optional<std::decay_t<decltype(member)>>) {
        if (member) out.emplace(d.name, to_json(*member));
      } else {
        out.emplace(d.name, to_json(member));
      }
    });
    return out;
  }
}

template <class T>
void JsonReader::read(const json::value& from, T& to) {
  if constexpr (std::is_same_v<T, json::value>) {
    to = from;
  } else if constexpr (std::is_same_v<T, json::object>) {
    if (from.is_object()) to = from.get_object();
    else wrong_type("an object", from);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (from.is_bool()) to = from.get_bool();
    else wrong_type("true or false", from);
  } else if constexpr (std::is_integral_v<T>) {
    bool negative = false;
    std::uint64_t magnitude = 0;
    auto before = problems_.size();
    read_integer(from, std::int64_t(std::numeric_limits<T>::min()),
                 std::uint64_t(std::numeric_limits<T>::max()), negative, magnitude);
    if (problems_.size() == before) to = negative ? T(0 - magnitude) : T(magnitude);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (from.is_double()) to = T(from.get_double());
    else if (from.is_int64()) to = T(from.get_int64());
    else if (from.is_uint64()) to = T(from.get_uint64());
    else wrong_type("a number", from);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (from.is_string()) to = std::string(from.get_string());
    else wrong_type("a string", from);
  } else if constexpr (std::is_enum_v<T>) {
    if (!from.is_string()) return wrong_type("a word", from);
    if (auto found = enum_value<T>(std::string_view(from.get_string()))) to = *found;
    else bad_enum(std::string_view(from.get_string()), detail::enum_names<T>());
  } else if constexpr (std::is_same_v<T, Duration>) {
    auto text = from.is_string()   ? std::string(from.get_string())
                : from.is_number() ? print_json(from)
                                   : std::string();
    if (text.empty()) return wrong_type("a duration", from);
    if (auto parsed = parse_duration(text)) to = *parsed;
    else problem(parsed.error().message, parsed.error().hint);
  } else if constexpr (std::is_same_v<T, WallTime>) {
    if (!from.is_string()) return wrong_type("a time", from);
    auto parsed = parse_time(std::string_view(from.get_string()));
    if (parsed) to = *parsed;
    else problem(parsed.error().message, parsed.error().hint);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    auto parsed = from.is_string() ? parse_uuid(std::string_view(from.get_string())) : std::nullopt;
    if (parsed) to = *parsed;
    else problem("is not an id (a UUID)");
  } else if constexpr (detail::is_id<T>) {
    read(from, to.value);
  } else if constexpr (detail::is_secret<T>) {
    std::decay_t<decltype(to.reveal())> inner{};
    read(from, inner);
    to = T(std::move(inner));
  } else if constexpr (detail::is_optional<T>) {
    if (from.is_null()) {
      to.reset();
      return;
    }
    typename T::value_type inner{};
    read(from, inner);
    to = std::move(inner);
  } else if constexpr (detail::is_vector<T> || detail::is_set<T>) {
    if (!from.is_array()) return wrong_type("a list", from);
    to.clear();
    std::size_t index = 0;
    for (const auto& item : from.get_array()) {
      Step step(*this, index++);
      typename T::value_type inner{};
      read(item, inner);
      to.insert(to.end(), std::move(inner));
    }
  } else if constexpr (detail::is_map<T>) {
    if (!from.is_object()) return wrong_type("an object", from);
    to.clear();
    for (const auto& pair : from.get_object()) {
      Step step(*this, std::string_view(pair.key()));
      typename T::mapped_type inner{};
      read(pair.value(), inner);
      to.emplace(std::string(pair.key()), std::move(inner));
    }
  } else if constexpr (detail::is_variant<T>) {
    read_variant(from, to);
  } else {
    if (!from.is_object()) return wrong_type("an object", from);
    read_struct(from.get_object(), to);
  }
}

template <class T>
void JsonReader::read_struct(const json::object& from, T& to) {
  std::size_t used = 0;
  boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) {
    auto found = from.find(d.name);
    if (found == from.end()) return;
    ++used;
    Step step(*this, std::string_view(d.name));
    read(found->value(), to.*d.pointer);
  });
  if (unknown_ == Unknown::ignore || used == from.size()) return;
  std::vector<std::string_view> known;
  boost::mp11::mp_for_each<detail::members_of<T>>([&](auto d) { known.push_back(d.name); });
  for (const auto& pair : from) unknown_member(std::string_view(pair.key()), known);
}

template <class... Ts>
void JsonReader::read_variant(const json::value& from, std::variant<Ts...>& to) {
  std::vector<std::string_view> kinds{Ts::kind...};
  if (!from.is_object() || from.get_object().size() != 1)
    return wrong_type("an object with one member", from);
  const auto& pair = *from.get_object().begin();
  bool found = false;
  auto attempt = [&]<class A>(std::type_identity<A>) {
    if (std::string_view(pair.key()) != A::kind) return;
    found = true;
    Step step(*this, A::kind);
    A value{};
    read(pair.value(), value);
    to = std::move(value);
  };
  (attempt(std::type_identity<Ts>{}), ...);
  if (!found) bad_enum(std::string_view(pair.key()), kinds);
}

/// Errc::invalid with every problem, each with its path.
template <class T>
Result<T> from_json(const json::value& from, Unknown unknown) {
  JsonReader reader(unknown);
  T to{};
  reader.read(from, to);
  if (reader.problems().empty()) return to;
  Error error{Errc::invalid, "the input does not have the expected form", {}, {}, reader.take()};
  if (error.problems.size() == 1 && !error.problems[0].path.empty())
    error.message = error.problems[0].path + ": " + error.problems[0].message;
  return fail(std::move(error));
}
template <class T>
Result<T> from_json_text(std::string_view text, Unknown unknown) {
  TRY(auto value, parse_json(text));
  return from_json<T>(value, unknown);
}
template <class T>
std::string to_json_text(const T& value) {
  return print_json(to_json(value));
}

}  // namespace drover
