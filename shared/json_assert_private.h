/*
 * A compiled assertion: a tree that json_assert_parse.c makes and json_assert.c evaluates, and what
 * programs for libjq may not contain (jq_words.c).
 *
 * Thread: constant once made.
 */
#pragma once

#include "shared/json_assert.h"

enum assert_node_kind {
    NODE_INPUT,    /* . */
    NODE_CONSTANT, /* value */
    NODE_INDEX,    /* left, by value: a key or an integer */
    NODE_PIPE,     /* left | right */
    NODE_AND,
    NODE_OR,
    NODE_COMPARE, /* left operator right */
    NODE_LENGTH,
    NODE_NOT,
    NODE_HAS, /* value: a key or an integer */
};

enum assert_operator {
    OPERATOR_EQUAL,
    OPERATOR_UNEQUAL,
    OPERATOR_LESS,
    OPERATOR_AT_MOST,
    OPERATOR_MORE,
    OPERATOR_AT_LEAST,
};

struct assert_node {
    enum assert_node_kind kind;
    enum assert_operator operator;
    struct assert_node *left;
    struct assert_node *right;
    json_t *value;
};

struct json_assert {
    char *program;
    struct assert_node *root; /* NULL: for libjq */
};

/* The tree of a program; NULL when it is none of the simple ones, right or wrong. */
struct assert_node *assert_node_parse(struct str program);
void assert_node_free(struct assert_node *node);

/* Whether a program for libjq is free of what it may not contain. @return ERR_INVALID
 * "jq_invalid". */
MUST_USE enum err jq_words_check(struct str program);
