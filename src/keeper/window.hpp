#pragma once
// Descriptors for the child of a spawn. A keeper of a thousand services has thousands of descriptors, and a
// child with a copy of them all would spend most of its birth on closing them. So the child shares our table
// (CLONE_FILES) and begins by taking a private copy of its lower part alone, close_range(2) with
// CLOSE_RANGE_UNSHARE; what it needs lies in there, in places that are kept free for this. Main thread only.

#include "keeper/util.hpp"

namespace drover::keeper {

class Window {
 public:
  Window();
  /// A copy of the descriptor, close-on-exec, at a place that is the child's; −1 with errno: no place left.
  int place(int fd);
  /// The places are free again.
  void clear();
  /// The lowest descriptor that the child does not get. 0: it must have a copy of all, since the machine (a
  /// container's seccomp profile) does not let us choose.
  unsigned end() const { return end_; }

 private:
  static constexpr std::size_t places = 24, lowest = 64;  // above 0–2 and what is passed from 3 on
  Fd kept_[places];
  std::size_t used_ = 0;
  unsigned end_ = 0;
};

}  // namespace drover::keeper
