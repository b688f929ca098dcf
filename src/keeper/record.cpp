#include "keeper/record.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace drover::keeper {

namespace {
constexpr std::size_t record_size = record_page + 2 * max_log_line;

RecordData* map(int fd) {
  void* at = ::mmap(nullptr, record_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return at == MAP_FAILED ? nullptr : static_cast<RecordData*>(at);
}
}  // namespace

Record::Record(std::string path, std::string name, Fd fd, RecordData* data)
    : path_(std::move(path)), name_(std::move(name)), fd_(std::move(fd)), data_(data) {}

Record::~Record() { ::munmap(static_cast<void*>(data_), record_size); }

Outcome<std::unique_ptr<Record>> Record::create(const std::string& directory, const std::string& name) {
  std::string path = directory + "/" + name + ".rec";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failure(errno, Stage::record);
  // The page is allocated now: touching a hole of a full tmpfs would be SIGBUS.
  int error = ::ftruncate(fd.get(), off_t(record_size)) == 0 ? 0 : errno;
  if (error == 0) error = ::posix_fallocate(fd.get(), 0, off_t(record_page));
  RecordData* data = error == 0 ? map(fd.get()) : nullptr;
  if (data == nullptr) {
    if (error == 0) error = errno;
    ::unlink(path.c_str());
    return failure(error, Stage::record);
  }
  std::snprintf(data->boot_id, sizeof data->boot_id, "%s", boot_id().c_str());
  data->magic = record_magic;
  return std::unique_ptr<Record>(new Record(std::move(path), name, std::move(fd), data));
}

Outcome<std::unique_ptr<Record>> Record::open(const std::string& directory, const std::string& name) {
  std::string path = directory + "/" + name + ".rec";
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return failure(errno);
  if (::lseek(fd.get(), 0, SEEK_END) != off_t(record_size)) return failure(EINVAL);
  RecordData* data = map(fd.get());
  if (data == nullptr) return failure(errno);
  std::unique_ptr<Record> record(new Record(std::move(path), name, std::move(fd), data));
  if (data->magic == 0) return failure(ENODATA);
  if (data->magic != record_magic) return failure(EINVAL);
  if (boot_id() != data->boot_id) return failure(ESTALE);
  for (int stream = 0; stream < 2; ++stream)
    record->reserved_[stream] = (data->carry[stream] + record_page - 1) / record_page * record_page;
  return record;
}

bool Record::reserve_carry(int stream, std::size_t bytes) {
  if (bytes <= reserved_[stream]) return true;
  const auto wanted = std::min((bytes + record_page - 1) / record_page * record_page, max_log_line);
  const auto at = off_t(record_page + std::size_t(stream) * max_log_line);
  if (::posix_fallocate(fd_.get(), at, off_t(wanted)) != 0) return false;
  reserved_[stream] = wanted;
  return true;
}

void Record::unlink() { ::unlink(path_.c_str()); }

std::string record_name(std::string_view key, std::uint64_t incarnation) {
  if (key.empty() || key.size() > max_key || key.front() == '.' || key.front() == '/') return {};
  std::string name;
  for (const char c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("._@:/-").find(c) == std::string_view::npos) return {};
    name += c == '/' ? '!' : c;
  }
  return name + '.' + std::to_string(incarnation);
}

}  // namespace drover::keeper
