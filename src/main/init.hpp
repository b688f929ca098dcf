#pragma once
// Drover as the first process of a container.

namespace drover {

/// When this is process 1: the program goes on in a child, and this process becomes its init: it waits for
/// whatever is orphaned, passes signals on, starts the child again when a signal has killed it (its services
/// live on under their keeper), and ends with its exit status. Returns in the child, and at once where this
/// is not process 1. Before any thread.
void be_init_of_container();

}  // namespace drover
