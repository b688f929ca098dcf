#!/usr/bin/env python3
"""A disk that can be slow, full or hung: a FUSE file system over a folder.

    fuse_disk.py FOLDER MOUNTPOINT CONTROL

The file CONTROL says what it does, and is read at each request: "" (all is well), "slow 0.2" (seconds for each write),
"full" (no write succeeds), "hung" (no open, read or write is answered, which leaves the caller in uninterruptible sleep).
"""
import errno
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
HANGS = 600  # seconds; a test ends the server long before


def serve(folder, mountpoint, control):
    import fusepy as fuse

    def passed(function):
        def call(*arguments):
            try:
                return function(*arguments)
            except OSError as error:
                raise fuse.FuseOSError(error.errno) from None
        return call

    class Disk(fuse.Operations):
        def __init__(self):
            for name in ("chmod", "chown", "mkdir", "rmdir", "unlink"):
                setattr(self, name, passed(lambda path, *more, call=getattr(os, name): call(self.at(path), *more)))

        def at(self, path):
            return folder + path

        def mode(self):
            try:
                return open(control).read().split()
            except OSError:
                return []

        def weather(self, writes):
            mode = self.mode()
            if mode[:1] == ["hung"]:
                time.sleep(HANGS)
            elif mode[:1] == ["slow"] and writes:
                time.sleep(float(mode[1]))
            elif mode[:1] == ["full"] and writes:
                raise fuse.FuseOSError(errno.ENOSPC)

        @passed
        def getattr(self, path, fh=None):
            found = os.lstat(self.at(path))
            return {key: getattr(found, key) for key in ("st_atime", "st_ctime", "st_gid", "st_mode", "st_mtime", "st_nlink",
                                                         "st_size", "st_uid")}

        @passed
        def access(self, path, amode):
            if not os.access(self.at(path), amode):
                raise OSError(errno.EACCES, "no")

        def readdir(self, path, fh):
            return [".", ".."] + os.listdir(self.at(path))

        @passed
        def truncate(self, path, length, fh=None):
            os.truncate(self.at(path), length)

        @passed
        def rename(self, old, new):
            os.rename(self.at(old), self.at(new))

        @passed
        def link(self, target, source):
            os.link(self.at(source), self.at(target))

        @passed
        def utimens(self, path, times=None):
            os.utime(self.at(path), times)

        def statfs(self, path):
            found = os.statvfs(folder)
            return {key: getattr(found, key) for key in ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_files", "f_frsize")}

        @passed
        def open(self, path, flags):
            self.weather(False)
            return os.open(self.at(path), flags & ~os.O_APPEND)  # the kernel has added the offset

        @passed
        def create(self, path, mode, fi=None):
            self.weather(True)
            return os.open(self.at(path), os.O_RDWR | os.O_CREAT, mode)

        @passed
        def read(self, path, size, offset, fh):
            self.weather(False)
            return os.pread(fh, size, offset)

        @passed
        def write(self, path, data, offset, fh):
            self.weather(True)
            return os.pwrite(fh, data, offset)

        def release(self, path, fh):
            os.close(fh)

        def flush(self, path, fh):
            return 0

        def fsync(self, path, datasync, fh):
            return 0

    fuse.FUSE(Disk(), mountpoint, foreground=True, nothreads=False, allow_other=os.geteuid() == 0, big_writes=True)


class FuseDisk:
    """For a test: mounted at `at`; belongs to its daemons and ends before them."""

    def __init__(self, test, at):
        self.name, self.at, self.test = "disk", at, test
        self.folder, self.control = test.base / "disk", test.base / "disk.control"
        for made in (self.folder, at):
            made.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.be("")
        with open(test.base / "disk.log", "ab") as log:
            self.process = subprocess.Popen([sys.executable, str(HERE), str(self.folder), str(at), str(self.control)],
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.process.pid
        test.daemons.append(self)
        test.mounts.append(at)
        try:
            test.wait_for("the disk is mounted", lambda: self.ended() or at.is_mount(), 10)
        finally:
            if self.ended():
                test.skipTest(f"FUSE cannot be used: {(test.base / 'disk.log').read_text()[-300:].strip()}")

    def be(self, how):
        self.control.write_text(how)

    def ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Whoever hangs on it gets an error."""
        self.process.kill()
        self.process.wait(10)
        subprocess.run(["umount", "-l", str(self.at)], check=False)
        self.test.mounts.remove(self.at)


def usable():
    """Why it cannot be used here, or ""."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    try:
        import fusepy  # noqa: F401
    except (ImportError, OSError) as error:
        return f"python3-fusepy: {error}"
    return ""


if __name__ == "__main__":
    serve(*sys.argv[1:])
