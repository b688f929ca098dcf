#include "hub/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.hpp"
#include "hub/codes.hpp"

namespace drover::hub {

namespace {

struct Order {
  std::string key;
  bool down = false;
};

Result<Order> parse_order(const ListQuery& query) {
  Order order{query.sort.empty() ? query.id : query.sort};
  if (order.key.starts_with('-')) {
    order.down = true;
    order.key.erase(0, 1);
  }
  if (std::ranges::find(query.keys, order.key) == query.keys.end())
    return fail(Errc::invalid, fmt::format("there is no field \"{}\" to sort by", order.key), {},
                fmt::format("there are: {}", fmt::join(query.keys, ", ")));
  return order;
}

/// Numbers before texts; missing first.
int compare(const json::value& a, const json::value& b) {
  auto rank = [](const json::value& v) { return v.is_null() ? 0 : v.is_bool() ? 1 : v.is_number() ? 2 : 3; };
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
  if (a.is_number()) {
    auto x = a.to_number<double>(), y = b.to_number<double>();
    return x < y ? -1 : x > y;
  }
  if (a.is_bool()) return int(a.get_bool()) - int(b.get_bool());
  if (a.is_null()) return 0;
  auto x = a.is_string() ? std::string(a.get_string()) : print_json(a);
  auto y = b.is_string() ? std::string(b.get_string()) : print_json(b);
  return x.compare(y);
}

struct Position {
  json::value value, id;
};
Position position_of(const json::object& row, const Order& order, const std::string& id) {
  auto at = [&](const std::string& key) {
    auto found = row.find(key);
    return found == row.end() ? json::value(nullptr) : found->value();
  };
  return {at(order.key), at(id)};
}
bool before(const Position& a, const Position& b, const Order& order) {
  int by_value = compare(a.value, b.value);
  if (by_value != 0) return order.down ? by_value > 0 : by_value < 0;
  return compare(a.id, b.id) < 0;
}

Result<Position> read_cursor(const std::string& cursor) {
  auto wrong = [] {
    return fail(Errc::invalid, "the cursor is not one of ours", {}, "start again without it");
  };
  auto text = from_base64url(cursor);
  if (!text) return wrong();
  auto parsed = parse_json(*text);
  if (!parsed || !parsed->is_array() || parsed->get_array().size() != 2) return wrong();
  return Position{parsed->get_array()[0], parsed->get_array()[1]};
}

}  // namespace

Result<Page> make_page(const ListQuery& query, std::vector<json::object> rows) {
  TRY(auto filter, Filter::parse(query.filter, query.keys));
  TRY(auto order, parse_order(query));
  Page page;
  page.total = rows.size();
  if (!filter.empty()) std::erase_if(rows, [&](const auto& row) { return !filter.matches(row); });
  page.matching = rows.size();
  std::vector<std::pair<Position, json::object*>> sorted;
  sorted.reserve(rows.size());
  for (auto& row : rows) sorted.emplace_back(position_of(row, order, query.id), &row);
  std::ranges::sort(sorted, [&](const auto& a, const auto& b) { return before(a.first, b.first, order); });
  auto first = sorted.begin();
  if (!query.cursor.empty()) {
    TRY(auto last_seen, read_cursor(query.cursor));
    first = std::ranges::find_if(sorted, [&](const auto& it) { return before(last_seen, it.first, order); });
  }
  for (; first != sorted.end() && page.items.size() < query.limit; ++first)
    page.items.push_back(std::move(*first->second));
  if (first != sorted.end() && first != sorted.begin()) {
    const auto& last = std::prev(first)->first;
    page.next = to_base64url(print_json(json::array{last.value, last.id}));
  }
  return page;
}

Result<std::size_t> parse_limit(std::optional<std::string_view> text, std::size_t otherwise) {
  if (!text) return otherwise;
  std::size_t limit = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size() || limit == 0 || limit > 1000)
    return fail(Errc::invalid, "limit is a number between 1 and 1000");
  return limit;
}

}  // namespace drover::hub
