#include "store/store.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/fault.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "store/lock_file.hpp"
#include "store/schema.hpp"
#include "store/writer.hpp"

namespace drover::store {

struct HubStore::Writer {
  LockFile lock;  // released last
  Database db;
  Position position;
};

namespace {

std::string reserve_path(const std::string& path) { return path + ".reserve"; }

bool make_reserve(const std::string& path, std::uint64_t bytes) {
  int fd = ::open(reserve_path(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool made = ::posix_fallocate(fd, 0, off_t(bytes)) == 0;
  ::close(fd);
  if (!made) ::unlink(reserve_path(path).c_str());
  return made;
}

Result<void> check(Database& db, const std::string& path) {
  TRY(auto verdict, db.value("PRAGMA quick_check(1)"));
  if (verdict == "ok") return {};
  return fail(Errc::internal, "the store " + path + " is damaged", verdict,
              "restore it from a backup or a snapshot beside it");
}

Result<void> make_identity(Database& db, const StoreOptions& options) {
  TRY(auto known, db.value("SELECT value FROM identity WHERE name='store_id'"));
  if (!known.empty()) return {};
  Rng rng(options.seed ^ 0x5d0e5ULL);
  auto id = to_string(make_uuid(options.now, rng));
  std::array<std::uint8_t, 32> key{};
  randombytes_buf(key.data(), key.size());
  auto hex = to_hex(key);
  TRY(auto insert,
      db.prepare("INSERT INTO identity(name, value) VALUES ('store_id', $1), ('digest_key', $2)"));
  insert->bind(1, std::string_view(id)).bind(2, std::string_view(hex));
  return insert->run();
}

}  // namespace

Result<std::unique_ptr<HubStore>> HubStore::open(std::string path, StoreOptions options) {
  if (sodium_init() < 0) return fail(Errc::internal, "libsodium does not start");
  TRY(auto lock, LockFile::take(path + ".lock"));
  auto mask = ::umask(0077);  // the file holds password hashes
  auto opened = Database::open(path, Access::read_write);
  ::umask(mask);
  TRY(auto db, std::move(opened));
  TRYV(check(db, path));
  TRYV(migrate(db, path));
  TRYV(make_identity(db, options));
  TRY(auto position, read_position(db));
  auto writer = std::unique_ptr<Writer>(new Writer{std::move(lock), std::move(db), std::move(position)});
  std::unique_ptr<HubStore> store(new HubStore(std::move(path), options, std::move(writer)));
  store->take_reserve();
  return store;
}

HubStore::HubStore(std::string path, StoreOptions options, std::unique_ptr<Writer> writer)
    : path_(std::move(path)), options_(options), writer_(std::move(writer)) {}
HubStore::~HubStore() = default;

bool HubStore::take_reserve() {
  if (reserve_held_ || options_.reserve == 0) return reserve_held_ = true;
  struct stat found{};
  if (::stat(reserve_path(path_).c_str(), &found) == 0 && std::uint64_t(found.st_size) >= options_.reserve)
    return reserve_held_ = true;
  struct statvfs disk{};
  if (::statvfs(path_.c_str(), &disk) != 0 || disk.f_bavail * disk.f_frsize < 2 * options_.reserve)
    return false;
  return reserve_held_ = make_reserve(path_, options_.reserve);
}

Result<hub::Image> HubStore::load() { return read_image(writer_->db, writer_->position); }

Result<void> HubStore::commit(const Batch& batch) {
  if (fault::at("store.commit")) return fail(Errc::exhausted, "injected: the disk is full");
  auto written = write_batch(writer_->db, writer_->position, batch);
  if (fault::at("store.committed")) return fail(Errc::internal, "injected: lost after the commit");
  if (written || written.error().code != Errc::exhausted) return written;
  ::unlink(reserve_path(path_).c_str());
  reserve_held_ = false;
  return written;
}

Result<std::vector<Event>> HubStore::events_since(std::uint64_t seq, std::uint32_t limit) const {
  TRY(auto db, Database::open(path_, Access::read_only));
  TRY(auto query, db.prepare("SELECT body FROM events WHERE seq > $1 ORDER BY seq LIMIT $2"));
  query->bind(1, seq).bind(2, std::int64_t(limit));
  return read_all<Event>(*query);
}

Result<std::vector<AuditEntry>> HubStore::audit(std::uint64_t before, std::uint32_t limit) const {
  TRY(auto db, Database::open(path_, Access::read_only));
  TRY(auto query, db.prepare("SELECT body FROM audit WHERE $1 = 0 OR seq < $1 ORDER BY seq DESC LIMIT $2"));
  query->bind(1, before).bind(2, std::int64_t(limit));
  return read_all<AuditEntry>(*query);
}

Result<std::vector<hub::TaskRecord>> HubStore::task_records(std::uint64_t before, std::uint32_t limit) const {
  TRY(auto db, Database::open(path_, Access::read_only));
  TRY(auto query, db.prepare("SELECT seq, body FROM task_records WHERE $1 = 0 OR seq < $1 "
                             "ORDER BY seq DESC LIMIT $2"));
  query->bind(1, before).bind(2, std::int64_t(limit));
  std::vector<hub::TaskRecord> out;
  for (;;) {
    TRY(bool more, query->step());
    if (!more) return out;
    TRY(auto task, from_json_text<Task>(query->text(1), Unknown::ignore));
    out.push_back({query->number(0), std::move(task)});
  }
}

Result<std::optional<Task>> HubStore::finished_task(TaskId id) const {
  TRY(auto db, Database::open(path_, Access::read_only));
  TRY(auto query, db.prepare("SELECT body FROM task_records WHERE key = $1"));
  auto key = to_string(id);
  query->bind(1, std::string_view(key));
  TRY(bool found, query->step());
  if (!found) return std::nullopt;
  TRY(auto task, from_json_text<Task>(query->text(0), Unknown::ignore));
  return std::optional(std::move(task));
}

Result<AuditCheck> HubStore::verify_audit() const {
  TRY(auto db, Database::open(path_, Access::read_only));
  TRY(auto query, db.prepare("SELECT seq, hash, body FROM audit ORDER BY seq"));
  AuditCheck check;
  std::string last;
  for (;;) {
    TRY(bool more, query->step());
    if (!more) return check;
    ++check.entries;
    auto entry = from_json_text<AuditEntry>(query->text(2), Unknown::ignore);
    bool fits = entry && entry->seq == query->number(0) && entry->prev_hash == last &&
                entry->hash == query->text(1) && audit_hash(*entry) == entry->hash;
    if (!fits) {
      check.ok = false;
      check.first_bad = query->number(0);
      return check;
    }
    last = entry->hash;
  }
}

std::string audit_hash(const AuditEntry& entry) {
  AuditEntry bare = entry;
  bare.hash.clear();
  auto text = to_json_text(bare);
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return to_hex(hash);
}

}  // namespace drover::store
