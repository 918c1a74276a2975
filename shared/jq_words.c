/*
 * What a program for libjq may not contain, found by a lexer that follows strings with their
 * interpolations. It is there for clear errors: that such a program could do no harm either is the
 * business of the process that runs it.
 */
#include <string.h>

#include "shared/json_assert_private.h"

#define NESTING_MAX 64

static const struct {
    const char *word;
    const char *why;
} refused[] = {
    {"env", "reads the environment"},
    {"$ENV", "reads the environment"},
    {"$__loc__", "has no meaning here"},
    {"$__prog_args", "has no meaning here"},
    {"input", "reads further documents"},
    {"inputs", "reads further documents"},
    {"input_filename", "reads further documents"},
    {"input_line_number", "reads further documents"},
    {"import", "reads files"},
    {"include", "reads files"},
    {"module", "belongs to files"},
    {"modulemeta", "reads files"},
    {"get_search_list", "belongs to files"},
    {"debug", "writes to the log"},
    {"stderr", "writes to the log"},
    {"halt", "ends the process"},
    {"halt_error", "ends the process"},
};

struct lexer {
    struct str text;
    size_t at;
    int depth;
    /* What each open parenthesis is; the last of them is closed first. */
    char open[NESTING_MAX];
};

#define INTERPOLATION '\\' /* in lexer.open: the string around it goes on after the ")" */

static enum err refuse(const char *why)
{
    return fail(ERR_INVALID, "jq_invalid", "%s", why);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static enum err open_bracket(struct lexer *lexer, char c)
{
    if (lexer->depth == NESTING_MAX)
        return refuse("it is nested too deep");
    lexer->open[lexer->depth++] = c;
    return OK;
}

/* From inside of a string to its end, or to an interpolation. */
static enum err skip_string(struct lexer *lexer)
{
    for (; lexer->at < lexer->text.len; lexer->at++) {
        char c = lexer->text.ptr[lexer->at];

        if (c == '"') {
            lexer->at++;
            return OK;
        }
        if (c != '\\')
            continue;
        lexer->at++;
        if (lexer->at < lexer->text.len && lexer->text.ptr[lexer->at] == '(') {
            lexer->at++;
            return open_bracket(lexer, INTERPOLATION);
        }
    }
    return refuse("a string is not closed");
}

static enum err close_bracket(struct lexer *lexer, char c)
{
    char open = lexer->depth > 0 ? lexer->open[--lexer->depth] : '\0';

    lexer->at++;
    if (open == INTERPOLATION && c == ')')
        return skip_string(lexer);
    if ((open == '(' && c == ')') || (open == '[' && c == ']') || (open == '{' && c == '}'))
        return OK;
    return refuse("its brackets do not match");
}

/* A key after a single "." is data and may be any word. */
static bool is_field(const struct lexer *lexer, size_t begin)
{
    const char *text = lexer->text.ptr;

    return begin > 0 && text[begin - 1] == '.' && (begin < 2 || text[begin - 2] != '.');
}

static enum err take_word(struct lexer *lexer)
{
    size_t begin = lexer->at;
    struct str word;

    do {
        lexer->at++;
    } while (lexer->at < lexer->text.len && is_word_char(lexer->text.ptr[lexer->at]));
    word = str_sub(lexer->text, begin, lexer->at - begin);
    if (is_field(lexer, begin))
        return OK;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (str_equal(word, str_of(refused[i].word)))
            return fail(ERR_INVALID, "jq_invalid",
                        "\"%s\" is not allowed: it %s (as a key, write it in quotes)",
                        refused[i].word, refused[i].why);
    }
    return OK;
}

static enum err take_token(struct lexer *lexer)
{
    char c = lexer->text.ptr[lexer->at];

    if (is_letter(c) || c == '$')
        return take_word(lexer);
    if (strchr(")]}", c))
        return close_bracket(lexer, c);
    if (strchr("([{", c))
        TRY(open_bracket(lexer, c));
    lexer->at++;
    if (c == '"')
        return skip_string(lexer);
    if (c == '#')
        return refuse("it has a comment (outside of strings \"#\" is not allowed)");
    return OK;
}

enum err jq_words_check(struct str program)
{
    struct lexer lexer = {.text = program};
    bool is_blank = true;

    if (!str_is_utf8(program))
        return refuse("it is not valid UTF-8");
    for (size_t i = 0; i < program.len; i++) {
        unsigned char c = (unsigned char)program.ptr[i];

        if (c == 0x7f || (c < 0x20 && (c == '\0' || !strchr("\t\r\n", c))))
            return refuse("it has control characters");
        is_blank = is_blank && strchr(" \t\r\n", c);
    }
    if (is_blank)
        return refuse("it is empty");
    while (lexer.at < program.len)
        TRY(take_token(&lexer));
    return lexer.depth > 0 ? refuse("a bracket is not closed") : OK;
}
