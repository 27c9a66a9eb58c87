/* Keeps, for every file below POWER_CUT_DATA, an image of what was synced, in POWER_CUT_IMAGES.
 *
 * Writes are noted as ranges; fsync and fdatasync copy the noted ranges to the image. What was never synced is not in
 * the image, as it would not be on a disk that lost power. With POWER_CUT_SKIP_SYNC set, syncs do nothing, as in a
 * program that forgot them. Names in a directory count as durable at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 64

struct range { off_t from, to; };
struct watched {
    ino_t inode;
    char name[NAME_MAX + 1];
    struct range *ranges;
    size_t count, room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched files[FILES];
static size_t known;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

static void fail(const char *what) {
    dprintf(2, "power_cut: %s: %s\n", what, strerror(errno));
    abort();
}

/* The file behind a descriptor, if it lies in the data directory. Known by its name: inodes are used again. The lock
 * is held. */
static struct watched *find(int fd) {
    const char *data = getenv("POWER_CUT_DATA");
    struct stat status;
    if (!data || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink == 0) return NULL;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    size_t prefix = strlen(data);
    if (strncmp(path, data, prefix) != 0 || path[prefix] != '/') return NULL;
    const char *name = path + prefix + 1;
    for (size_t i = 0; i < known; i++)
        if (strcmp(files[i].name, name) == 0) {
            if (files[i].inode != status.st_ino) files[i].count = 0;
            files[i].inode = status.st_ino;
            return &files[i];
        }
    if (known == FILES) fail("too many files");
    struct watched *file = &files[known++];
    memset(file, 0, sizeof *file);
    file->inode = status.st_ino;
    snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

static void note(int fd, off_t from, ssize_t length) {
    struct watched *file = find(fd);
    if (!file || length <= 0) return;
    if (file->count && file->ranges[file->count - 1].to == from) {
        file->ranges[file->count - 1].to = from + length;
        return;
    }
    if (file->count == file->room) {
        file->room = file->room ? 2 * file->room : 64;
        file->ranges = realloc(file->ranges, file->room * sizeof *file->ranges);
        if (!file->ranges) fail("no memory");
    }
    file->ranges[file->count++] = (struct range){from, from + length};
}

static void copy(int from, int to, struct range range) {
    char buffer[65536];
    for (off_t at = range.from; at < range.to;) {
        size_t wish = range.to - at < (off_t)sizeof buffer ? (size_t)(range.to - at) : sizeof buffer;
        ssize_t read = pread(from, buffer, wish, at);
        if (read < 0) fail("cannot read");
        if (read == 0) return;
        if (real_pwrite(to, buffer, read, at) != read) fail("cannot write an image");
        at += read;
    }
}

static int keep(int fd, int (*sync)(int)) {
    pthread_mutex_lock(&lock);
    struct watched *file = find(fd);
    const char *skip = getenv("POWER_CUT_SKIP_SYNC");
    int result = 0;
    if (!file || !(skip && *skip)) result = sync(fd);
    if (file && !(skip && *skip) && result == 0) {
        char path[PATH_MAX], own[64];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", getenv("POWER_CUT_IMAGES"), file->name);
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        int image = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        int content = open(own, O_RDONLY | O_CLOEXEC);
        if (image < 0 || content < 0 || fstat(fd, &status) != 0) fail("cannot open an image");
        for (size_t i = 0; i < file->count; i++) copy(content, image, file->ranges[i]);
        file->count = 0;
        if (real_ftruncate(image, status.st_size) != 0) fail("cannot cut an image");
        close(image);
        close(content);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!real_write) begin();
    if (!getenv("POWER_CUT_DATA")) return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    off_t from = lseek(fd, 0, SEEK_CUR);
    ssize_t written = real_write(fd, bytes, length);
    if (from >= 0) note(fd, from, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t from) {
    if (!real_pwrite) begin();
    pthread_mutex_lock(&lock);
    ssize_t written = real_pwrite(fd, bytes, length, from);
    note(fd, from, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t from) { return pwrite64(fd, bytes, length, from); }

int ftruncate64(int fd, off_t length) {
    if (!real_ftruncate) begin();
    return real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fsync(int fd) {
    if (!real_fsync) begin();
    return keep(fd, real_fsync);
}

int fdatasync(int fd) {
    if (!real_fdatasync) begin();
    return keep(fd, real_fdatasync);
}
