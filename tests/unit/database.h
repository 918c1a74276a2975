/*
 * A real PostgreSQL for one test program: the embedded one, in a temporary folder, gone at the end.
 * As root the program becomes the service's user. Link control_base.
 *
 *   int main(void) { … return test_with_database(tests, ARRAY_LEN(tests)); }
 */
#pragma once

struct CMUnitTest;
struct embedded;
struct spawner;

/* The address of an empty database; valid while the tests run. */
extern const char *test_database_url;

/* The folder of the instance, and who starts programs. */
extern const char *test_folder;
extern struct spawner *test_spawner;

/* Starts the server, runs the tests, stops the server and deletes its files. Call it first in
 * main(). */
int test_with_database(const char *name, const struct CMUnitTest *tests, unsigned long count);

/* kill -9 of the server's main process, and waiting until it takes connections again. */
void test_database_kill(void);
