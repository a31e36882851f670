/* SPDX-License-Identifier: MIT */
/* axmodel: compiles tests for the model (cc, c++) and runs them (run). */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] =
    "usage: axmodel cc [compiler options] FILE...    compile, and link unless -c is given ($CC or gcc)\n"
    "       axmodel c++ [compiler options] FILE...   the same with $CXX or g++\n"
    "       axmodel run [options] PROGRAM            explore its tests; `axmodel run --help PROGRAM` lists options\n"
    "       axmodel --help | --version\n"
    "\n"
    "A test includes <atomicx/model.h>. Example:\n"
    "  axmodel cc -o mytest mytest.c mycode.c && axmodel run ./mytest\n"
    "Exit code of run: 0 as declared, 1 violated, 2 usage, 3 inconclusive, 65 no such token or file,\n"
    "70 internal error, 130 interrupted.\n";

static void fail(int code, const char *what, const char *detail)
{
    fprintf(stderr, "axmodel: %s%s%s\n", what, detail[0] != '\0' ? ": " : "", detail);
    exit(code);
}

struct list {
    char **item;
    size_t n;
};

static void add(struct list *l, const char *s)
{
    char **more = realloc(l->item, (l->n + 2) * sizeof *more);
    char *copy = strdup(s);
    if (more == NULL || copy == NULL)
        fail(70, "out of memory", "");
    l->item = more;
    l->item[l->n++] = copy;
    l->item[l->n] = NULL;
}

static int run_command(const struct list *command)
{
    pid_t child = fork();
    if (child < 0)
        fail(70, "cannot start", command->item[0]);
    if (child == 0) {
        execvp(command->item[0], command->item);
        fail(errno == ENOENT ? 2 : 70, "cannot run", command->item[0]);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail(70, "lost", command->item[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool ends_in(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n > k && strcmp(s + n - k, suffix) == 0;
}

static bool is_source(const char *s)
{
    static const char *const suffix[] = {".c", ".cc", ".cpp", ".cxx", ".C"};
    if (s[0] == '-')
        return false;
    for (size_t i = 0; i < sizeof suffix / sizeof suffix[0]; i++)
        if (ends_in(s, suffix[i]))
            return true;
    return false;
}

/* Options whose value is the next argument. */
static bool takes_value(const char *s)
{
    static const char *const with[] = {"-o", "-I", "-D", "-U", "-L", "-l", "-include", "-isystem", "-iquote", "-x",
                                       "-Xlinker", "-MF", "-MT", "-MQ", "--param", "-idirafter"};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        if (strcmp(s, with[i]) == 0)
            return true;
    return false;
}

static bool only_links(const char *s)
{
    return strncmp(s, "-l", 2) == 0 || strncmp(s, "-L", 2) == 0 || strncmp(s, "-Wl,", 4) == 0 ||
           strcmp(s, "-Xlinker") == 0 || ends_in(s, ".o") || ends_in(s, ".a") || ends_in(s, ".so");
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static char *join(const char *a, const char *b, const char *c)
{
    char *path;
    if (asprintf(&path, "%s%s%s", a, b, c) < 0)
        fail(70, "out of memory", "");
    return path;
}

/* Where this program lies; where the runtime does, beside it in a build folder or else where it was installed. */
static char *own_folder(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        fail(70, "cannot tell where axmodel lies", "");
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return join(self, "/", "");
}

static bool in_build_folder(void)
{
    return exists(join(own_folder(), "libaxmodel.a", ""));
}

static char *runtime_file(const char *name)
{
    char *path = join(own_folder(), in_build_folder() ? "" : AXMODEL_TO_RUNTIME "/", name);
    if (!exists(path))
        fail(70, "cannot find", path);
    return path;
}

static char *headers(void)
{
    return in_build_folder() ? join(AXMODEL_SOURCE_HEADERS, "", "") : join(own_folder(), AXMODEL_TO_HEADERS, "");
}

static void compile_options(struct list *command, bool gcc, bool optimised)
{
    add(command, "-fsanitize=thread");
    add(command, "-g");
    add(command, "-fno-omit-frame-pointer");
    add(command, "-U_FORTIFY_SOURCE");
    /* gcc expands small ones after it has instrumented, and nobody would see them. */
    add(command, "-fno-builtin-memcpy");
    add(command, "-fno-builtin-memmove");
    add(command, "-fno-builtin-memset");
    if (!optimised)
        add(command, "-O1");
    if (gcc) {
        add(command, "--param=tsan-distinguish-volatile=1");
        add(command, "-Wno-tsan");
    }
    add(command, join("-I", headers(), ""));
}

static int compile(const char *compiler, int argc, char **argv)
{
    bool gcc = strstr(compiler, "clang") == NULL, link = true, optimised = false;
    const char *out = "a.out";
    struct list sources = {0}, common = {0}, linking = {0};
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "-c") == 0 || strcmp(a, "-S") == 0 || strcmp(a, "-E") == 0)
            link = false;
        if (strncmp(a, "-O", 2) == 0)
            optimised = true;
        if (strcmp(a, "-o") == 0 && i + 1 < argc) {
            out = argv[++i];
            continue;
        }
        if (is_source(a)) {
            add(&sources, a);
            continue;
        }
        struct list *to = only_links(a) ? &linking : &common;
        add(to, a);
        if (takes_value(a) && i + 1 < argc)
            add(to, argv[++i]);
    }
    if (!link) {
        struct list command = {0};
        add(&command, compiler);
        compile_options(&command, gcc, optimised);
        for (int i = 0; i < argc; i++)
            add(&command, argv[i]);
        return run_command(&command);
    }
    if (sources.n == 0 && linking.n == 0)
        fail(2, "nothing to compile", "");
    char folder[] = "/tmp/axmodel-XXXXXX";
    if (mkdtemp(folder) == NULL)
        fail(70, "cannot make a folder in", "/tmp");
    int result = 0;
    struct list objects = {0};
    for (size_t i = 0; i < sources.n && result == 0; i++) {
        char object[PATH_MAX];
        snprintf(object, sizeof object, "%s/%zu.o", folder, i);
        add(&objects, object);
        struct list command = {0};
        add(&command, compiler);
        compile_options(&command, gcc, optimised);
        for (size_t k = 0; k < common.n; k++)
            add(&command, common.item[k]);
        add(&command, "-c");
        add(&command, sources.item[i]);
        add(&command, "-o");
        add(&command, object);
        result = run_command(&command);
    }
    if (result == 0) {
        struct list command = {0};
        add(&command, compiler);
        for (size_t i = 0; i < objects.n; i++)
            add(&command, objects.item[i]);
        for (size_t i = 0; i < linking.n; i++)
            add(&command, linking.item[i]);
        add(&command, runtime_file("libaxmodel.a"));
        add(&command, join("@", runtime_file("axmodel.wrap"), ""));
        add(&command, "-pthread");
        add(&command, "-o");
        add(&command, out);
        result = run_command(&command);
    }
    for (size_t i = 0; i < objects.n; i++)
        unlink(objects.item[i]);
    rmdir(folder);
    return result;
}

/* The program is the last argument; its options go to the runtime in it. */
static int run(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc == 0 || argv[argc - 1][0] == '-')
        fail(2, "run: the last argument is the program", "axmodel --help explains");
    struct list command = {0};
    add(&command, argv[argc - 1]);
    for (int i = 0; i + 1 < argc; i++)
        add(&command, argv[i]);
    execv(command.item[0], command.item);
    fail(2, "cannot run", command.item[0]);
    return 2;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *cc = getenv("CC"), *cxx = getenv("CXX");
    if (strcmp(verb, "cc") == 0)
        return compile(cc != NULL && cc[0] != '\0' ? cc : "gcc", argc - 2, argv + 2);
    if (strcmp(verb, "c++") == 0)
        return compile(cxx != NULL && cxx[0] != '\0' ? cxx : "g++", argc - 2, argv + 2);
    if (strcmp(verb, "run") == 0)
        return run(argc - 2, argv + 2);
    if (strcmp(verb, "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (strcmp(verb, "--version") == 0) {
        puts("axmodel " AX_VERSION);
        return 0;
    }
    fputs(help, stderr);
    return 2;
}
