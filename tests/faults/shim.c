/* Counts the calls that change files below one folder, and lets the k-th of them go wrong.

   Loaded with LD_PRELOAD; does nothing until fault_arm() is called in the process itself. Everything that
   reaches the C library through its symbol table is seen: Python, libgit2, SQLite and Chroma's Rust and C++.
   What is not: writes through mmap (SQLite's -shm file) and calls inside the C library.

   The log, where one is asked for, has for every call that succeeded one line
       name TAB path TAB second path TAB offset TAB length NEWLINE
   followed by `length` bytes of data; its records are written in the order in which they took effect. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { COUNT, KILL_BEFORE, KILL_AFTER, TORN, FAIL_ONCE, FAIL_EVER };
enum kind { DATA, NAME, SYNC }; /* writes bytes; changes a folder; puts on disk */

static char root[PATH_MAX];
static size_t root_length;
static int mode, error_number, log_handle = -1;
static long point, calls;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/* -- what the test calls ------------------------------------------------------------------------ */

void fault_arm(const char *below, int how, long k, int error, int log)
{
    snprintf(root, sizeof root, "%s", below);
    root_length = strlen(root);
    mode = how, point = k, error_number = error, log_handle = log, calls = 0;
}

void fault_disarm(void) { root_length = 0; }

long fault_count(void) { return calls; }

/* -- paths -------------------------------------------------------------------------------------- */

static int below(const char *path)
{
    return root_length && !strncmp(path, root, root_length) &&
           (path[root_length] == '/' || path[root_length] == 0);
}

static const char *of_handle(int handle, char *out)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
    out[length > 0 ? length : 0] = 0;
    return out;
}

static const char *at(int folder, const char *name, char *out)
{
    char base[PATH_MAX];
    if (name[0] == '/')
        snprintf(out, PATH_MAX, "%s", name);
    else if (folder == AT_FDCWD && getcwd(base, sizeof base))
        snprintf(out, PATH_MAX, "%.2000s/%.2000s", base, name);
    else
        snprintf(out, PATH_MAX, "%.2000s/%.2000s", of_handle(folder, base), name);
    return out;
}

/* -- the point ---------------------------------------------------------------------------------- */

static void die(void)
{
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        pause();
}

static int can_fail(enum kind kind, const char *name)
{
    if (error_number == ENOSPC) /* removing needs no space */
        return kind != SYNC && strcmp(name, "unlink") && strcmp(name, "rmdir") && strcmp(name, "truncate");
    if (error_number == EROFS)
        return kind == NAME;
    return 1;
}

/* 0: go on. 1: it failed, errno is set. 2: do half of it, then die. */
static int reached(enum kind kind, const char *name)
{
    long number = ++calls;
    if (mode == FAIL_EVER ? number < point : number != point)
        return 0;
    if (mode == KILL_BEFORE)
        die();
    if (mode == TORN) {
        if (kind != DATA)
            die();
        return 2;
    }
    if ((mode == FAIL_ONCE || mode == FAIL_EVER) && can_fail(kind, name)) {
        errno = error_number;
        return 1;
    }
    return 0;
}

static void all_of(int handle, const void *data, size_t length)
{
    for (const char *next = data; length;) {
        ssize_t done = syscall(SYS_write, handle, next, length);
        if (done <= 0)
            return;
        next += done, length -= done;
    }
}

static void note(const char *name, const char *one, const char *other, long long offset, const void *data,
                 size_t length)
{
    if (log_handle < 0)
        return;
    char line[3 * PATH_MAX];
    int size = snprintf(line, sizeof line, "%s\t%s\t%s\t%lld\t%zu\n", name, one, other, offset, length);
    all_of(log_handle, line, size);
    all_of(log_handle, data, length);
}

void fault_mark(const char *text)
{
    pthread_mutex_lock(&guard);
    note("mark", text, "", 0, "", 0);
    pthread_mutex_unlock(&guard);
}

/* Runs `call` where the path is ours: counted, failed, killed and noted as was asked for. */
#define AROUND(ours, kind, name, one, other, offset, data, length, half, call, result)                       \
    do {                                                                                                      \
        if (!(ours)) {                                                                                        \
            result = call;                                                                                    \
            break;                                                                                            \
        }                                                                                                     \
        pthread_mutex_lock(&guard);                                                                           \
        int what = reached(kind, name);                                                                       \
        if (what == 1) {                                                                                      \
            int kept = errno;                                                                                 \
            pthread_mutex_unlock(&guard);                                                                     \
            errno = kept;                                                                                     \
            result = -1;                                                                                      \
            break;                                                                                            \
        }                                                                                                     \
        if (what == 2) {                                                                                      \
            half;                                                                                             \
            die();                                                                                            \
        }                                                                                                     \
        result = call;                                                                                        \
        int kept = errno;                                                                                     \
        if (result >= 0)                                                                                      \
            note(name, one, other, offset, data, length);                                                     \
        if (mode == KILL_AFTER && calls == point)                                                             \
            die();                                                                                            \
        pthread_mutex_unlock(&guard);                                                                         \
        errno = kept;                                                                                         \
    } while (0)


/* -- bytes -------------------------------------------------------------------------------------- */

static long long end_or_here(int handle)
{
    if (fcntl(handle, F_GETFL) & O_APPEND) {
        struct stat about;
        return fstat(handle, &about) ? 0 : about.st_size;
    }
    return lseek(handle, 0, SEEK_CUR);
}

ssize_t write(int handle, const void *data, size_t length)
{
    if (!root_length)
        return syscall(SYS_write, handle, data, length);
    char path[PATH_MAX];
    ssize_t done;
    int ours = below(of_handle(handle, path));
    long long here = ours ? end_or_here(handle) : 0;
    AROUND(ours, DATA, "write", path, "", here, data, done > 0 ? (size_t)done : 0,
           syscall(SYS_write, handle, data, length / 2), syscall(SYS_write, handle, data, length), done);
    return done;
}

static ssize_t placed(int handle, const void *data, size_t length, off_t offset)
{
    char path[PATH_MAX];
    ssize_t done;
    int ours = root_length && below(of_handle(handle, path));
    AROUND(ours, DATA, "write", path, "", (long long)offset, data, done > 0 ? (size_t)done : 0,
           syscall(SYS_pwrite64, handle, data, length / 2, offset),
           syscall(SYS_pwrite64, handle, data, length, offset), done);
    return done;
}

ssize_t pwrite(int handle, const void *data, size_t length, off_t offset)
{
    return placed(handle, data, length, offset);
}

ssize_t pwrite64(int handle, const void *data, size_t length, off_t offset)
{
    return placed(handle, data, length, offset);
}

ssize_t writev(int handle, const struct iovec *parts, int count)
{
    char path[PATH_MAX];
    if (!root_length || !below(of_handle(handle, path)))
        return syscall(SYS_writev, handle, parts, count);
    ssize_t total = 0; /* each part is a call of its own: a torn writev ends between two */
    for (int i = 0; i < count; i++) {
        if (!parts[i].iov_len)
            continue;
        ssize_t done = write(handle, parts[i].iov_base, parts[i].iov_len);
        if (done < 0)
            return total ? total : -1;
        total += done;
        if ((size_t)done < parts[i].iov_len)
            break;
    }
    return total;
}

/* Copying inside the kernel would hide the bytes: Python falls back to read and write. */
ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
    char path[PATH_MAX];
    if (root_length && below(of_handle(out, path))) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_sendfile, out, in, offset, count);
}

ssize_t sendfile64(int out, int in, off_t *offset, size_t count) { return sendfile(out, in, offset, count); }

ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t length, unsigned flags)
{
    char path[PATH_MAX];
    if (root_length && below(of_handle(out, path))) {
        errno = EXDEV;
        return -1;
    }
    return syscall(SYS_copy_file_range, in, from, out, to, length, flags);
}

static int cut(int handle, off_t length)
{
    char path[PATH_MAX];
    int done, ours = root_length && below(of_handle(handle, path));
    AROUND(ours, DATA, "truncate", path, "", (long long)length, "", 0, (void)0,
           (int)syscall(SYS_ftruncate, handle, length), done);
    return done;
}

int ftruncate(int handle, off_t length) { return cut(handle, length); }
int ftruncate64(int handle, off_t length) { return cut(handle, length); }

/* -- names -------------------------------------------------------------------------------------- */

static int opened(int folder, const char *name, int flags, mode_t rights)
{
    char path[PATH_MAX];
    int done, makes = flags & (O_CREAT | O_TRUNC) && (flags & O_TMPFILE) != O_TMPFILE;
    int ours = root_length && makes && below(at(folder, name, path));
    struct stat about;
    if (ours && !stat(path, &about) && !(flags & O_TRUNC && about.st_size))
        ours = flags & O_EXCL && flags & O_CREAT; /* it is there and stays as it is */
    AROUND(ours, NAME, flags & O_TRUNC ? "truncated" : "create", path, "", 0LL, "", 0, (void)0,
           (int)syscall(SYS_openat, folder, name, flags, rights), done);
    return done;
}

#define RIGHTS                                                                                                \
    mode_t rights = 0;                                                                                        \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {\
        va_list rest;                                                                                         \
        va_start(rest, flags);                                                                                \
        rights = va_arg(rest, int);                                                                           \
        va_end(rest);                                                                                         \
    }

int open(const char *name, int flags, ...) { RIGHTS return opened(AT_FDCWD, name, flags, rights); }
int open64(const char *name, int flags, ...) { RIGHTS return opened(AT_FDCWD, name, flags, rights); }
int openat(int folder, const char *name, int flags, ...) { RIGHTS return opened(folder, name, flags, rights); }
int openat64(int folder, const char *name, int flags, ...) { RIGHTS return opened(folder, name, flags, rights); }
int __open_2(const char *name, int flags) { return opened(AT_FDCWD, name, flags, 0); }
int __open64_2(const char *name, int flags) { return opened(AT_FDCWD, name, flags, 0); }
int creat(const char *name, mode_t rights)
{
    return opened(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, rights);
}

static FILE *streamed(const char *function, const char *name, const char *how)
{
    FILE *(*real)(const char *, const char *) = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, function);
    char path[PATH_MAX];
    FILE *stream = NULL;
    int done, ours = root_length && !strpbrk(how, "r") && below(at(AT_FDCWD, name, path));
    AROUND(ours, NAME, *how == 'w' ? "truncated" : "create", path, "", 0LL, "", 0, (void)0,
           ((stream = real(name, how)) ? 0 : -1), done);
    return done < 0 ? NULL : stream;
}

FILE *fopen(const char *name, const char *how) { return streamed("fopen", name, how); }
FILE *fopen64(const char *name, const char *how) { return streamed("fopen64", name, how); }

static int moved(int from, const char *old, int to, const char *new, unsigned flags, const char *name, long call)
{
    char one[PATH_MAX], other[PATH_MAX];
    int done, ours = root_length && (below(at(from, old, one)) | below(at(to, new, other)));
    if (ours && !strncmp(one, "/proc/self/fd/", 14)) /* a file without a name gets one */
        of_handle(atoi(one + 14), one);
    AROUND(ours, NAME, name, one, other, 0LL, "", 0, (void)0, (int)syscall(call, from, old, to, new, flags), done);
    return done;
}

int rename(const char *old, const char *new)
{
    return moved(AT_FDCWD, old, AT_FDCWD, new, 0, "rename", SYS_renameat2);
}
int renameat(int from, const char *old, int to, const char *new)
{
    return moved(from, old, to, new, 0, "rename", SYS_renameat2);
}
int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return moved(from, old, to, new, flags, "rename", SYS_renameat2);
}
int link(const char *old, const char *new)
{
    return moved(AT_FDCWD, old, AT_FDCWD, new, 0, "link", SYS_linkat);
}
int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return moved(from, old, to, new, flags, "link", SYS_linkat);
}

static int removed(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    int done, ours = root_length && below(at(folder, name, path));
    AROUND(ours, NAME, flags & AT_REMOVEDIR ? "rmdir" : "unlink", path, "", 0LL, "", 0, (void)0,
           (int)syscall(SYS_unlinkat, folder, name, flags), done);
    return done;
}

int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return removed(folder, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name)
{
    int done = unlink(name);
    return done && errno == EISDIR ? rmdir(name) : done;
}

static int made(int folder, const char *name, mode_t rights)
{
    char path[PATH_MAX];
    struct stat about;
    int done, ours = root_length && below(at(folder, name, path)) && stat(path, &about);
    AROUND(ours, NAME, "mkdir", path, "", 0LL, "", 0, (void)0,
           (int)syscall(SYS_mkdirat, folder, name, rights), done);
    return done;
}

int mkdir(const char *name, mode_t rights) { return made(AT_FDCWD, name, rights); }
int mkdirat(int folder, const char *name, mode_t rights) { return made(folder, name, rights); }

static int linked(const char *text, int folder, const char *name)
{
    char path[PATH_MAX];
    int done, ours = root_length && below(at(folder, name, path));
    AROUND(ours, NAME, "symlink", path, text, 0LL, "", 0, (void)0,
           (int)syscall(SYS_symlinkat, text, folder, name), done);
    return done;
}

int symlink(const char *text, const char *name) { return linked(text, AT_FDCWD, name); }
int symlinkat(const char *text, int folder, const char *name) { return linked(text, folder, name); }

/* -- on disk ------------------------------------------------------------------------------------ */

/* The log has the bytes too: not all that writes them passes by here. */
static size_t content(int handle, char **data)
{
    char link[64];
    struct stat about;
    *data = NULL;
    if (log_handle < 0 || fstat(handle, &about) || !S_ISREG(about.st_mode) || !about.st_size)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    int reading = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY);
    size_t got = 0;
    *data = malloc(about.st_size);
    while (*data && reading >= 0 && got < (size_t)about.st_size) {
        ssize_t more = syscall(SYS_pread64, reading, *data + got, about.st_size - got, got);
        if (more <= 0)
            break;
        got += more;
    }
    if (reading >= 0)
        syscall(SYS_close, reading);
    return got;
}

static int synced(int handle, const char *name, long call)
{
    char path[PATH_MAX], *data = NULL;
    int done, ours = root_length && below(of_handle(handle, path));
    size_t length = ours && call != SYS_syncfs ? content(handle, &data) : 0;
    AROUND(ours, SYNC, name, path, "", 0LL, data ? data : "", length, (void)0, (int)syscall(call, handle), done);
    free(data);
    return done;
}

int fsync(int handle) { return synced(handle, "fsync", SYS_fsync); }
int fdatasync(int handle) { return synced(handle, "fsync", SYS_fdatasync); }
int syncfs(int handle) { return synced(handle, "syncfs", SYS_syncfs); }
