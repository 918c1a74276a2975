/*
 * Servers that greet: SMTP, IMAP, POP3, FTP and SSH. Each is a row of the table below over a dialogue:
 * the greeting is read, TLS is started where that is wanted, and the server is told goodbye. After
 * STARTTLS the goodbye has to be answered: only that shows that the server talks over TLS, and does
 * not refuse us by an alert, which in TLS 1.3 comes after the handshake.
 */
#include <pthread.h>

#include "shared/dialogue.h"
#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/cert_expiry.h"
#include "prober/kinds/dialogue_run.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"

#define GREETING_BYTES_MAX 128
#define NO_LINE            "(?!)"

/* A line to send and the reply to it. */
struct exchange {
    const char *send;
    struct dialogue_expectation reply;
};

struct preset {
    const char *name;
    /* In plain text, with STARTTLS, and with TLS from the start; 0: there is no such. */
    uint16_t port;
    uint16_t starttls_port;
    uint16_t tls_port;
    struct dialogue_expectation greeting;
    struct exchange starttls[2]; /* the first may be empty */
    struct exchange goodbye;
};

/* What is refused at first means that nobody is served; STARTTLS refused, that the check's wish is not
 * met; what is neither expected nor a refusal is another protocol. */
#define REPLY(...) .by_line = true, .mismatch = OUTCOME_PROTO_ERROR, __VA_ARGS__
#define GREETING(...)                                                                              \
    {                                                                                              \
        .what = "the greeting", .refused = OUTCOME_NOT_SERVING, REPLY(__VA_ARGS__)                 \
    }
#define ANSWER(command, ...)                                                                       \
    {                                                                                              \
        .what = "the reply to " command, .refused = OUTCOME_ASSERT_FAILED, REPLY(__VA_ARGS__)      \
    }
#define NO_STARTTLS "the server does not offer STARTTLS"

/* clang-format off */
static const struct preset presets[] = {
    {"smtp", 25, 587, 465,
     GREETING(.expected = "^220(?: .{0,100}|$)", .skip = "^220-", .refusal = "^[45]\\d\\d"),
     {{"EHLO environment-manager.invalid\r\n",
       ANSWER("EHLO", .expected = "^250(?: |$)", .skip = "^250-", .refusal = "^[45]\\d\\d",
              .shown = "(?i)^250[ -]STARTTLS(?: |$)", .missing = NO_STARTTLS)},
      {"STARTTLS\r\n",
       ANSWER("STARTTLS", .expected = "^220(?: |$)", .skip = "^220-", .refusal = "^[45]\\d\\d")}},
     {"QUIT\r\n",
      ANSWER("QUIT", .expected = "^221(?: |$)", .skip = "^221-", .refusal = "^[45]\\d\\d")}},
    {"imap", 143, 143, 993,
     GREETING(.expected = "(?i)^\\* (?:OK|PREAUTH)(?: .{0,100}|$)", .skip = NO_LINE, .refusal = "(?i)^\\* BYE"),
     {{"a1 CAPABILITY\r\n",
       ANSWER("CAPABILITY", .expected = "(?i)^a1 OK", .skip = "^\\* ", .refusal = "(?i)^a1 (?:NO|BAD)",
              .shown = "(?i)^\\* CAPABILITY .*\\bSTARTTLS\\b", .missing = NO_STARTTLS)},
      {"a2 STARTTLS\r\n",
       ANSWER("STARTTLS", .expected = "(?i)^a2 OK", .skip = "^\\* ", .refusal = "(?i)^a2 (?:NO|BAD)")}},
     {"a3 LOGOUT\r\n",
      ANSWER("LOGOUT", .expected = "(?i)^a3 OK", .skip = "^\\* ", .refusal = "(?i)^a3 (?:NO|BAD)")}},
    {"pop3", 110, 110, 995,
     GREETING(.expected = "^\\+OK(?: .{0,100}|$)", .skip = NO_LINE, .refusal = "^-ERR"),
     {{"CAPA\r\n",
       ANSWER("CAPA", .expected = "^\\.$", .opening = "^\\+OK", .refusal = "^-ERR",
              .shown = "(?i)^STLS ?$", .missing = "the server does not offer STLS")},
      {"STLS\r\n",
       ANSWER("STLS", .expected = "^\\+OK", .skip = NO_LINE, .refusal = "^-ERR")}},
     {"QUIT\r\n",
      ANSWER("QUIT", .expected = "^\\+OK", .skip = NO_LINE, .refusal = "^-ERR")}},
    {"ftp", 21, 21, 990,
     GREETING(.expected = "^220(?: .{0,100}|$)", .opening = "^220-", .refusal = "^[45]\\d\\d"),
     {{0},
      {"AUTH TLS\r\n",
       ANSWER("AUTH TLS", .expected = "^234(?: |$)", .opening = "^234-", .refusal = "^[45]\\d\\d")}},
     {"QUIT\r\n",
      ANSWER("QUIT", .expected = "^221(?: |$)", .opening = "^221-", .refusal = "^[45]\\d\\d")}},
    {"ssh", 22, 0, 0,
     GREETING(.expected = "^SSH-(?:2\\.0|1\\.99)-.{0,100}", .skip = "^(?!SSH-)"),
     {{0}, {0}}, {0}},
};

/* clang-format on */

struct banner_spec {
    const struct preset *preset;
    struct endpoint_spec endpoint;
    bool starttls;
    bool with_tls; /* from the start */
    struct cert_expiry expiry;
    const struct dialogue *dialogue; /* borrowed for good */
};

static enum wait banner_begin(struct probe *probe);
static enum wait banner_connected(struct probe *probe);
static enum wait banner_done(struct probe *probe);

static const struct probe_step BANNER_BEGIN = {"begin", banner_begin};
static const struct probe_step BANNER_CONNECTED = {"connected", banner_connected};
static const struct probe_step BANNER_DONE = {"done", banner_done};

static enum wait banner_begin(struct probe *probe)
{
    struct banner_spec *spec = probe->check->spec;
    const struct dial_target target = endpoint_target(&spec->endpoint, spec->with_tls);

    dialogue_run_init(probe, &(struct dialogue_run){
                                 .dialogue = spec->dialogue,
                                 .tls = &spec->endpoint.tls,
                                 .names = endpoint_names(&spec->endpoint),
                                 .then = &BANNER_DONE,
                             });
    return dial_start(probe, &target, &BANNER_CONNECTED);
}

static enum wait banner_connected(struct probe *probe)
{
    return dialogue_run_start(probe);
}

/* Nothing depends on whether the server still hears it. */
static void say_goodbye(struct probe *probe, const char *text)
{
    size_t len;

    if (stream_write(&probe->stream, text, strlen(text), &len) != IO_DONE)
        probe_note(probe, "the goodbye was not taken");
}

static enum wait banner_done(struct probe *probe)
{
    const struct banner_spec *spec = probe->check->spec;
    const struct dialogue_run *run = (const struct dialogue_run *)probe->state;
    struct str greeting = str_n(run->caught.bytes.data, run->caught.texts[0].len);
    CLEANUP(buf_clear_p) struct buf quoted = {0};
    enum wait wait;

    if (spec->preset->goodbye.send && !spec->starttls)
        say_goodbye(probe, spec->preset->goodbye.send);
    if ((wait = cert_expiry_judge(probe, &spec->expiry)) != WAIT_NONE)
        return wait;
    buf_append_escaped(&quoted, greeting, GREETING_BYTES_MAX);
    return probe_succeed(probe, "the server greets with \"" STR_FMT "\"",
                         STR_ARG(buf_str(&quoted)));
}

/* ---- the spec ---- */

static void add_exchange(struct dialogue *dialogue, const struct exchange *exchange)
{
    if (!exchange->send)
        return;
    dialogue_add_send(dialogue, str_of(exchange->send));
    dialogue_add_expect(dialogue, &exchange->reply);
}

static struct dialogue *make_dialogue(const struct preset *preset, bool starttls)
{
    struct dialogue *dialogue = dialogue_new_empty();

    dialogue_add_expect(dialogue, &preset->greeting);
    vec_push(&dialogue->captures, (struct dialogue_capture){.step = 0, .group = 0});
    if (!starttls)
        return dialogue;
    for (size_t i = 0; i < ARRAY_LEN(preset->starttls); i++)
        add_exchange(dialogue, &preset->starttls[i]);
    dialogue_add_start_tls(dialogue);
    add_exchange(dialogue, &preset->goodbye);
    return dialogue;
}

/* All checks of a kind go through one of two dialogues, whose expressions take 10 KiB: each is made
 * when it is first wanted, and kept. */
static const struct dialogue *dialogue_of(const struct preset *preset, bool starttls)
{
    static struct dialogue *made[ARRAY_LEN(presets)][2];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `made` */
    struct dialogue **dialogue = &made[preset - presets][starttls];

    pthread_mutex_lock(&lock);
    if (!*dialogue)
        *dialogue = make_dialogue(preset, starttls);
    pthread_mutex_unlock(&lock);
    return *dialogue;
}

static const struct preset *preset_of(const struct probe_kind *kind)
{
    const struct preset *preset = presets;

    while (strcmp(preset->name, kind->name) != 0)
        preset++;
    return preset;
}

static void banner_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct banner_spec *spec = NEW(struct banner_spec);
    const struct preset *preset = preset_of(check->kind);
    bool has_tls = json_has(json, "tls");

    (void)errors;
    check->spec = spec;
    spec->preset = preset;
    spec->starttls = json_boolean_or(json, "starttls", false);
    spec->with_tls = has_tls && !spec->starttls;
    endpoint_spec_read(&spec->endpoint, check, json,
                       spec->starttls   ? preset->starttls_port
                       : spec->with_tls ? preset->tls_port
                                        : preset->port);
    spec->expiry = cert_expiry_read(json_object_get(json, "expect"));
    spec->dialogue = dialogue_of(preset, spec->starttls);
}

static void banner_spec_free(void *object)
{
    struct banner_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    free(spec);
}

#define BANNER_KIND(word)                                                                          \
    const struct probe_kind probe_##word = {                                                       \
        .name = #word,                                                                             \
        .first = &BANNER_BEGIN,                                                                    \
        .state_bytes = sizeof(struct dialogue_run),                                                \
        .spec_new = banner_spec_new,                                                               \
        .spec_free = banner_spec_free,                                                             \
        .timed_out = dialogue_run_timed_out,                                                       \
        .release = dialogue_run_release,                                                           \
    }

BANNER_KIND(smtp);
BANNER_KIND(imap);
BANNER_KIND(pop3);
BANNER_KIND(ftp);
BANNER_KIND(ssh);
