#pragma once
// Reading the image and writing batches, on an open connection.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "store/sqlite.hpp"
#include "store/store.hpp"

namespace drover::store {

/// Where the last commit left the counters.
struct Position {
  std::uint64_t commit = 0, event_seq = 0, audit_seq = 0;
  std::string audit_hash;
};

Result<Position> read_position(Database& db);
Result<hub::Image> read_image(Database& db, const Position& position);
/// One transaction. On success `position` is moved on; on an error neither it nor the file has changed.
Result<void> write_batch(Database& db, Position& position, const Batch& batch);

/// Every row of a query whose first column is a body.
template <class T>
Result<std::vector<T>> read_all(Statement& query) {
  std::vector<T> out;
  for (;;) {
    TRY(bool more, query.step());
    if (!more) return out;
    TRY(auto item, from_json_text<T>(query.text(0), Unknown::ignore));
    out.push_back(std::move(item));
  }
}

}  // namespace drover::store
