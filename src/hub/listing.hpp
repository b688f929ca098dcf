#pragma once
// Lists: filter, order, window. Rows are objects; `id` names their unique member. Pure.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hub/filter.hpp"

namespace drover::hub {

struct ListQuery {
  std::string filter, sort, cursor;
  std::size_t limit = 200;
  std::string id = "id";
  std::vector<std::string_view> keys;  // fields of a row
};

struct Page {
  std::vector<boost::json::object> items;
  std::string next;  // empty: the end
  std::size_t total = 0, matching = 0;
};

/// Order: `sort` ("key", "-key"), then the id: the same rows always come in the same order. A cursor stands
/// for the last row seen, so rows that come or go in between shift nothing.
Result<Page> make_page(const ListQuery& query, std::vector<boost::json::object> rows);

/// limit 1 … 1000.
Result<std::size_t> parse_limit(std::optional<std::string_view> text, std::size_t otherwise);

}  // namespace drover::hub
