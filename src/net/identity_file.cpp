// Identities on disk.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/ca.hpp"
#include "net/openssl.hpp"

namespace drover::net {

namespace {

constexpr std::size_t max_identity = 256 << 10;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

Result<void> write_all(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    auto written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(from_errno(errno, "cannot write " + path));
    content.remove_prefix(std::size_t(written));
  }
  return {};
}

Result<void> write_synced(const std::string& path, std::string_view content, unsigned mode) {
  ::unlink(path.c_str());  // left by a crash
  File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return fail(from_errno(errno, "cannot write " + path));
  TRYV(write_all(file.get(), content, path));
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0)
    return fail(from_errno(errno, "cannot write " + path));
  return {};
}

Result<std::string> read_private(const std::string& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(from_errno(errno, "cannot read " + path));
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return fail(from_errno(errno, "cannot read " + path));
  if ((facts.st_mode & 077) != 0)
    return fail(Errc::denied, "others may read the private key in " + path, {}, "chmod 600 " + path);
  std::string out(std::size_t(facts.st_size), '\0');
  if (out.size() > max_identity) return fail(Errc::invalid, path + " is too large to be a key");
  std::size_t have = 0;
  while (have < out.size()) {
    auto got = ::read(file.get(), out.data() + have, out.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(from_errno(errno, "cannot read " + path));
    if (got == 0) break;
    have += std::size_t(got);
  }
  out.resize(have);
  return out;
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  auto temporary = path + ".new";
  auto slash = path.rfind('/');
  auto directory = slash == path.npos ? std::string(".") : path.substr(0, slash + 1);
  if (auto written = write_synced(temporary, content, mode); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = from_errno(errno, "cannot replace " + path);
    ::unlink(temporary.c_str());
    return fail(std::move(error));
  }
  File parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0) return fail(from_errno(errno, "cannot sync " + directory));
  return {};
}

Result<void> save_identity(const std::string& directory, const std::string& name, const Identity& identity) {
  return write_file_atomically(directory + "/" + name + ".pem", identity.key.reveal() + identity.certificate,
                               0600);
}

Result<Identity> load_identity(const std::string& directory, const std::string& name) {
  auto path = directory + "/" + name + ".pem";
  TRY(auto text, read_private(path));
  constexpr std::string_view mark = "-----BEGIN CERTIFICATE-----";
  auto at = text.find(mark);
  if (at == text.npos) return fail(Errc::invalid, path + " holds no certificate");
  Identity identity{text.substr(at), Secret<std::string>(text.substr(0, at))};
  TRY(auto key, read_key(identity.key.reveal()));
  TRY(auto certificates, read_certificates(identity.certificate));
  if (X509_check_private_key(certificates[0].get(), key.get()) != 1)
    return openssl_failure("the key in " + path + " is not its certificate's", Errc::invalid);
  return identity;
}

}  // namespace drover::net
