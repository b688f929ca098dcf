#include "disk.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace drover::sim {

Disk::Disk(Rng& rng, WallTime now) {
  meta_.store = StoreId{make_uuid(now, rng)};
  meta_.digest_key = "0123456789abcdef";
}

namespace {
bool arrow(TaskState from, TaskState to) {
  if (from == to) return true;
  switch (from) {
    case TaskState::pending: return to == TaskState::assigned || to == TaskState::cancelled;
    case TaskState::assigned:
    case TaskState::running: return to != TaskState::assigned;
    case TaskState::completed:
    case TaskState::failed:
    case TaskState::cancelled: return false;
  }
  std::unreachable();
}
}  // namespace

void Disk::put(const Task& row) {
  if (over_.contains(row.id) && broken_.empty())
    broken_ = fmt::format("task {} is over and was written again", to_string(row.id));
  auto old = tasks_.find(row.id);
  if (old != tasks_.end() && !arrow(old->second.state, row.state) && broken_.empty())
    broken_ = fmt::format("task {} went from {} to {}", to_string(row.id), enum_name(old->second.state),
                          enum_name(row.state));
  tasks_[row.id] = row;
}

void Disk::put(const hub::TaskRecord& row) {
  put(row.task);
  tasks_.erase(row.task.id);
  bool fresh = !records_.contains(row.seq);
  if ((!fresh || !is_final(row.task.state) || !over_.insert(row.task.id).second) && broken_.empty())
    broken_ = fmt::format("task {} was put among the finished once more, or is not finished",
                          to_string(row.task.id));
  records_[row.seq] = row;
}

void Disk::append(const Event& event) {
  if (event.seq != meta_.event_seq + 1 && broken_.empty())
    broken_ = fmt::format("event {} follows {}", event.seq, meta_.event_seq);
  meta_.event_seq = event.seq;
  if (meta_.first_event == 0) meta_.first_event = event.seq;
}

void Disk::erase(const hub::Erase& what) {
  struct Eraser {
    Disk& d;
    void operator()(const hub::EraseStack& e) const {
      d.stacks_.erase(e.name);
      std::erase_if(d.revisions_, [&](const auto& pair) { return pair.first.first == e.name; });
    }
    void operator()(const hub::EraseRevision& e) const { d.revisions_.erase({e.stack, e.number}); }
    void operator()(const hub::EraseSlot& e) const { d.slots_.erase(e.id); }
    void operator()(const hub::EraseDeployment& e) const { d.deployments_.erase(e.id); }
    void operator()(const hub::EraseOperation& e) const { d.operations_.erase(e.id); }
    void operator()(const hub::EraseNode& e) const { d.nodes_.erase(e.id); }
    void operator()(const hub::EraseJoinToken& e) const { d.tokens_.erase(e.id); }
    void operator()(const hub::EraseUser& e) const { d.users_.erase(e.id); }
    void operator()(const hub::EraseCredential& e) const { d.credentials_.erase(e.id); }
    void operator()(const hub::EraseIdempotency& e) const { d.idempotency_.erase(e.key); }
    void operator()(const hub::EraseEventsBefore& e) const { d.meta_.first_event = e.seq; }
    void operator()(const hub::EraseQueue& e) const { d.queues_.erase(e.name); }
    void operator()(const hub::EraseRecordsBefore& e) const {
      d.records_.erase(d.records_.begin(), d.records_.lower_bound(e.seq));
    }
  };
  std::visit(Eraser{*this}, what);
}

void Disk::commit(const std::vector<hub::Change>& changes, std::uint64_t number) {
  struct Writer {
    Disk& d;
    void operator()(const hub::Row& row) const {
      std::visit([this](const auto& one) { d.put(one); }, row);
    }
    void operator()(const hub::Erase& what) const { d.erase(what); }
    void operator()(const Event& event) const { d.append(event); }
    void operator()(const AuditEntry& entry) const { d.meta_.audit_seq = entry.seq; }
  };
  for (const auto& change : changes) std::visit(Writer{*this}, change);
  if (number > 0) meta_.commit = number;
}

hub::Image Disk::image() const {
  hub::Image image = meta_;
  auto add = [&](const auto& table) {
    for (const auto& [key, row] : table) image.rows.emplace_back(row);
  };
  add(stacks_), add(revisions_), add(nodes_), add(slots_), add(tasks_), add(deployments_), add(operations_);
  add(tokens_), add(users_), add(credentials_), add(idempotency_), add(queues_);
  std::size_t skip = records_.size() > hub::recent_records ? records_.size() - hub::recent_records : 0;
  for (const auto& [seq, row] : records_)
    if (skip > 0) --skip;
    else image.rows.emplace_back(row);
  image.first_record = records_.empty() ? 0 : records_.begin()->first;
  image.last_record = records_.empty() ? 0 : records_.rbegin()->first;
  return image;
}

bool Disk::has_revision(const std::string& stack, std::uint64_t number) const {
  auto row = stacks_.find(stack);
  return row != stacks_.end() && row->second.revision >= number;
}

}  // namespace drover::sim
