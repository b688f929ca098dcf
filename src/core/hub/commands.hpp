#pragma once
// Each command: checked first, then applied by what cannot fail, with its audit line in the same commit.

#include "core/hub/step.hpp"

namespace drover::hub {

/// What was ordered and not handed out yet is not wanted any more; what has failed is tried again.
void drop_pending(Step& step, StackEntry& stack);
/// By name or id; not_found with the nearest name.
Result<NodeEntry*> find_node(Step& step, const std::string& name);
/// An agent's token: kept, and the others of its node dropped.
void put_credential(Step& step, const Credential& credential);
void drop_credential(Step& step, TokenId id);

struct CommandRunner {
  Step& step;
  const Who& who;

  // commands_stack.cpp
  Result<Answer> operator()(const ApplyStack& command) const;
  Result<Answer> operator()(const DeleteStack& command) const;
  Result<Answer> operator()(const RollbackStack& command) const;
  Result<Answer> operator()(const ScaleService& command) const;
  // commands_deployment.cpp
  Result<Answer> operator()(const CancelDeployment& command) const;
  Result<Answer> operator()(const PauseDeployment& command) const;
  Result<Answer> operator()(const PromoteDeployment& command) const;
  Result<Answer> operator()(const AbortDeployment& command) const;
  // commands_run.cpp
  Result<Answer> operator()(const ChangeRun& command) const;
  Result<Answer> operator()(const CancelTask& command) const;
  // commands_task.cpp
  Result<Answer> operator()(const RetryTask& command) const;
  Result<Answer> operator()(const RequeueTasks& command) const;
  Result<Answer> operator()(const DismissTask& command) const;
  Result<Answer> operator()(const AddTask& command) const;
  Result<Answer> operator()(const PauseQueue& command) const;
  Result<Answer> operator()(const UndoOperation& command) const;
  // external.cpp
  Result<Answer> operator()(const AddExternalNode& command) const;
  Result<Answer> operator()(const RenewExternalNode& command) const;
  Result<Answer> operator()(const FetchTasks& command) const;
  Result<Answer> operator()(const ReportTask& command) const;
  // commands_node.cpp
  Result<Answer> operator()(const LabelNode& command) const;
  Result<Answer> operator()(const CordonNode& command) const;
  Result<Answer> operator()(const DrainNode& command) const;
  Result<Answer> operator()(const RemoveNode& command) const;
  Result<Answer> operator()(const RegisterNode& command) const;
  Result<Answer> operator()(const RenewNode& command) const;
  Result<Answer> operator()(const RelayFrame& command) const;
  // commands_access.cpp
  Result<Answer> operator()(const PutJoinToken& command) const;
  Result<Answer> operator()(const DropJoinToken& command) const;
  Result<Answer> operator()(const PutUser& command) const;
  Result<Answer> operator()(const DropUser& command) const;
  Result<Answer> operator()(const PutCredential& command) const;
  Result<Answer> operator()(const DropCredential& command) const;
  Result<Answer> operator()(const UseLink& command) const;
  Result<Answer> operator()(const AuditNote& command) const;
};

}  // namespace drover::hub
