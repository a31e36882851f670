/* SPDX-License-Identifier: MIT */
/*
 * Broken implementations may crash, hang or trample on the harness itself: they run in a child, and the
 * parent, whose memory they can't reach, tells what became of it. A pipe connects the two: the child's
 * watching thread writes a byte now and then, and 'd' when it is done with its verdict; its end closes
 * with the child's last breath.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child notices its own hangs first; the parent waits this much longer for one that can't. */
#define GRACE_NS (UINT64_C(5) * AXI_SECOND)
#define LOOK_MS 200

void axi_heartbeat(const struct axi_stress *stress, char what)
{
    if (stress->heartbeat_fd < 0)
        return;
    /* an error means that the parent is gone, and this process is about to be killed */
    ssize_t ignored = write(stress->heartbeat_fd, &what, 1);
    (void)ignored;
}

static int be_the_child(struct axi_stress *stress, int pipe_end, pid_t parent, int (*body)(struct axi_stress *))
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(AXI_EXIT_INTERNAL); /* it died before prctl could tell the kernel */
    axi_signals_install(true);
    axi_signals_unlink(NULL);
    stress->heartbeat_fd = pipe_end;
    int code = body(stress);
    fflush(stdout);
    axi_heartbeat(stress, 'd');
    return code;
}

/* Reads heartbeats until the child is gone; false: it hung and was killed. */
static bool watch_child(const struct axi_stress *stress, pid_t child, int pipe_end, bool *done)
{
    struct axi_stillness silence = { .looked_ns = axi_now_ns() };
    bool told = false;
    for (;;) {
        struct pollfd poll_fd = { .fd = pipe_end, .events = POLLIN };
        int ready = poll(&poll_fd, 1, LOOK_MS);
        if (axi_interrupted() && !told) {
            kill(child, SIGTERM);
            told = true;
        }
        char beats[64];
        ssize_t count = ready > 0 ? read(pipe_end, beats, sizeof beats) : -1;
        if (count == 0)
            return true;
        if (count > 0) {
            *done = *done || beats[count - 1] == 'd';
            silence.ns = 0;
        } else if (axi_still_ns(&silence, LOOK_MS * (AXI_SECOND / 1000)) > stress->hang_ns + GRACE_NS) {
            kill(child, SIGKILL);
            return false;
        }
    }
}

int axi_in_child(struct axi_stress *stress, int (*body)(struct axi_stress *), char *sentence, size_t size)
{
    int pipe_ends[2];
    fflush(NULL);
    pid_t parent = getpid();
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return body(stress);
    pid_t child = fork();
    if (child == 0) {
        close(pipe_ends[0]);
        return be_the_child(stress, pipe_ends[1], parent, body);
    }
    close(pipe_ends[1]);
    if (child < 0) {
        close(pipe_ends[0]);
        return body(stress);
    }
    axi_signals_child(child);
    bool done = false;
    bool alive = watch_child(stress, child, pipe_ends[0], &done);
    close(pipe_ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    axi_signals_child(0);
    if (!alive)
        snprintf(sentence, size, "hung: no sign of life for %g s", (double)(stress->hang_ns + GRACE_NS) / 1e9);
    else if (WIFSIGNALED(status))
        snprintf(sentence, size, "crashed: SIG%s", sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
    else if (!done && WEXITSTATUS(status) != AXI_EXIT_TABLE)
        snprintf(sentence, size, "ended its process with exit status %d", WEXITSTATUS(status));
    else
        return WEXITSTATUS(status);
    return -1;
}
