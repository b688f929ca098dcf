#include "runtime/descriptor.hpp"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace drover::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

struct Descriptor::Impl {
  asio::posix::basic_stream_descriptor<net::Executor> descriptor;
};

namespace {
net::Awaitable<Result<void>> wait(asio::posix::basic_stream_descriptor<net::Executor>& descriptor,
                                  asio::posix::descriptor_base::wait_type what) {
  error_code error;
  co_await descriptor.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return fail(Errc::unavailable, "waiting for a descriptor", error.message());
  co_return Result<void>();
}
}  // namespace

Descriptor::Descriptor(net::Executor executor, int fd)
    : impl_(std::make_unique<Impl>(
          asio::posix::basic_stream_descriptor<net::Executor>(std::move(executor), fd))) {}
Descriptor::~Descriptor() = default;
Descriptor::Descriptor(Descriptor&&) noexcept = default;
Descriptor& Descriptor::operator=(Descriptor&&) noexcept = default;

int Descriptor::get() const { return impl_->descriptor.native_handle(); }
net::Awaitable<Result<void>> Descriptor::readable() {
  return wait(impl_->descriptor, asio::posix::descriptor_base::wait_read);
}
net::Awaitable<Result<void>> Descriptor::writable() {
  return wait(impl_->descriptor, asio::posix::descriptor_base::wait_write);
}
void Descriptor::close() {
  error_code ignored;
  impl_->descriptor.close(ignored);
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace drover::runtime
