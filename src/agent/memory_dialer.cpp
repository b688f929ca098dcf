#include "agent/dialer.hpp"

namespace drover::agent {

namespace {
class MemoryDialer final : public Dialer {
 public:
  explicit MemoryDialer(net::MemoryPort& port) : port_(port) {}
  net::Awaitable<Result<std::shared_ptr<net::FrameLink>>> dial() override { co_return port_.dial(); }
  net::Awaitable<Result<std::shared_ptr<net::TextLink>>> dial_stream(std::string id) override {
    co_return port_.dial_stream(std::move(id));
  }
  std::string hub() const override { return "this process"; }

 private:
  net::MemoryPort& port_;
};
}  // namespace

std::shared_ptr<Dialer> memory_dialer(net::MemoryPort& port) { return std::make_shared<MemoryDialer>(port); }

}  // namespace drover::agent
