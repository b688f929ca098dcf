#pragma once
// The form of the store's file, as numbered migrations; and each row type's table and key.

#include <array>
#include <string>
#include <string_view>

#include "core/hub/rows.hpp"
#include "store/sqlite.hpp"

namespace drover::store {

/// Brings the file to the newest form: each step in a transaction, a snapshot `PATH.before-vN` first.
/// unsupported: the file is newer than this program.
Result<void> migrate(Database& db, const std::string& path);

// Every row type has one table (key TEXT, body JSON). `table<T>` is its name, `key_of` its key.
template <class T>
inline constexpr std::string_view table = "";
template <>
inline constexpr std::string_view table<hub::StackRow> = "stacks";
template <>
inline constexpr std::string_view table<hub::RevisionRow> = "revisions";
template <>
inline constexpr std::string_view table<hub::Slot> = "slots";
template <>
inline constexpr std::string_view table<Task> = "tasks";
template <>
inline constexpr std::string_view table<Deployment> = "deployments";
template <>
inline constexpr std::string_view table<Operation> = "operations";
template <>
inline constexpr std::string_view table<hub::NodeRow> = "nodes";
template <>
inline constexpr std::string_view table<hub::JoinToken> = "join_tokens";
template <>
inline constexpr std::string_view table<hub::User> = "users";
template <>
inline constexpr std::string_view table<hub::Credential> = "credentials";
template <>
inline constexpr std::string_view table<hub::IdempotencyRow> = "idempotency";

template <>
inline constexpr std::string_view table<hub::QueueRow> = "queues";
template <>
inline constexpr std::string_view table<hub::TaskRecord> = "task_records";

/// "shop 0000000007": revisions of a stack lie together and in order.
std::string revision_key(const std::string& stack, std::uint64_t number);

inline std::string key_of(const hub::StackRow& row) { return row.name; }
inline std::string key_of(const hub::RevisionRow& row) { return revision_key(row.stack, row.number); }
inline std::string key_of(const hub::NodeRow& row) { return to_string(row.node.id); }
inline std::string key_of(const hub::IdempotencyRow& row) { return row.key; }
inline std::string key_of(const hub::QueueRow& row) { return row.name; }
template <class T>
std::string key_of(const T& row) {
  return to_string(row.id);
}

}  // namespace drover::store
