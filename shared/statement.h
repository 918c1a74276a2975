/* A named SQL statement, made at build time from a <domain>.sql file by embed_sql(). */
#pragma once

struct statement {
    const char *name;              /* "booking_get"; also the name it is prepared under */
    const char *const *parameters; /* names of $1, $2, …; NULL at the end */
    int parameter_count;
    const char *text;
};
