#pragma once
// The hub's simulated disk: what a commit has made durable, and nothing else. Refuses what the life cycle
// forbids.

#include <map>
#include <set>
#include <string>

#include "core/hub/hub.hpp"

namespace drover::sim {

class Disk {
 public:
  explicit Disk(Rng& rng, WallTime now);
  void commit(const std::vector<hub::Change>& changes, std::uint64_t number);
  hub::Image image() const;
  const std::string& broken() const { return broken_; }
  bool has_revision(const std::string& stack, std::uint64_t number) const;
  bool has_task(const TaskId& id) const { return tasks_.contains(id) || over_.contains(id); }
  bool has_operation(const OperationId& id) const { return operations_.contains(id); }

 private:
  void put(const hub::StackRow& row) { stacks_[row.name] = row; }
  void put(const hub::RevisionRow& row) { revisions_[{row.stack, row.number}] = row; }
  void put(const hub::Slot& row) { slots_[row.id] = row; }
  void put(const Task& row);
  void put(const Deployment& row) { deployments_[row.id] = row; }
  void put(const Operation& row) { operations_[row.id] = row; }
  void put(const hub::NodeRow& row) { nodes_[row.node.id] = row; }
  void put(const hub::JoinToken& row) { tokens_[row.id] = row; }
  void put(const hub::User& row) { users_[row.id] = row; }
  void put(const hub::Credential& row) { credentials_[row.id] = row; }
  void put(const hub::IdempotencyRow& row) { idempotency_[row.key] = row; }
  void put(const hub::QueueRow& row) { queues_[row.name] = row; }
  void put(const hub::TaskRecord& row);
  void erase(const hub::Erase& what);
  void append(const Event& event);

  hub::Image meta_;
  std::map<std::string, hub::StackRow> stacks_;
  std::map<std::pair<std::string, std::uint64_t>, hub::RevisionRow> revisions_;
  std::map<InstanceId, hub::Slot> slots_;
  std::map<TaskId, Task> tasks_;
  std::map<DeploymentId, Deployment> deployments_;
  std::map<OperationId, Operation> operations_;
  std::map<NodeId, hub::NodeRow> nodes_;
  std::map<TokenId, hub::JoinToken> tokens_;
  std::map<UserId, hub::User> users_;
  std::map<TokenId, hub::Credential> credentials_;
  std::map<std::string, hub::IdempotencyRow> idempotency_;
  std::map<std::string, hub::QueueRow> queues_;
  std::map<std::uint64_t, hub::TaskRecord> records_;
  std::set<TaskId> over_;  // whose record was written
  std::string broken_;
};

}  // namespace drover::sim
