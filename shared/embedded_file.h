/* A text file that is part of the program, made at build time by embed_files(). */
#pragma once

#include <stddef.h>

struct embedded_file {
    const char *name; /* without folders: "http.json" */
    const char *text; /* ended by a zero byte */
    size_t len;
};
