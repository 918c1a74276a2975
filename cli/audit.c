/*
 * The journal's commands. An export asks first where the chains end and then for all records up to
 * there, so that what is written meanwhile belongs to the next export; verifying the control plane's
 * journal is verifying such an export without writing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contract/journal_chain.h"

#include "shared/journal_chain/chain_verifier.h"
#include "shared/journal_chain/journal_line.h"
#include "shared/journal_chain/verification_json.h"
#include "shared/json.h"
#include "shared/line_reader.h"
#include "shared/mem.h"

#include "cli/command.h"
#include "cli/http_client.h"
#include "cli/profile.h"

#define PAGE_RECORDS 1000

/* Gets each line of an export, with its line feed. */
typedef enum err (*line_fn)(void *context, struct str line);

/* Exporting ------------------------------------------------------------------------------------- */

struct export
{
    struct http_client *client;
    line_fn take;
    void *context;
};

/* The chains of `list_journal_chains`; of one organisation when one is named. */
static enum err read_chains(struct http_client *client, const char *organisation, json_t **ret_list)
{
    JSON_AUTO json_t *answer = NULL;
    json_t *list = json_array();
    const json_t *items;

    *ret_list = list;
    TRY(http_client_get_json(client, "/api/v1/journal/chain", &answer));
    items = json_object_get(answer, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);

        if (!organisation || strcmp(json_loose_text(item, "key", ""), organisation) == 0 ||
            strcmp(json_loose_text(item, "chain", ""), organisation) == 0)
            json_array_append(list, item);
    }
    if (organisation && json_array_size(list) == 0)
        return fail(ERR_NOT_FOUND, "chain_missing", "there is no journal of an organisation \"%s\"",
                    organisation);
    return OK;
}

/* Only what an export has of a head. */
static json_t *head_of(const json_t *chain)
{
    return json_pack("{s:O, s:O, s:O}", "chain", json_object_get(chain, "chain"), "sequence",
                     json_object_get(chain, "sequence"), "hash", json_object_get(chain, "hash"));
}

static enum err take_json(const struct export *export, const char *name, json_t *value_take)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *line = json_pack("{s:o}", name, value_take);

    json_write(line, &text);
    buf_append_char(&text, '\n');
    return export->take(export->context, buf_str(&text));
}

/* Hands on the lines of a page up to `last`; what is no line of an export is for who takes it to
 * complain of. @param ret_after the highest sequence of a record; stays when there is none. */
static enum err take_page(const struct export *export, struct str page, int64_t last,
                          int64_t *ret_after)
{
    while (page.len > 0) {
        CLEANUP(journal_line_clear_p) struct journal_line line = {0};
        struct str rest = page;
        struct str text = str_cut(&rest, '\n');

        if (journal_line_read(text, &line) != OK)
            failure_clear();
        if (line.sequence <= last)
            TRY(export->take(export->context, str_n(text.ptr, text.len + (rest.ptr != NULL))));
        if (line.type != JOURNAL_LINE_BATCH && line.sequence > *ret_after)
            *ret_after = line.sequence;
        page = rest;
    }
    return OK;
}

static enum err export_chain(const struct export *export, const json_t *chain)
{
    CLEANUP(buf_clear_p) struct buf page = {0};
    const char *id = json_loose_text(chain, "chain", "");
    int64_t last = json_loose_integer(chain, "sequence", 0);
    int64_t after = 0;
    int64_t before;

    do {
        AUTO(xfree)
        char *path = xasprintf("/api/v1/journal/export?chain=%s&after=%" PRId64 "&limit=%d", id,
                               after, PAGE_RECORDS);

        before = after;
        TRY(http_client_get(export->client, path, &page));
        TRY(take_page(export, buf_str(&page), last > 0 ? last : INT64_MAX, &after));
    } while (after > before && (after < last || last == 0));
    return OK;
}

static enum err export_all(const struct export *export, const char *organisation)
{
    JSON_AUTO json_t *chains = NULL;
    json_t *heads;

    TRY(read_chains(export->client, organisation, &chains));
    TRY(take_json(export, "journal", json_integer(JOURNAL_EXPORT_FORMAT)));
    heads = json_array();
    for (size_t i = 0; i < json_array_size(chains); i++) {
        const json_t *chain = json_array_get(chains, i);
        enum err err = export_chain(export, chain);

        if (err != OK) {
            json_decref(heads);
            return err;
        }
        /* A chain without any batch has no head: its records are found to have no batch. */
        if (json_loose_integer(chain, "sequence", 0) > 0)
            json_array_append_new(heads, head_of(chain));
    }
    return take_json(export, "heads", heads);
}

static enum err write_line(void *context, struct str line)
{
    FILE *file = context;

    if (fwrite(line.ptr, 1, line.len, file) == line.len)
        return OK;
    return fail(ERR_UNAVAILABLE, "write_failed", "the export cannot be written: %s",
                strerrordesc_np(errno));
}

/* Never over a file that is there: it may be the earlier export. */
static enum err open_target(const char *path, FILE **ret_file)
{
    int fd;

    if (!path) {
        *ret_file = stdout;
        return OK;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(ERR_INVALID, "file_unwritable", "%s cannot be made: %s", path,
                    strerrordesc_np(errno));
    *ret_file = fdopen(fd, "w");
    return OK;
}

static enum err close_target(FILE *file, const char *path, enum err err)
{
    bool is_flushed = fflush(file) == 0 && !ferror(file) && (!path || fsync(fileno(file)) == 0);

    if (path)
        fclose(file);
    if (path && (err != OK || !is_flushed))
        unlink(path); /* half an export is none */
    TRY(err);
    return is_flushed ? OK : fail(ERR_UNAVAILABLE, "write_failed", "the export cannot be written");
}

enum err audit_export(struct invocation *invocation)
{
    AUTO(http_client_free) struct http_client *client = NULL;
    struct export export = {.take = write_line};
    FILE *file;

    TRY(profile_connect(invocation->options, &client));
    TRY(open_target(invocation->options->to, &file));
    export.client = client;
    export.context = file;
    return close_target(file, invocation->options->to,
                        export_all(&export, invocation->options->organisation));
}

enum err audit_heads(struct invocation *invocation)
{
    static const struct output_column columns[] = {
        {"CHAIN", "chain"}, {"ORGANISATION", "key"},    {"RECORDS", "sequence"},
        {"HASH", "hash"},   {"SEALED AT", "sealed_at"}, {0}};
    AUTO(http_client_free) struct http_client *client = NULL;
    JSON_AUTO json_t *chains = NULL;
    JSON_AUTO json_t *document = NULL;
    CLEANUP(buf_clear_p) struct buf text = {0};

    TRY(profile_connect(invocation->options, &client));
    TRY(read_chains(client, invocation->options->organisation, &chains));
    document = json_pack("{s:O}", "heads", chains);
    output_write(invocation->format, document, chains, columns, &text);
    fputs(text.data, stdout);
    return OK;
}

/* Verifying ------------------------------------------------------------------------------------- */

static enum err verify_line(void *context, struct str line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    chain_verifier_add(context, line);
    return OK;
}

struct head_reader {
    struct chain_verifier *verifier;
    const char *organisation; /* an id; NULL: all */
    bool found;
};

/* A message of a webhook that tells of heads has them in its data; others have none. */
static enum err find_heads(struct str message, struct buf *ret_text)
{
    JSON_AUTO json_t *json = NULL;
    const json_t *data;

    TRY(json_parse(message, &json));
    data = json_object_get(json, "data");
    if (data && strcmp(json_loose_text(json, "type", ""), "journal.head") == 0)
        json_write(data, ret_text);
    return OK;
}

/* Of an earlier export only the line with the heads counts; of messages of a webhook, each that tells
 * of heads. */
static enum err read_head_line(void *context, struct str text)
{
    struct head_reader *reader = context;
    CLEANUP(buf_clear_p) struct buf heads = {0};
    CLEANUP(journal_line_clear_p) struct journal_line line = {0};

    if (str_starts_with(text, STR("{\"type\""))) {
        TRY(find_heads(text, &heads));
        text = buf_str(&heads);
    }
    if (!str_starts_with(text, STR("{\"heads\"")))
        return OK;
    TRY(journal_line_read(str_trim(text), &line));
    reader->found = true;
    for (size_t i = 0; i < json_array_size(line.members); i++) {
        const json_t *member = json_array_get(line.members, i);
        struct chain_head head = {.sequence = json_loose_integer(member, "sequence", 0)};

        snprintf(head.chain, sizeof head.chain, "%s", json_loose_text(member, "chain", ""));
        snprintf(head.hash, sizeof head.hash, "%s", json_loose_text(member, "hash", ""));
        if (!reader->organisation || strcmp(reader->organisation, head.chain) == 0)
            chain_verifier_expect(reader->verifier, &head);
    }
    return OK;
}

static enum err expect(const struct cli_options *options, const char *organisation,
                       struct chain_verifier *verifier)
{
    struct head_reader reader = {.verifier = verifier, .organisation = organisation};

    if (options->head && !journal_hash_is_valid(options->head))
        return fail(ERR_INVALID, "head_invalid", "--head has to be a hash: 64 digits of 0-9a-f");
    if (options->head)
        chain_verifier_expect_hash(verifier, options->head);
    if (!options->heads)
        return OK;
    TRY(lines_read(options->heads,
                   &(struct line_taker){read_head_line, &reader, JOURNAL_LINE_BYTES_MAX}));
    if (!reader.found)
        return fail(ERR_INVALID, "heads_missing",
                    "%s has no heads: give it an export that is whole, what `emctl audit heads "
                    "--output json` printed, or messages of the webhook event journal.head, one a "
                    "line",
                    options->heads);
    return OK;
}

/* The id of the organisation that is asked for, as the control plane knows it; NULL: none is. */
static enum err find_organisation(struct http_client *client, const char *organisation,
                                  char **ret_id)
{
    JSON_AUTO json_t *chains = NULL;

    *ret_id = NULL;
    if (!organisation)
        return OK;
    TRY(read_chains(client, organisation, &chains));
    *ret_id = xstrdup(json_loose_text(json_array_get(chains, 0), "chain", ""));
    return OK;
}

static enum err verify_online(const struct cli_options *options, struct chain_verifier *verifier)
{
    AUTO(http_client_free) struct http_client *client = NULL;
    AUTO(xfree) char *organisation = NULL;
    struct export export = {.take = verify_line, .context = verifier};

    TRY(profile_connect(options, &client));
    TRY(find_organisation(client, options->organisation, &organisation));
    TRY(expect(options, organisation, verifier));
    export.client = client;
    return export_all(&export, organisation);
}

static enum err verify_file(const char *path, const struct cli_options *options,
                            struct chain_verifier *verifier)
{
    if (options->organisation)
        return fail(ERR_INVALID, "option_invalid",
                    "--organisation is for a control plane; an export is verified as a whole");
    TRY(expect(options, NULL, verifier));
    return lines_read(path, &(struct line_taker){verify_line, verifier, JOURNAL_LINE_BYTES_MAX});
}

static void print_count(int64_t count, const char *one, const char *many, struct buf *out)
{
    buf_printf(out, "%" PRId64 " %s", count, count == 1 ? one : many);
}

static void print_summary(const struct verification *result, struct buf *out)
{
    buf_append_text(out, result->finding_count == 0 ? "whole: " : "NOT whole: ");
    print_count((int64_t)result->heads.len, "chain, ", "chains, ", out);
    print_count(result->records, "record, ", "records, ", out);
    print_count(result->batches, "batch, ", "batches, ", out);
    print_count(result->finding_count, "finding", "findings", out);
    if (result->finding_count > (int64_t)result->findings.len)
        buf_printf(out, ", the first %zu of them above", result->findings.len);
    buf_append_char(out, '\n');
}

static void print_verification(const struct verification *result, enum output_format format)
{
    static const struct output_column columns[] = {{"FINDING", "code"},      {"CHAIN", "chain"},
                                                   {"SEQUENCE", "sequence"}, {"LINE", "line"},
                                                   {"WHAT", "detail"},       {0}};
    CLEANUP(buf_clear_p) struct buf text = {0};
    JSON_AUTO json_t *document = verification_json(result);
    const json_t *findings = json_object_get(document, "findings");

    if (format != OUTPUT_TABLE || result->finding_count > 0)
        output_write(format, document, findings, columns, &text);
    if (format == OUTPUT_TABLE)
        print_summary(result, &text);
    fputs(text.data, stdout);
}

enum err audit_verify(struct invocation *invocation)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    const struct verification *result;

    if (invocation->operand)
        TRY(verify_file(invocation->operand, invocation->options, verifier));
    else
        TRY(verify_online(invocation->options, verifier));
    result = chain_verifier_end(verifier);
    invocation->has_finding = result->finding_count > 0;
    print_verification(result, invocation->format);
    return OK;
}
