/*
 * By recursive descent, in jq's own order of precedence: `|`, then `or`, `and`, comparisons (which
 * do not chain), then terms. Whatever is not surely understood as jq understands it is left to
 * libjq: the parser then gives up without an error.
 */
#include <string.h>

#include "shared/json.h"
#include "shared/json_assert_private.h"
#include "shared/mem.h"

#define NESTING_MAX 64
#define INDEX_MAX   1000000000 /* jq has indexes of 32 bits */

struct parser {
    struct str text;
    size_t at;
    int depth;
};

static struct assert_node *parse_pipe(struct parser *parser);

static struct assert_node *node_new(enum assert_node_kind kind, struct assert_node *left_take,
                                    struct assert_node *right_take)
{
    struct assert_node *node = NEW(struct assert_node);

    node->kind = kind;
    node->left = left_take;
    node->right = right_take;
    return node;
}

void assert_node_free(struct assert_node *node)
{
    if (!node)
        return;
    assert_node_free(node->left);
    assert_node_free(node->right);
    json_decref(node->value);
    free(node);
}

/* Characters and words ------------------------------------------------------------------------ */

static char peek(const struct parser *parser)
{
    return parser->at < parser->text.len ? parser->text.ptr[parser->at] : '\0';
}

static void skip_blanks(struct parser *parser)
{
    while (peek(parser) && strchr(" \t\r\n", peek(parser)))
        parser->at++;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The name that begins here; empty when none does. */
static struct str name_at(const struct parser *parser)
{
    size_t end = parser->at;

    if (!is_letter(peek(parser)))
        return str_n("", 0);
    while (end < parser->text.len &&
           (is_letter(parser->text.ptr[end]) || is_digit(parser->text.ptr[end])))
        end++;
    return str_sub(parser->text, parser->at, end - parser->at);
}

/* Takes the word when it stands here alone. */
static bool take_word(struct parser *parser, const char *word)
{
    struct str name;

    skip_blanks(parser);
    name = name_at(parser);
    if (!str_equal(name, str_of(word)))
        return false;
    parser->at += name.len;
    return true;
}

static bool take_char(struct parser *parser, char c)
{
    skip_blanks(parser);
    if (peek(parser) != c)
        return false;
    parser->at++;
    return true;
}

/* Constants ----------------------------------------------------------------------------------- */

/* One JSON value that fills the text; NULL for anything else. */
static json_t *json_of(struct str text)
{
    json_t *value = NULL;

    if (json_assert_parse(text, &value) != OK)
        failure_clear();
    return value;
}

/* A string without interpolation and without raw control characters, which jq takes and JSON does
 * not. */
static json_t *parse_string(struct parser *parser)
{
    size_t begin = parser->at;
    size_t end = begin + 1;

    if (peek(parser) != '"')
        return NULL;
    for (; end < parser->text.len && parser->text.ptr[end] != '"'; end++) {
        if (parser->text.ptr[end] == '\\')
            end++;
    }
    if (end >= parser->text.len)
        return NULL;
    parser->at = end + 1;
    return json_of(str_sub(parser->text, begin, end + 1 - begin));
}

/* Digits and what JSON has between them; a sign after an "e" only. */
static bool is_number_part(const struct parser *parser)
{
    char c = peek(parser);
    char before = parser->text.ptr[parser->at - 1];

    if (c == '+' || c == '-')
        return before == 'e' || before == 'E';
    return is_digit(c) || c == '.' || c == 'e' || c == 'E';
}

/* As JSON writes it, and followed by nothing that jq might take for a part of it. */
static json_t *parse_number(struct parser *parser)
{
    size_t begin = parser->at;
    char after;

    if (peek(parser) == '-')
        parser->at++;
    if (!is_digit(peek(parser)))
        return NULL;
    do {
        parser->at++;
    } while (is_number_part(parser));
    after = peek(parser);
    if (is_letter(after) || (after && strchr("\"[{$@#?:+-*/%", after)))
        return NULL;
    return json_of(str_sub(parser->text, begin, parser->at - begin));
}

/* An array or object of constants: up to its closing bracket it has to be JSON. */
static json_t *parse_compound(struct parser *parser)
{
    size_t begin = parser->at;
    bool in_string = false;
    int depth = 0;

    for (; parser->at < parser->text.len; parser->at++) {
        char c = peek(parser);

        if (in_string && c == '\\')
            parser->at++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            depth++;
        else if (!in_string && (c == ']' || c == '}') && --depth == 0)
            break;
    }
    if (parser->at >= parser->text.len)
        return NULL;
    parser->at++;
    return json_of(str_sub(parser->text, begin, parser->at - begin));
}

static json_t *parse_constant(struct parser *parser)
{
    char c = peek(parser);

    if (c == '"')
        return parse_string(parser);
    if (c == '[' || c == '{')
        return parse_compound(parser);
    if (take_word(parser, "true"))
        return json_true();
    if (take_word(parser, "false"))
        return json_false();
    if (take_word(parser, "null"))
        return json_null();
    return parse_number(parser);
}

static struct assert_node *node_of(enum assert_node_kind kind, struct assert_node *left_take,
                                   json_t *value_take)
{
    struct assert_node *node;

    if (!value_take) {
        assert_node_free(left_take);
        return NULL;
    }
    node = node_new(kind, left_take, NULL);
    node->value = value_take;
    return node;
}

/* Terms --------------------------------------------------------------------------------------- */

/* A key or an index of 32 bits; NULL for all else. */
static json_t *parse_key(struct parser *parser)
{
    json_t *key;

    skip_blanks(parser);
    key = peek(parser) == '"' ? parse_string(parser) : parse_number(parser);
    if (json_is_string(key) || (json_is_integer(key) && json_integer_value(key) <= INDEX_MAX &&
                                json_integer_value(key) >= -INDEX_MAX))
        return key;
    json_decref(key);
    return NULL;
}

static struct assert_node *parse_bracket(struct parser *parser, struct assert_node *left_take)
{
    struct assert_node *node;

    parser->at++; /* "[" */
    node = node_of(NODE_INDEX, left_take, parse_key(parser));
    if (node && take_char(parser, ']'))
        return node;
    assert_node_free(node);
    return NULL;
}

/* What follows a "." without a blank. */
static struct assert_node *parse_field(struct parser *parser, struct assert_node *left_take)
{
    struct str name = name_at(parser);

    if (peek(parser) == '"')
        return node_of(NODE_INDEX, left_take, parse_string(parser));
    parser->at += name.len;
    return node_of(NODE_INDEX, left_take, name.len > 0 ? json_stringn(name.ptr, name.len) : NULL);
}

/* `.a`, `."a"` and `[…]` after a term, without blanks between. */
static struct assert_node *parse_suffixes(struct parser *parser, struct assert_node *node)
{
    while (node && (peek(parser) == '.' || peek(parser) == '[')) {
        if (peek(parser) == '[') {
            node = parse_bracket(parser, node);
        } else {
            parser->at++;
            node = parse_field(parser, node);
        }
    }
    return node;
}

static struct assert_node *parse_path(struct parser *parser)
{
    struct assert_node *node = node_new(NODE_INPUT, NULL, NULL);

    parser->at++; /* "." */
    if (is_letter(peek(parser)) || peek(parser) == '"')
        return parse_suffixes(parser, parse_field(parser, node));
    if (peek(parser) != '.')
        return parse_suffixes(parser, node);
    assert_node_free(node); /* ".." is another operator */
    return NULL;
}

static struct assert_node *parse_parentheses(struct parser *parser)
{
    struct assert_node *node = NULL;

    parser->at++; /* "(" */
    if (++parser->depth <= NESTING_MAX)
        node = parse_pipe(parser);
    parser->depth--;
    if (node && take_char(parser, ')'))
        return parse_suffixes(parser, node);
    assert_node_free(node);
    return NULL;
}

static struct assert_node *parse_has(struct parser *parser)
{
    struct assert_node *node;

    if (peek(parser) != '(')
        return NULL;
    parser->at++;
    node = node_of(NODE_HAS, NULL, parse_key(parser));
    if (node && take_char(parser, ')'))
        return node;
    assert_node_free(node);
    return NULL;
}

static struct assert_node *parse_bare_term(struct parser *parser)
{
    skip_blanks(parser);
    if (peek(parser) == '.')
        return parse_path(parser);
    if (peek(parser) == '(')
        return parse_parentheses(parser);
    if (take_word(parser, "length"))
        return node_new(NODE_LENGTH, NULL, NULL);
    if (take_word(parser, "not"))
        return node_new(NODE_NOT, NULL, NULL);
    if (take_word(parser, "has"))
        return parse_has(parser);
    return node_of(NODE_CONSTANT, NULL, parse_constant(parser));
}

/* What comes after a term has to be something that ends it: jq would go on with all else. */
static struct assert_node *parse_term(struct parser *parser)
{
    struct assert_node *node = parse_bare_term(parser);
    struct str word;
    char c;

    if (!node)
        return NULL;
    skip_blanks(parser);
    c = peek(parser);
    word = name_at(parser);
    if (parser->at == parser->text.len || (c && strchr("=!<>|)", c)) ||
        str_equal(word, STR("and")) || str_equal(word, STR("or")))
        return node;
    assert_node_free(node);
    return NULL;
}

/* Operators ----------------------------------------------------------------------------------- */

static bool take_operator(struct parser *parser, enum assert_operator *ret_operator)
{
    static const struct {
        const char *text;
        enum assert_operator operator;
    } operators[] = {
        {"==", OPERATOR_EQUAL},    {"!=", OPERATOR_UNEQUAL}, {"<=", OPERATOR_AT_MOST},
        {">=", OPERATOR_AT_LEAST}, {"<", OPERATOR_LESS},     {">", OPERATOR_MORE},
    };
    struct str rest = str_sub(parser->text, parser->at, parser->text.len);

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (!str_starts_with(rest, str_of(operators[i].text)))
            continue;
        parser->at += strlen(operators[i].text);
        *ret_operator = operators[i].operator;
        return true;
    }
    return false;
}

/* Both sides or nothing. */
static struct assert_node *node_of_two(enum assert_node_kind kind, struct assert_node *left_take,
                                       struct assert_node *right_take)
{
    if (left_take && right_take)
        return node_new(kind, left_take, right_take);
    assert_node_free(left_take);
    assert_node_free(right_take);
    return NULL;
}

static struct assert_node *parse_comparison(struct parser *parser)
{
    struct assert_node *node = parse_term(parser);
    enum assert_operator operator;
    enum assert_operator second;

    if (!node || !take_operator(parser, &operator))
        return node;
    node = node_of_two(NODE_COMPARE, node, parse_term(parser));
    if (!node)
        return NULL;
    node->operator= operator;
    if (!take_operator(parser, &second))
        return node;
    assert_node_free(node); /* they do not chain */
    return NULL;
}

static struct assert_node *parse_and(struct parser *parser)
{
    struct assert_node *node = parse_comparison(parser);

    while (node && take_word(parser, "and"))
        node = node_of_two(NODE_AND, node, parse_comparison(parser));
    return node;
}

static struct assert_node *parse_or(struct parser *parser)
{
    struct assert_node *node = parse_and(parser);

    while (node && take_word(parser, "or"))
        node = node_of_two(NODE_OR, node, parse_and(parser));
    return node;
}

static struct assert_node *parse_pipe(struct parser *parser)
{
    struct assert_node *node = parse_or(parser);

    while (node && take_char(parser, '|'))
        node = node_of_two(NODE_PIPE, node, parse_or(parser));
    return node;
}

struct assert_node *assert_node_parse(struct str program)
{
    struct parser parser = {.text = program};
    struct assert_node *node = parse_pipe(&parser);

    if (node && parser.at == program.len)
        return node;
    assert_node_free(node);
    return NULL;
}
