/* SPDX-License-Identifier: MIT */
/*
 * --record: the raw evidence (docs/record-format.md). The file is opened before the run, so that an
 * unwritable one costs nothing, written beside its final place and renamed when it is complete: whoever
 * reads it finds all of it or the old one.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out.h"

const char *axi_record_open(struct axi_stress *stress)
{
    static char sentence[AXI_SENTENCE];
    const char *path = stress->record_path;
    struct stat status;
    int fd;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        fd = open(path, O_WRONLY | O_CLOEXEC); /* a pipe or a device: nothing to rename */
    } else if (asprintf(&stress->record_temporary, "%s.%ld.tmp", path, (long)getpid()) >= 0) {
        fd = open(stress->record_temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } else {
        stress->record_temporary = NULL;
        return "--record: no memory";
    }
    if (fd >= 0)
        stress->record = fdopen(fd, "w");
    if (stress->record == NULL) {
        snprintf(sentence, sizeof sentence, "--record %s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            if (stress->record_temporary != NULL)
                unlink(stress->record_temporary);
        }
        free(stress->record_temporary);
        stress->record_temporary = NULL;
        return sentence;
    }
    axi_signals_unlink(stress->record_temporary);
    return NULL;
}

static bool put_record(const struct axi_stress *stress)
{
    const ax_stress_run *run = &stress->run;
    const ax_stress_program *program = run->program;
    ax_stress_out out;
    char seed[24];
    snprintf(seed, sizeof seed, "0x%" PRIx64, run->seed);
    axi_out_start(&out, stress->record);
    ax_stress_put_string(&out, "format", "atomicx-record");
    ax_stress_put_integer(&out, "version", 1);
    ax_stress_put_string(&out, "primitive", program->noun);
    ax_stress_put_string(&out, "program", stress->command_name);
    ax_stress_put_string(&out, "impl", run->impl->name);
    ax_stress_put_string(&out, "seed", seed);
    ax_stress_put_string(&out, "command", stress->replay);
    ax_stress_put_integer(&out, "threads", run->threads);
    if (run->duration_ns != 0)
        axi_out_null(&out, "iters");
    else
        ax_stress_put_integer(&out, "iters", (int64_t)run->iters);
    ax_stress_put_boolean(&out, "complete", run->complete);
    ax_stress_put_object(&out, "setup");
    if (program->put_setup != NULL)
        program->put_setup(run, &out);
    ax_stress_put_end(&out);
    ax_stress_put_array(&out, "workers");
    for (uint32_t i = 0; i < run->threads; i++) {
        ax_stress_put_object(&out, NULL);
        ax_stress_put_integer(&out, "thread", i);
        ax_stress_put_integer(&out, "ops", (int64_t)ax_stress_ops(run, i));
        if (program->put_worker != NULL)
            program->put_worker(run, i, &out);
        ax_stress_put_end(&out);
    }
    ax_stress_put_end(&out);
    ax_stress_put_object(&out, "final");
    if (program->put_final != NULL)
        program->put_final(run, &out);
    ax_stress_put_end(&out);
    if (program->put_more != NULL)
        program->put_more(run, &out);
    return axi_out_finish(&out);
}

const char *axi_record_write(struct axi_stress *stress)
{
    static char sentence[AXI_SENTENCE];
    FILE *file = stress->record;
    errno = 0;
    bool written = put_record(stress);
    written = fflush(file) == 0 && written;
    if (written && stress->record_temporary != NULL)
        written = fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    stress->record = NULL;
    if (written && stress->record_temporary != NULL)
        written = rename(stress->record_temporary, stress->record_path) == 0;
    if (!written) {
        snprintf(sentence, sizeof sentence, "--record %s: %s", stress->record_path,
                 errno != 0 ? strerror(errno) : "could not be written");
        axi_record_abandon(stress);
        return sentence;
    }
    axi_signals_unlink(NULL);
    free(stress->record_temporary);
    stress->record_temporary = NULL;
    return NULL;
}

void axi_record_abandon(struct axi_stress *stress)
{
    if (stress->record != NULL)
        fclose(stress->record);
    stress->record = NULL;
    axi_signals_unlink(NULL);
    if (stress->record_temporary != NULL)
        unlink(stress->record_temporary);
    free(stress->record_temporary);
    stress->record_temporary = NULL;
}
