/*
 * The secrets of a check's spec: what its schema says is writeOnly, and the values of headers that
 * are secret by their name. They are written, given to probers, and never read: in the spec a mask
 * stands in their place, and they lie in a column of their own, {JSON pointer within the spec: text}.
 * Pure. The documents are the API's check objects.
 *
 * Thread: any after check_rules_init().
 */
#pragma once

#include <jansson.h>

#define CHECK_SECRET_MASK "********"

/* Puts masks in place of the secrets of check.spec, and the secrets into check.secrets; null when
 * there are none. */
void check_secrets_hide(json_t *check);

/*
 * Puts secrets in place of masks that the spec has where `earlier`, the check as it was, had them;
 * of a header where it had one of that name. A mask that stands for nothing stays.
 * @param secrets as check_secrets_hide() made them of `earlier`; null: there were none.
 */
void check_secrets_restore(json_t *check, const json_t *earlier, const json_t *secrets);

/* Puts what `hash` makes of a secret in place of each mask that stands for one: for the journal. */
void check_secrets_hash(json_t *check, const json_t *secrets,
                        json_t *(*hash)(const void *context, const json_t *secret),
                        const void *context);

/* Adds an error for each mask in check.spec. */
void check_secrets_refuse_masks(const json_t *check, json_t **errors);
