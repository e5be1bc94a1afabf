/* Preloaded into an engine: each sync takes 4 ms more, as on a disk that others use. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_first(void) {
    struct timespec more = {0, 4000000};
    nanosleep(&more, 0);
}

int fsync(int file) {
    wait_first();
    return syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    wait_first();
    return syscall(SYS_fdatasync, file);
}
