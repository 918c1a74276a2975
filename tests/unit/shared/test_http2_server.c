/*
 * What a client may send and what it may not, frame by frame as it lies on the wire, by a table: each
 * row whole, byte by byte, and cut in two at many places, with the same events.
 */
#include "tests/unit/unit_test.h"

#include "tests/unit/shared/http2_frames_text.h"
#include "tests/unit/shared/http2_owner.h"

/* Rows ----------------------------------------------------------------------------------------- */

struct row {
    const char *frames; /* after the preface and two SETTINGS; see http2_frames_text.h */
    const char *events; /* what the owner is told */
    const char *out;    /* what the peer is told */
};

#define FINE        "|1 end|1 closed", "|1 head|1 2 bytes all"
#define BAD         "|1 head all"
#define WRONG_FIELD "1 malformed: A field's name or value has characters that it may not have."

/* clang-format off */
static const struct row rows[] = {
    /* requests that are fine */
    { "1.5.1:" GET, "1 GET / none host=a" FINE },
    { "1.4.1:" GET "; 0.1.1", "1 GET / open host=a" FINE },
    { "1.0.1:8284; 9.0.1:86; 9.4.1:0101'a'; 0.1.1", "1 GET / open host=a" FINE },
    { "1.4.1:" POST "; 0.0.1:'he'; 0.1.1:'llo'", "1 POST / open host=a|1 data hello" FINE },
    { "1.4.1:" POST "0f0d01'5'; 0.0.1:'he'; 0.1.1:'llo'", "1 POST / length content-length=5 host=a|1 data hello" FINE },
    { "1.5.1:" POST "0f0d01'0'", "1 POST / none content-length=0 host=a" FINE },
    { "1.4.1:" POST "0f0d01'0'; 0.1.1", "1 POST / none content-length=0 host=a" FINE },
    { "1.4.1:" POST "; 0.0.1:'x'; 1.5.1:0001'a'01'b'", "1 POST / open host=a|1 data x" FINE },
    { "1.5.1:828486 0f1701'a'", "1 GET / none host=a" FINE },
    { "1.5.1:" GET "0f1701'A'", "1 GET / none host=A" FINE },
    { "1.5.1:828487 0101'a'", "1 GET / none host=a" FINE },
    { "1.5.1:0202'OK'84860101'a'", "1 OK / none host=a" FINE },
    { "1.5.1:82 0401'*' 860101'a'", "", "|1 reset 1" },
    { "1.5.1:0207'OPTIONS' 0401'*' 860101'a'", "1 OPTIONS * none host=a" FINE },
    { "1.5.1:0207'CONNECT' 0103'a:1'", "1 CONNECT a:1 none host=a:1" FINE },
    { "1.4.1:" POST "0006'expect'0c'100-continue'; 0.1.1", "1 POST / open expect=100-continue host=a continue" FINE },
    { "1.5.1:" GET "0f1101'a'0f1101'b'0001'x'01'y'0f1101'c'", "1 GET / none cookie=a; b; c x=y host=a" FINE },
    { "1.25.1:0000000010" GET, "1 GET / none host=a" FINE },
    { "2.0.1:0000000010; 1.5.1:" GET "; 8.0.0:00000001; 20.0.7:'?'", "1 GET / none host=a" FINE },
    { "1.5.1:" GET "0002'te'08'trailers'", "1 GET / none te=trailers host=a" FINE },

    /* heads that are none */
    { "1.5.1:8286 0101'a'", "", "|1 reset 1" },
    { "1.5.1:84860101'a'", "", "|1 reset 1" },
    { "1.5.1:82840101'a'", "", "|1 reset 1" },
    { "1.5.1:82828486 0101'a'", "", "|1 reset 1" },
    { "1.5.1:8284 0001'x'01'y' 86 0101'a'", "", "|1 reset 1" },
    { "1.5.1:828486 88 0101'a'", "", "|1 reset 1" },
    { "1.5.1:" GET "0005':what'01'x'", "", "|1 reset 1" },
    { "1.5.1:828486", "", "|1 reset 1" },
    { "1.5.1:82 0400 86 0101'a'", "", "|1 reset 1" },
    { "1.5.1:82 0404'a/b/' 86 0101'a'", "", "|1 reset 1" },
    { "1.5.1:" GET "000a'connection'05'close'", "", "|1 reset 1" },
    { "1.5.1:" GET "000a'keep-alive'01'1'", "", "|1 reset 1" },
    { "1.5.1:" GET "0010'proxy-connection'01'1'", "", "|1 reset 1" },
    { "1.5.1:" GET "0f2a07'chunked'", "", "|1 reset 1" },
    { "1.5.1:" GET "0007'upgrade'03'h2c'", "", "|1 reset 1" },
    { "1.5.1:" GET "0002'te'04'gzip'", "", "|1 reset 1" },
    { "1.4.1:" POST "0f0d01'5' 0f0d01'5'", "", "|1 reset 1" },
    { "1.4.1:" POST "0f0d02'-5'", "", "|1 reset 1" },
    { "1.5.1:" GET "0001'A'01'x'", "", "|1 reset 1" },
    { "1.5.1:" GET "0003'a b'01'x'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "000001'x'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "0001'a'03'x'0a'y'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "0001'a'03'x'0d'y'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "0001'a'03'x'00'y'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "0001'a'02' x'", WRONG_FIELD "|1 closed", BAD },
    { "1.5.1:" GET "0f1701'b'", "1 malformed: The Host field is not what :authority is.|1 closed", BAD },
    { "1.5.1:828486 0f1701'a'0f1701'a'", "", "|1 reset 1" },
    { "1.5.1:828486 0103'a/b'", "", "|1 reset 1" },
    { "1.5.1:828486 0103'a,b'", "1 malformed: The authority is not a host name with an optional port.|1 closed", BAD },
    { "1.5.1:828486 0f1703'a,b'", "1 malformed: The authority is not a host name with an optional port.|1 closed", BAD },
    { "1.5.1:828486 0103'u@a'", "1 malformed: The authority is not a host name with an optional port.|1 closed", BAD },
    { "1.5.1:8284 0603'ftp' 0101'a'", "1 malformed: The scheme is neither http nor https.|1 closed", BAD },
    { "1.5.1:82 0402'/'e9 86 0101'a'", "1 malformed: The request target is not visible ASCII.|1 closed", BAD },
    { "1.4.1:" GET "0003'a b'01'x'; 0.0.1:'never read'", WRONG_FIELD "|1 closed", "|1 head all|1 reset 0" },

    /* bodies that are not of the length they say */
    { "1.5.1:" POST "0f0d01'5'", "", "|1 reset 1" },
    { "1.4.1:" POST "0f0d01'5'; 0.1.1:'four'", "1 POST / length content-length=5 host=a|1 data four|1 closed", "|1 reset 1" },

    /* streams that end early */
    { "1.4.1:" POST "; 3.0.1:00000008", "1 POST / open host=a|1 closed", "" },
    { "1.4.1:" POST "; 0.0.1:'x'; 3.0.1:00000000", "1 POST / open host=a|1 data x|1 closed", "" },
    { "1.4.1:" POST "; 8.0.1:00000000", "1 POST / open host=a", "|goaway 1 1" },
    { "1.4.1:" POST "; 8.0.1:7fffffff", "1 POST / open host=a|1 closed", "|1 reset 3" },

    /* connections that break the rules */
    { "1.5.2:" GET, "", "|goaway 0 1" },
    { "1.5.0:" GET, "", "|goaway 0 1" },
    { "0.1.1:'x'", "", "|goaway 0 1" },
    { "9.4.1:" GET, "", "|goaway 0 1" },
    { "1.1.1:" GET "; 0.1.1", "", "|goaway 1 1" },
    { "5.4.1:00000002" GET, "", "|goaway 0 1" },
    { "4.0.0:000480000000", "", "|goaway 0 3" },
    { "4.0.0:00", "", "|goaway 0 6" },
    { "8.0.0:00000000", "", "|goaway 0 1" },
    { "8.0.0:7fffffff", "", "|goaway 0 3" },
    { "6.0.0:'1234567'", "", "|goaway 0 6" },
    { "3.0.1:00000008", "", "|goaway 0 1" },
    { "raw:004001000000000001", "", "|goaway 0 6" },
    { "1.5.1:80", "", "|goaway 1 9" },
    { "1.5.1:3fe2ff03" GET, "", "|goaway 1 9" },

    /* heads that are too large */
    { "1.5.1:82 047f01'/'^128 86 0101'a'", "1 target: The request target is too long.|1 closed", BAD },
    { "1.0.1:" GET "; 9.0.1*5", "", "|goaway 1 11" },
};

/* clang-format on */

/* Gives the bytes in pieces: `first`, then `each` at a time. */
static struct owner *run(const char *frames, size_t first, size_t each)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};
    struct owner *owner = owner_new();
    struct str rest;
    size_t len = first;

    feed_frames(owner, HELLO);
    http2_append_frames(&bytes, frames);
    for (rest = buf_str(&bytes); rest.len > 0; rest = str_sub(rest, len, rest.len), len = each)
        feed(owner, str_sub(rest, 0, len));
    return owner;
}

/* Whether the row gives what it says; if not, says so. */
static bool is_right(const struct row *row, struct owner *owner)
{
    CLEANUP(buf_clear_p) struct buf out = {0};
    bool right;

    describe_output(&out, buf_str(&owner->out));
    right = str_equal(buf_str(&owner->events), str_of(row->events)) &&
            str_equal(buf_str(&out), str_of(row->out)) &&
            (owner->open == 0 || http2_server_farewell(owner->server) != HTTP2_FAREWELL_NONE);
    if (!right)
        print_error("row: %s\nevents: %s\nout: %s\n", row->frames,
                    owner->events.data ? owner->events.data : "", out.data ? out.data : "");
    owner_free(owner);
    return right;
}

static bool is_right_in_every_split(const struct row *row)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};
    bool right;

    http2_append_frames(&bytes, row->frames);
    right = is_right(row, run(row->frames, bytes.len, 1)) && is_right(row, run(row->frames, 1, 1));
    for (size_t cut = 1; cut < bytes.len && right; cut++)
        right = is_right(row, run(row->frames, cut, bytes.len));
    return right;
}

static void test_frames_give_the_expected_events_in_every_split(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        wrong += !is_right_in_every_split(&rows[i]);
    assert_int_equal(wrong, 0);
}

/* Rules that are ours ------------------------------------------------------------------------ */

static void test_what_is_no_preface_ends_the_connection(void **state)
{
    struct owner *owner = owner_new();

    (void)state;
    feed_frames(owner, "raw:'GET / HTTP/1.1'0d0a'Host: a'0d0a0d0a");
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_BROKE);
    owner_free(owner);
}

static void test_the_first_frame_has_to_be_settings(void **state)
{
    struct owner *owner = owner_new();

    (void)state;
    assert_answers(owner, PREFACE "1.5.1:" GET, "|goaway 0 1");
    assert_int_equal(owner->begun, 0);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_BROKE);
    owner_free(owner);
}

static void test_a_head_is_limited_to_the_byte(void **state)
{
    /* method 42, path 38, scheme 43, authority 43: 166 of 1000; a field of 1 and 801 is 834 */
    struct owner *owner = greeted();

    (void)state;
    owner->has_no_events = true;
    assert_answers(owner, "1.5.1:" GET "0001'a'7fa205'x'^801", "|1 head|1 2 bytes all");
    assert_answers(owner, "1.5.3:" GET "0001'a'7fa305'x'^802", "|3 head all");
    owner_free(owner);
}

static void test_fields_are_counted(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    owner->has_no_events = true;
    assert_answers(owner,
                   "1.5.1:" GET "0001'a'00 0001'b'00 0001'c'00 0001'd'00 0001'e'00 0001'f'00 "
                   "0001'g'00 0001'h'00",
                   "|1 head|1 2 bytes all");
    owner->has_no_events = false;
    buf_reset(&owner->events);
    assert_answers(owner,
                   "1.5.3:" GET "0001'a'00 0001'b'00 0001'c'00 0001'd'00 0001'e'00 0001'f'00 "
                   "0001'g'00 0001'h'00 0001'i'00",
                   "|3 head all");
    assert_string_equal(owner->events.data, "3 head: There are too many fields.|3 closed");
    owner_free(owner);
}

/* A field of some 800 bytes goes into the table, and comes again by one byte each. */
static void test_what_the_table_repeats_ends_the_connection(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    assert_answers(owner, "1.5.1:" GET "4001'a'7fa105'x'^800 be^5000", "|goaway 1 11");
    assert_int_equal(owner->begun, 0);
    assert_int_equal(http2_server_farewell(owner->server), HTTP2_FAREWELL_CALM);
    owner_free(owner);
}

static void test_a_head_without_end_ends_the_connection(void **state)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};
    struct owner *owner = greeted();

    (void)state;
    assert_answers(owner, "1.0.1:" GET "; 9.0.1:0001'a'00*5", "|goaway 1 11");
    owner_free(owner);

    owner = greeted(); /* 4 of 16 KiB are more than a head may have on the wire */
    assert_answers(owner, "1.0.1:" GET "; 9.0.1:00^16384*3", "");
    assert_answers(owner, "9.0.1:00^16384", "|goaway 1 11");
    owner_free(owner);
}

static void test_a_head_in_parts_may_have_some(void **state)
{
    struct owner *owner = greeted();

    (void)state;
    assert_answers(owner, "1.1.1:" GET "; 9.0.1:0001'a'00*3; 9.4.1:0001'b'00",
                   "|1 head|1 2 bytes all");
    owner_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_give_the_expected_events_in_every_split),
        cmocka_unit_test(test_what_is_no_preface_ends_the_connection),
        cmocka_unit_test(test_the_first_frame_has_to_be_settings),
        cmocka_unit_test(test_a_head_is_limited_to_the_byte),
        cmocka_unit_test(test_fields_are_counted),
        cmocka_unit_test(test_what_the_table_repeats_ends_the_connection),
        cmocka_unit_test(test_a_head_without_end_ends_the_connection),
        cmocka_unit_test(test_a_head_in_parts_may_have_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
