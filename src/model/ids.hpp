#pragma once
// The kinds of ids. A wrong kind does not compile.

#include "base/id.hpp"

namespace drover {

using TaskId = Id<struct TaskTag>;
using NodeId = Id<struct NodeTag>;  // the agent's uid: random, per state directory; the name is a label on it
using InstanceId = Id<struct InstanceTag>;  // a slot: made when the slot is planned, gone when it is deleted
using DeploymentId = Id<struct DeploymentTag>;
using OperationId = Id<struct OperationTag>;
using StoreId = Id<struct StoreTag>;  // one life of a hub's store; a restore makes a new one
using UserId = Id<struct UserTag>;
using TokenId = Id<struct TokenTag>;

}  // namespace drover
