#pragma once
// A value that is never printed, logged or answered: it has no operator<< and its JSON is "***".

#include <utility>

namespace drover {

template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  /// The one way to the value; grep for it to see who looks.
  const T& reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  T value_{};
};

}  // namespace drover
