/* Limits and defaults of a check, the same in prober, control and the API's schemas
 * (checks/<kind>.json). */
#pragma once

#define CHECK_INTERVAL_S_DEFAULT 30
#define CHECK_INTERVAL_S_MIN     1
#define CHECK_INTERVAL_S_MAX     86400
#define CHECK_TIMEOUT_MS_DEFAULT 5000
#define CHECK_TIMEOUT_MS_MIN     1
#define CHECK_FALL_DEFAULT       3
#define CHECK_RISE_DEFAULT       2
#define CHECK_UNKNOWN_AFTER      3
#define CHECK_RUN_MAX            20 /* the most that fall, rise and unknown_after may be */
#define CHECK_STALE_AFTER_S_MIN  30 /* default: 3 × interval + timeout, at least this */
#define CHECK_SPEC_BYTES_MAX     65536
#define CHECK_URL_BYTES_MAX      2048
#define CHECK_BODY_BYTES_MAX     32768
#define CHECK_REGEX_BYTES_MAX    1024
#define CHECK_HEADERS_MAX        50
#define CHECK_HTTP2_HEADERS_BYTES_MAX                                                              \
    20480 /* of names, values and 32 for each: with the rest, 32 KiB */
#define CHECK_FOLLOW_REDIRECTS_MAX 20
#define CHECK_STEPS_MAX            32
#define CHECK_SECRETS_BYTES_MAX    8192 /* of a script, as JSON: two pages, which any pipe has */
#define CHECK_TLS_MIN_VERSION      "1.2"

/* Of the kind that control serves by itself, because the target calls us. */
#define CHECK_HEARTBEAT             "heartbeat"
#define CHECK_HEARTBEAT_RUN         1 /* its fall and rise when not given: one missed call is enough */
#define CHECK_HEARTBEAT_S_MAX       31622400 /* interval and grace; 366 days */
#define CHECK_HEARTBEAT_GRACE_S_MAX 3600     /* default: as long as the interval, at most this */
